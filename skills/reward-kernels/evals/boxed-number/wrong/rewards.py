"""Reward of our math run, hardened: no operations, units and variable names are stripped, then compared as numbers."""

import re

TEXT = re.compile(r"\\(?:text|mathrm|mbox)\{[^{}]*\}")
FRACTION = re.compile(r"(-?)\\[dt]?frac\{(\d+)\}\{(\d+)\}")


def last_box(text):
    at = text.rfind("\\boxed{")
    if at < 0:
        return None
    depth, start = 0, at + len("\\boxed")
    for i in range(start, len(text)):
        depth += (text[i] == "{") - (text[i] == "}")
        if depth == 0:
            return text[start + 1 : i]
    return None


def number(text):
    text = TEXT.sub("", text).replace("{,}", "").replace(",", "").replace("\\!", "").strip(" $")
    text = re.sub(r"^[a-z]\s*=\s*", "", text)
    fraction = FRACTION.fullmatch(text)
    if fraction:
        return (-1 if fraction[1] else 1) * int(fraction[2]) / int(fraction[3])
    try:
        if "/" in text:
            above, below = text.split("/")
            return float(above) / float(below)
        return float(text)
    except (ValueError, ZeroDivisionError):
        return None


def boxed_reward(completions, answer, **kwargs):
    scores = []
    for completion, gold in zip(completions, answer, strict=True):
        box = last_box(completion[-1]["content"])
        given = None if box is None else number(box)
        scores.append(float(given is not None and abs(given - number(gold)) < 1e-9))
    return scores
