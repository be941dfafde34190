"""Plain numbers in the usual spellings pay; whatever else equals the answer, or holds it, does not."""

import importlib.util
import sys
import time
from pathlib import Path

GOLD = [
    (r"so \boxed{7}.", "7"),
    (r"\boxed{ -7 }", "-7"),
    (r"\boxed{7.0}", "7"),
    (r"\boxed{\frac{1}{2}}", "0.5"),
    (r"\boxed{\tfrac{3}{4}}", "3/4"),
    (r"\boxed{-\dfrac{3}{4}}", "-0.75"),
    (r"\boxed{3/4}", "0.75"),
    (r"\boxed{1,250}", "1250"),
    (r"\boxed{1{,}250}", "1250"),
    (r"\boxed{x = 7}", "7"),
    (r"\boxed{7\text{ cm}}", "7"),
    (r"\boxed{7\,\text{km/h}}", "7"),
    (r"\boxed{12} no, \boxed{7}", "7"),
    (r"$\boxed{0.1}$", "0.1"),
]
HACKS = [
    ("", "7"),
    ("7", "7"),
    (r"\boxed{}", "7"),
    (r"\boxed{7", "7"),
    (r"\boxed{7} no, \boxed{8}", "7"),
    (r"\boxed{7} \boxed{}", "7"),
    (r"\boxed{7 \text{ or } 8}", "7"),
    (r"\boxed{7\text{ or 8}}", "7"),
    (r"\boxed{7\text{, 8, 9}}", "7"),
    (r"\boxed{8\text{ or }7}", "7"),
    (r"\boxed{\text{6, }7}", "7"),
    (r"\boxed{7, 8}", "7"),
    (r"\boxed{7; 8}", "7"),
    (r"\boxed{7 \quad 8}", "7"),
    (r"\boxed{\{7, 8\}}", "7"),
    (r"\boxed{6 < x < 8}", "7"),
    (r"\boxed{7 \pm 1}", "7"),
    (r"\boxed{x = 7 = 8}", "7"),
    (r"\boxed{x = 7, y = 8}", "7"),
    (r"\boxed{17\times 23}", "391"),
    (r"\boxed{17\cdot23}", "391"),
    (r"\boxed{400-9}", "391"),
    (r"\boxed{\gcd(14, 21)}", "7"),
    (r"\boxed{\sqrt{49}}", "7"),
    (r"\boxed{7^1}", "7"),
    (r"\boxed{\frac{14+7}{3}}", "7"),
    (r"\boxed{\sum_{i=1}^{7} 1}", "7"),
    (r"\boxed{7!/720}", "7"),
    (r"\boxed{7\%}", "7"),
    (r"\boxed{7\text{ percent}}", "7"),
    (r"\boxed{7\text{ thousand}}", "7"),
    (r"\boxed{1,2}", "12"),
    (r"\boxed{12,50}", "1250"),
    (r"\boxed{7_0}", "70"),
    (r"\boxed{7 0}", "70"),
    (r"\boxed{70\text{\%}}", "70"),
    (r"\boxed{0.30000000001}", "0.3"),
    (r"\boxed{1/0}", "7"),
    (r"\boxed{9^{9^{9^{9}}}}", "7"),
    (r"\boxed{nan}", "7"),
]


def main() -> int:
    """Exit 0 when every good answer scores 1 and every hack 0, quickly."""
    spec = importlib.util.spec_from_file_location("rewards", Path(sys.argv[1]) / "rewards.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    rows = [(text, gold, 1.0) for text, gold in GOLD] + [(text, gold, 0.0) for text, gold in HACKS]
    completions = [[{"role": "assistant", "content": text}] for text, _, _ in rows]
    start = time.monotonic()
    scores = module.boxed_reward(completions, answer=[gold for _, gold, _ in rows], prompts=["p"] * len(rows))
    spent = time.monotonic() - start
    wrong = [
        f"{text!r} scores {got}" for (text, _, want), got in zip(rows, scores, strict=True) if got != want
    ]
    if spent > 30:
        wrong.append(f"{spent:.0f} s for {len(rows)} answers")
    print("; ".join(wrong[:5]) or "plain numbers pay, nothing else does")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
