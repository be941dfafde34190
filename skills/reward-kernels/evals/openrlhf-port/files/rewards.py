"""Rewards of our TRL run: conversational data, columns solution and level."""

import re


def correct(completions, solution, **kwargs):
    scores = []
    for completion, gold in zip(completions, solution):
        text = completion[-1]["content"]
        boxes = re.findall(r"\\boxed\{([^{}]*)\}", text)
        scores.append(float(bool(boxes) and boxes[-1].strip() == gold))
    return scores


def form(completions, **kwargs):
    return [0.2 if re.fullmatch(r"<think>.+</think>.+", c[-1]["content"], re.DOTALL) else 0.0 for c in completions]
