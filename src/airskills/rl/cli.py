"""`airskills rl`: backends, check, train, bench. The only module of `airskills.rl` that prints."""

from __future__ import annotations

import statistics
import time
from typing import Any

import click

from airskills.rl.errors import RlError


class _Group(click.Group):
    """Turns an error raised on purpose into one line and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except RlError as error:
            raise click.UsageError(str(error)) from error


@click.group("rl", cls=_Group)
def group() -> None:
    """Rewards, advantages and losses for RL of language models."""


@group.command()
def backends() -> None:
    """Say which kernel backends there are, which one runs, and why others cannot."""
    from airskills.rl import backends as registry

    chosen = registry.choose().name
    for name, backend in registry.registered().items():
        reason = backend.available()
        state = f"unavailable: {reason}" if reason else f"{len(backend.kernels)} kernels"
        click.echo(f"{'*' if name == chosen else ' '} {name}: {state}")


@group.command()
@click.argument("config", type=click.Path(exists=True, dir_okay=False))
def check(config: str) -> None:
    """Find what is wrong with a run configuration or a reward spec, without training."""
    from airskills.rl import training

    problems = training.check(config)
    for problem in problems:
        click.echo(str(problem))
    click.echo(f"{len(problems)} problem{'s' * (len(problems) != 1)}.")
    if problems:
        raise click.exceptions.Exit(1)


@group.command()
@click.argument("config", type=click.Path(exists=True, dir_okay=False))
def train(config: str) -> None:
    """Train as the configuration says, and save the model."""
    from airskills.rl import training
    from airskills.rl.config import RunConfig

    problems = training.check(config)
    if problems:
        raise problems[0]
    result = training.train(RunConfig.from_yaml(config))
    metric = next((key for key in ("reward", "loss") if result.series(key)), None)
    if metric:
        values = result.series(metric)
        click.echo(f"{metric}: {values[0]:.3f} -> {values[-1]:.3f}")
    click.echo(f"{result.steps} steps in {result.wall_s:.1f} s; the model is in {result.output}")
    if result.stopped:
        click.echo(f"stopped early: {result.stopped}")


@group.command()
@click.option("--rows", default=512, show_default=True, type=click.IntRange(1), help="Completions.")
@click.option("--length", default=512, show_default=True, type=click.IntRange(1), help="Tokens of each.")
@click.option(
    "--rounds", default=5, show_default=True, type=click.IntRange(1), help="Repetitions; the median counts."
)
def bench(rows: int, length: int, rounds: int) -> None:
    """Time the repetition penalty on this machine, from Python lists to floats, on each backend."""
    import numpy as np

    from airskills.rl import backends as registry
    from airskills.rl.rewards import RepetitionPenalty

    ids = np.random.default_rng(0).zipf(1.2, (rows, length)).clip(0, 128_000).tolist()
    names = [name for name, backend in registry.registered().items() if backend.available() is None]
    times = {name: _median_s(RepetitionPenalty(backend=name), ids, rounds) for name in names}
    for name, seconds in times.items():
        per_token = seconds / (rows * length) * 1e9
        click.echo(f"{name}: {per_token:.1f} ns/token, {times['python'] / seconds:.1f}x python")


def _median_s(reward: Any, ids: list[list[int]], rounds: int) -> float:
    reward(ids)
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        reward(ids)
        times.append(time.perf_counter() - start)
    return statistics.median(times)
