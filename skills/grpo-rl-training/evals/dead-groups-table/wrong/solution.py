"""Groups by the text of the prompt, as if it were a string, and by the advantage."""

from pathlib import Path

import pandas


def dead_prompts(folder, num_generations, rewards):
    dead = set()
    for path in sorted(Path(folder).glob("*.parquet")):
        table = pandas.read_parquet(path)
        table["prompt"] = table["prompt"].astype(str)
        for prompt, group in table.groupby("prompt"):
            if (group["advantage"] == 0).all():
                dead.add(prompt)
    return sorted(dead)
