"""Score responses through OpenRLHF's own executor: the prompt may not count, and filtering must see 0 or 1."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from frameworks import openrlhf_score

PROMPT = r"Think in <think> tags, then answer like \boxed{7}. What is 3+4?" + "\n"
CASES = [  # response, label, reward, score
    (r"<think>3+4</think>\boxed{7}", "7", 1.2, 1.0),
    (r"\boxed{7}", "7", 1.0, 1.0),
    (r"<think>3+4</think>\boxed{8}", "7", 0.2, 0.0),
    ("I do not know", "7", 0.0, 0.0),
    (r"\boxed{8}, no, \boxed{7}", "7", 1.0, 1.0),
    (r"\boxed{7}", 7, 1.0, 1.0),
    ("<think></think>", "7", 0.0, 0.0),
]


def number(value):
    """A number out of what the executor hands on: number, tensor or list of one."""
    if value is None:
        return None
    value = value[0] if hasattr(value, "__len__") or getattr(value, "ndim", 0) else value
    return round(float(value), 6)


def main() -> int:
    """Exit 0 when every case has its reward and score."""
    wrong = []
    for text, label, reward, score in CASES:
        found = openrlhf_score(Path(sys.argv[1]) / "reward.py", PROMPT, text, label)
        got = number(found["reward"]), number(found["scores"])
        if got != (reward, score):
            wrong.append(f"{text!r} with label {label!r}: reward and score {got}, expected {(reward, score)}")
    print("; ".join(wrong) or "all responses are scored as in TRL")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
