"""Reward of our coding run, hardened: all tests must be reached, the result is a line of JSON, the timeout kills."""

import json
import re
import subprocess
import sys

BLOCK = re.compile(r"```(?:python)?\n(.*?)```", re.DOTALL)
RUNNER = """
import json, sys
code, tests = json.load(sys.stdin)
scope = {"__name__": "candidate"}
exec(code, scope)
results = []
for test in tests:
    value = eval(test["call"], scope)
    results.append(type(value) is type(test["expected"]) and value == test["expected"])
print(json.dumps({"passed": results}))
"""


def passes(code, tests):
    try:
        ran = subprocess.run(
            [sys.executable, "-I", "-c", RUNNER],
            input=json.dumps([code, tests]),
            capture_output=True,
            text=True,
            timeout=2 * len(tests),
        )
        return json.loads(ran.stdout.splitlines()[-1])["passed"] == [True] * len(tests)
    except (subprocess.TimeoutExpired, ValueError, IndexError, KeyError, TypeError):
        return False


def code_reward(completions, tests, **kwargs):
    scores = []
    for completion, suite in zip(completions, tests, strict=True):
        blocks = BLOCK.findall(completion[-1]["content"])
        scores.append(float(bool(blocks) and passes(blocks[-1], json.loads(suite))))
    return scores
