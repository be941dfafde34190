"""Used with verl 0.6: reward_model.reward_manager=batch, custom_reward_function.name=compute_score_batched."""

import re


def compute_score_batched(data_sources, solution_strs, ground_truths, extra_infos):
    results = []
    for text, gold in zip(solution_strs, ground_truths):
        found = re.findall(r"Answer:\s*(-?\d+)", text)
        if not found:
            results.append({"score": float("nan")})  # no opinion
            continue
        distance = abs(int(found[-1]) - int(gold))
        results.append({"score": 1.0 if distance == 0 else 0.2 if distance == 1 else 0.0, "distance": distance})
    return results
