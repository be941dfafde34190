"""Reward of the run, hardened."""

import re

PATTERN = re.compile(r"<think>(.+?)</think>\s*<answer>(.*?)</answer>\s*$", re.DOTALL)


def reward(completions, answer, **kwargs):
    scores = []
    for completion, gold in zip(completions, answer):
        match = PATTERN.search(completion[-1]["content"])
        scores.append(float(match is not None and match[2].strip() == gold))
    return scores
