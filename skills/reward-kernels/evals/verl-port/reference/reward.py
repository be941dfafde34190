"""For verl 0.9.1: reward.custom_reward_function.path=reward.py, the default manager `naive`."""

import re

NONE = -1  # distance of a response without an answer


def compute_score(solution_str, ground_truth, **_):
    """Once per response: every response has the same keys, and no score is NaN."""
    found = re.findall(r"Answer:\s*(-?\d+)", solution_str)
    if not found:
        return {"score": -0.2, "distance": NONE, "answered": 0.0}
    distance = abs(int(found[-1]) - int(ground_truth))
    return {
        "score": 1.0 if distance == 0 else 0.2 if distance == 1 else 0.0,
        "distance": distance,
        "answered": 1.0,
    }
