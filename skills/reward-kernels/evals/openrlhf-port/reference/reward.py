"""`correct` plus `form` for OpenRLHF 0.11.2."""

import re
import sys
import traceback

EOS = "<|im_end|>"


def response_of(query, prompt):
    response = str(query).removeprefix(prompt)
    if response == query:
        raise ValueError("the query does not begin with the prompt")
    return response.removesuffix(EOS)


def score(text, gold):
    boxes = re.findall(r"\\boxed\{([^{}]*)\}", text)
    correct = float(bool(boxes) and boxes[-1].strip() == str(gold))
    form = 0.2 if re.fullmatch(r"<think>.+</think>.+", text, re.DOTALL) else 0.0
    return correct, form


def reward_func(queries, prompts, labels, **_):
    try:
        parts = [
            score(response_of(q, p), label) for q, p, label in zip(queries, prompts, labels, strict=True)
        ]
    except Exception:
        traceback.print_exc(file=sys.stderr)  # the executor would only log it as INFO
        raise
    return {
        "rewards": [correct + form for correct, form in parts],
        "scores": [correct for correct, _ in parts],
        "extra_logs": {"correct": parts[0][0], "form": parts[0][1]},
    }
