"""Rewards of the run. Prompts are conversational; the column `answer` holds an integer as text."""

import re


def last_integer(completion):
    found = re.findall(r"-?\d+", completion[-1]["content"])
    return int(found[-1]) if found else None


def correct(completions, answer, **kwargs):
    """1 for the right integer, 0 for another; does not apply without an integer."""
    scores = []
    for completion, gold in zip(completions, answer, strict=True):
        value = last_integer(completion)
        scores.append(None if value is None else float(value == int(gold)))
    return scores


def overshoot(completions, answer, **kwargs):
    """How far a wrong answer is off, as a penalty down to -1; does not apply without an integer."""
    scores = []
    for completion, gold in zip(completions, answer, strict=True):
        value = last_integer(completion)
        scores.append(None if value is None else -min(abs(value - int(gold)) / 10, 1.0))
    return scores


def polite(completions, **kwargs):
    """0.1 for a please."""
    return [0.1 * ("please" in completion[-1]["content"].lower()) for completion in completions]
