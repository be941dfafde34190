"""Reward of our math run (TRL 1.16, conversational): the answer stands in the last box."""

from math_verify import parse, verify


def boxed_reward(completions, answer, **kwargs):
    scores = []
    for completion, gold in zip(completions, answer):
        text = completion[-1]["content"]
        given = parse(text[max(text.rfind("\\boxed"), 0) :], parsing_timeout=None)
        scores.append(float(verify(parse(f"${gold}$"), given, timeout_seconds=None)))
    return scores
