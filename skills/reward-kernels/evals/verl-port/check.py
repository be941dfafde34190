"""Score a batch with verl's own manager, collect it as its loop does, and look at the advantages of its GRPO."""

import importlib.util
import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import numpy as np
from frameworks import verl_batch, verl_grpo, verl_score

TEXTS = ["I will not say", "Answer: 7", "Answer: 8", "Answer: 90"]  # silent, right, near, far


def main() -> int:
    """Exit 0 when the batch can be collected and silence is not better than a wrong answer."""
    spec = importlib.util.spec_from_file_location("reward", Path(sys.argv[1]) / "reward.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for gold in ("7", 7):
        results = [verl_score(module.compute_score, text, gold) for text in TEXTS]
        scores = [result["reward_score"] for result in results]
        infos = [result["reward_extra_info"] for result in results]
        try:
            collected = {key: np.array([info[key] for info in infos]) for key in infos[0]}  # as verl does
            verl_batch(scores)
            silent, right, near, far = verl_grpo([float(score) for score in scores])
        except (KeyError, TypeError, ValueError) as error:
            print(f"verl cannot collect the batch: {type(error).__name__}: {error}")
            return 1
        if not all(map(math.isfinite, (silent, right, near, far))) or not right > near > far >= silent:
            print(f"advantages: right {right:.2f}, near {near:.2f}, far {far:.2f}, silent {silent:.2f}")
            return 1
        if any(values.dtype == object for values in collected.values()) or "distance" not in collected:
            print(f"not numbers, or no distance: {collected}")
            return 1
    print("right > near > far >= silent, and every key of every response")
    return 0


if __name__ == "__main__":
    sys.exit(main())
