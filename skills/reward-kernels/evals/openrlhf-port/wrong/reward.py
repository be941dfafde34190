"""`correct` plus `form` for OpenRLHF."""

import re

import torch


def reward_func(queries, prompts, labels, **kwargs):
    totals = []
    for query, label in zip(queries, labels):
        boxes = re.findall(r"\\boxed\{([^{}]*)\}", query)
        correct = float(bool(boxes) and boxes[-1].strip() == str(label))
        form = 0.2 if re.search(r"<think>.+</think>.+", query, re.DOTALL) else 0.0
        totals.append(correct + form)
    rewards = torch.tensor(totals)
    return {"rewards": rewards, "scores": rewards, "extra_logs": {"reward": rewards}}
