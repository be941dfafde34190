"""The reference of the Python API: which modules it shows; mkdocstrings reads their docstrings without importing them."""

from __future__ import annotations

from dataclasses import dataclass

from airskills.site.render import render


@dataclass(frozen=True, slots=True)
class Part:
    """A page: its title, what it is for, and the objects it shows."""

    title: str
    lead: str
    objects: tuple[str, ...]


PARTS = {
    "library": Part(
        "Skills and the library",
        "`from airskills import Library` is the way in: load skills by name, search them, read their files.",
        (
            "airskills.library.Library",
            "airskills.skill.Skill",
            "airskills.skill.parse",
            "airskills.index.Hit",
            "airskills.errors",
        ),
    ),
    "check": Part(
        "Check and findings",
        "The validator as a function, and what every part of the proof machine returns.",
        ("airskills.check", "airskills.finding.Finding", "airskills.settings"),
    ),
    "proof": Part("Proof", "What `proof.json` holds, and when it counts.", ("airskills.proof",)),
    "adapters": Part(
        "Adapters",
        "Skills as tools of model APIs and agent frameworks.",
        ("airskills.adapters", "airskills.toolbox"),
    ),
    "rl-rewards": Part(
        "RL: rewards",
        "Rewards on fast kernels, alone or as one weighted specification. Needs the extra `rl`.",
        ("airskills.rl.rewards", "airskills.rl.spec", "airskills.rl.presets", "airskills.rl.batch"),
    ),
    "rl-losses": Part(
        "RL: advantages and losses",
        "Pure functions of tensors, with shapes and sources.",
        ("airskills.rl.advantages", "airskills.rl.losses", "airskills.rl.linear", "airskills.rl.fused"),
    ),
    "rl-training": Part(
        "RL: training",
        "One call over TRL, callbacks that guard a run, and a curriculum by success.",
        (
            "airskills.rl.training",
            "airskills.rl.config",
            "airskills.rl.trl",
            "airskills.rl.callbacks",
            "airskills.rl.curriculum",
        ),
    ),
    "grokking-runs": Part(
        "Grokking: tasks and runs",
        "Tasks, models, optimizers and the training loop. Needs the extra `grokking`.",
        (
            "airskills.grokking.config",
            "airskills.grokking.tasks",
            "airskills.grokking.models",
            "airskills.grokking.optim",
            "airskills.grokking.train",
        ),
    ),
    "grokking-measures": Part(
        "Grokking: measures",
        "When a run generalized, signals on the way, statistics with censoring, early stopping.",
        (
            "airskills.grokking.outcome",
            "airskills.grokking.signals",
            "airskills.grokking.monitor",
            "airskills.grokking.stats",
            "airskills.grokking.stopping",
        ),
    ),
}


def pages() -> dict[str, str]:
    """The pages by path below the folder of the Python reference."""
    made = {f"{name}.md": render("api.md", part=part) for name, part in PARTS.items()}
    return made | {"index.md": render("apis.md", parts=PARTS)}
