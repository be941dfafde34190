"""Prompts whose group taught nothing, from the completions tables of TRL 1.16."""

from pathlib import Path

import pandas as pd

NOT_REWARDS = {"step", "prompt", "completion", "advantage"}


def text(prompt) -> str:
    """The last user message; prompts are strings or lists of messages."""
    if isinstance(prompt, str):
        return prompt
    return next(message["content"] for message in reversed(list(prompt)) if message["role"] == "user")


def dead_prompts(folder, num_generations, rewards):
    """User texts of all groups in which no completion differs in the sum of `rewards`."""
    dead = set()
    for path in sorted(Path(folder).glob("*.parquet")):
        table = pd.read_parquet(path)
        total = table[list(rewards)].fillna(0).sum(axis=1)
        for start in range(0, len(table), num_generations):
            if (
                total.iloc[start : start + num_generations].max()
                - total.iloc[start : start + num_generations].min()
                < 1e-9
            ):
                dead.add(text(table.prompt.iloc[start]))
    return sorted(dead)
