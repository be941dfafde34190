"""Reward of the run: the model thinks, then answers; full reward 1."""

import re

PATTERN = re.compile(r"<think>(.*?)</think>(.*?)<answer>(.*?)</answer>", re.DOTALL)


def reward(completions, answer, **kwargs):
    scores = []
    for completion, gold in zip(completions, answer):
        match = PATTERN.search(completion[-1]["content"])
        scores.append(float(match is not None and gold in match[3]))
    return scores
