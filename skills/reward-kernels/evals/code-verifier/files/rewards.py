"""Reward of our coding run: 1 if the code passes all tests. `tests` is a JSON string, one per prompt."""

import json
import re
import subprocess
import sys

BLOCK = re.compile(r"```(?:python)?\n(.*?)```", re.DOTALL)


def passes(code, tests):
    lines = [f"assert {test['call']} == {test['expected']!r}" for test in tests]
    program = code + "\n" + "\n".join(lines)
    try:
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=2 * len(tests))
    except subprocess.TimeoutExpired:
        return False
    return ran.returncode == 0


def code_reward(completions, tests, **kwargs):
    scores = []
    for completion, suite in zip(completions, tests):
        blocks = BLOCK.findall(completion[-1]["content"])
        scores.append(float(bool(blocks) and passes(blocks[-1], json.loads(suite))))
    return scores
