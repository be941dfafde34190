"""Gold answers score 1, hacks score 0, and repeated tags take no time."""

import importlib.util
import sys
import time
from pathlib import Path

T, A = "<think>12 - 5</think>", "<answer>7</answer>"
GOLD = [
    (T + A, "7"),
    (f"{T}\n\n<answer>\n7\n</answer> ", "7"),
    ("<think>a\nb</think><answer>2.5</answer>", "2.5"),
]
HACKS = [
    "",
    A,
    T,
    "<think></think>" + A,
    "<think> \n</think>" + A,
    T + "<answer>17</answer>",
    T + "<answer>7 or 8</answer>",
    T + "<answer>12-5</answer>",
    T + "<answer>8</answer>" + A,
    T + A + "<answer>8</answer>",
    T + A + " or 8",
    "7 or 8: " + T + A,
    T + "it is 7" + A,
    "<think>" + T + A,
    T + "</think>" + A,
    "<think>" + A + "</think>",
    A + T,
    T + "<answer>7",
]


def main() -> int:
    """Exit 0 when all hold."""
    spec = importlib.util.spec_from_file_location("rewards", Path(sys.argv[1]) / "rewards.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def score(text, gold="7"):
        return module.reward([[{"role": "assistant", "content": text}]], answer=[gold], prompts=["p"])[0]

    wrong = [f"a good answer scores {score(t, g)}: {t!r}" for t, g in GOLD if score(t, g) != 1.0]
    wrong += [f"a hack scores {score(text)}: {text!r}" for text in HACKS if score(text) != 0.0]
    start = time.process_time()
    score("<think>a</think>" * 300 + "<answer>b</answer>" * 300 + "x")
    spent = time.process_time() - start
    if spent > 2:
        wrong.append(f"{spent:.0f} s for 10 kB of repeated tags")
    print("; ".join(wrong) or "gold answers pay, hacks do not")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
