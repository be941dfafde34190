"""For verl 0.9.1."""

import re


def compute_score(data_source, solution_str, ground_truth, extra_info=None, **kwargs):
    found = re.findall(r"Answer:\s*(-?\d+)", solution_str)
    if not found:
        return {"score": 0.0}
    distance = abs(int(found[-1]) - int(ground_truth))
    return {"score": 1.0 if distance == 0 else 0.2 if distance == 1 else 0.0, "distance": distance}
