"""Reward of our math run: one plain number in the last box, in a grammar that names what is allowed, compared exactly."""

import re
from fractions import Fraction

WHOLE = r"(?:[0-9]{1,3}(?:(?:,|\{,\})[0-9]{3})+|[0-9]+)"
VALUE = re.compile(
    rf"([-+]?)\s*(?:({WHOLE}(?:\.[0-9]+)?)(?:\s*/\s*({WHOLE}))?|\\[dt]?frac\s*\{{\s*([0-9]+)\s*\}}\s*\{{\s*([0-9]+)\s*\}})"
)
NAME = re.compile(r"\A[A-Za-z]\s*=\s*")
UNIT = re.compile(r"\s*(?:\\,|\\ |~)?\s*\\(?:text|mathrm)\{\s*([A-Za-z]+(?:/[A-Za-z]+)?)\s*\}\Z")
NO_UNIT = {"or", "and", "to", "not", "percent", "dozen", "thousand", "million", "billion"}


def last_box(text):
    _, box, rest = text.rpartition("\\boxed{")
    depth = 1 if box else 0
    for at, character in enumerate(rest):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return rest[:at]
    return ""


def number(text):
    """Value of a plain number with at most a name before it and a unit after it; None for anything else."""
    text = NAME.sub("", text.strip().strip("$").strip())
    unit = UNIT.search(text)
    if unit and unit[1].lower() not in NO_UNIT:
        text = text[: unit.start()]
    match = VALUE.fullmatch(text.strip())
    if match is None:
        return None
    sign, whole, below, above_frac, below_frac = match.groups()
    plain = (whole or above_frac).replace("{,}", "").replace(",", "")
    divisor = int((below or below_frac or "1").replace("{,}", "").replace(",", ""))
    if divisor == 0:
        return None
    return (-1 if sign == "-" else 1) * Fraction(plain) / divisor


def boxed_reward(completions, answer, **_):
    scores = []
    for completion, gold in zip(completions, answer, strict=True):
        given = number(last_box(completion[-1]["content"]))
        scores.append(float(given is not None and given == number(str(gold))))
    return scores
