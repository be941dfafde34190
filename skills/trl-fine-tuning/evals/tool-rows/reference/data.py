"""Conversations with tool calls as a data set."""

from datasets import Dataset


def make(rows):
    """Data set with the column messages; arguments stay JSON, without the keys of other rows."""
    return Dataset.from_list(rows, on_mixed_types="use_json")
