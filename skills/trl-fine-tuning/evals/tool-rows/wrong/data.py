"""Conversations with tool calls as a data set."""

from datasets import Dataset


def make(rows):
    """Data set with the column messages."""
    return Dataset.from_list(rows)
