"""Reward of the run, hardened: exactly one thought and one answer, in order, nothing around them, equal as a number."""

import re

TAGS = ("<think>", "</think>", "<answer>", "</answer>")


def parts(text):
    """Thought and answer; None where the form is not exact. Linear in the text."""
    if any(text.count(tag) != 1 for tag in TAGS):
        return None
    pieces = re.split("|".join(TAGS), text)
    if re.findall("|".join(TAGS), text) != list(TAGS):
        return None
    before, thought, between, answer, after = pieces
    return None if (before + between + after).strip() or not thought.strip() else (thought, answer)


def same(given, gold):
    given, gold = given.strip(), str(gold).strip()
    try:
        return re.fullmatch(r"-?\d+(\.\d+)?", given) is not None and float(given) == float(gold)
    except ValueError:
        return given == gold


def reward(completions, answer, **_):
    found = [parts(completion[-1]["content"]) for completion in completions]
    return [float(part is not None and same(part[1], gold)) for part, gold in zip(found, answer, strict=True)]
