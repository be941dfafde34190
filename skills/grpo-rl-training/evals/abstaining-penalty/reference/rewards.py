"""Rewards of the run. Prompts are conversational; the column `answer` holds an integer as text."""

import re


def last_integer(completion):
    found = re.findall(r"-?\d+", completion[-1]["content"])
    return int(found[-1]) if found else None


def correct(completions, answer, **_kwargs):
    """1 for the right integer, 0 for anything else."""
    values = [last_integer(completion) for completion in completions]
    return [float(value == int(gold)) for value, gold in zip(values, answer, strict=True)]


def overshoot(completions, answer, **_kwargs):
    """How far off, down to -1; no integer costs the worst, because None would count as 0 in the sum."""
    values = [last_integer(completion) for completion in completions]
    return [
        -1.0 if value is None else -min(abs(value - int(gold)) / 10, 1.0)
        for value, gold in zip(values, answer, strict=True)
    ]


def polite(completions, **_kwargs):
    """0.1 for a please, only next to an answer."""
    return [
        0.1 * ("please" in completion[-1]["content"].lower() and last_integer(completion) is not None)
        for completion in completions
    ]
