"""Reward of our coding run: expected values stay here, the code only computes, and its whole group is killed."""

import json

from airskills.rl.rewards import CodeTests

GRADE = CodeTests(isolation="limits", all_or_nothing=True, timeout_s=2.0)


def code_reward(completions, tests, **_):
    suites = [json.loads(suite) for suite in tests]
    fenced = ["```" in completion[-1]["content"] for completion in completions]
    scores = GRADE(completions, tests=suites)
    return [float(bool(score) and block) for score, block in zip(scores, fenced, strict=True)]
