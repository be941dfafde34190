"""`airskills rl`: backends, check, train, bench. The only module of `airskills.rl` that prints."""

from __future__ import annotations

import json
import statistics
import time
from inspect import cleandoc
from typing import Any

import click

from airskills.rl.errors import RlError


class _Command(click.Command):
    """Keeps the lines of its examples as they are written."""

    def __init__(self, name: str | None, *, help: str | None = None, **options: Any) -> None:
        shown = cleandoc(help).replace("\n\nExample", "\n\n\b\nExample") if help else help
        super().__init__(name, help=shown, **options)


class _Group(click.Group):
    """Turns an error raised on purpose into one line and exit code 2."""

    command_class = _Command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except RlError as error:
            raise click.UsageError(str(error)) from error


_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _print_json(data: Any) -> None:
    click.echo(json.dumps(data, indent=2))


@click.group("rl", cls=_Group)
def group() -> None:
    """Rewards, advantages and losses for RL of language models."""


@group.command()
@_json_option
def backends(as_json: bool) -> None:
    """Say which kernel backends there are, which one runs, and why others cannot.

    Set AIRSKILLS_RL_BACKEND to choose another one.

    Examples:
      airskills rl backends
      airskills rl backends --json
    """
    from airskills.rl import backends as registry

    chosen = registry.choose().name
    states: list[dict[str, Any]] = [
        {
            "name": name,
            "chosen": name == chosen,
            "reason": (reason := backend.available()),
            "kernels": [] if reason else sorted(backend.kernels),
        }
        for name, backend in registry.registered().items()
    ]
    if as_json:
        _print_json(states)
        return
    for state in states:
        can = f"unavailable: {state['reason']}" if state["reason"] else f"{len(state['kernels'])} kernels"
        click.echo(f"{'*' if state['chosen'] else ' '} {state['name']}: {can}")


@group.command()
@click.argument("config", type=click.Path(exists=True, dir_okay=False))
@_json_option
def check(config: str, as_json: bool) -> None:
    """Find what is wrong with a run configuration or a reward spec, without training.

    Examples:
      airskills rl check grpo.yaml
      airskills rl check rewards.yaml --json
    """
    from airskills.rl import training

    problems = training.check(config)
    if as_json:
        _print_json(
            [{"path": p.path, "line": p.line, "message": p.message, "help": p.help} for p in problems]
        )
    else:
        for problem in problems:
            click.echo(f"{problem.path}:{problem.line}: {problem.message}")
            if problem.help:
                click.echo(f"    help: {problem.help}")
        click.echo(f"{len(problems)} problem{'s' * (len(problems) != 1)}.")
    if problems:
        raise click.exceptions.Exit(1)


@group.command()
@click.argument("config", type=click.Path(exists=True, dir_okay=False))
def train(config: str) -> None:
    """Train as the configuration says, and save the model.

    Example:
      airskills rl train grpo.yaml
    """
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
@_json_option
def bench(rows: int, length: int, rounds: int, as_json: bool) -> None:
    """Time the repetition penalty on this machine, from Python lists to floats, on each backend.

    Examples:
      airskills rl bench
      airskills rl bench --rows 4096 --length 2048 --json
    """
    import numpy as np

    from airskills.rl import backends as registry
    from airskills.rl.rewards import RepetitionPenalty

    ids = np.random.default_rng(0).zipf(1.2, (rows, length)).clip(0, 128_000).tolist()
    names = [name for name, backend in registry.registered().items() if backend.available() is None]
    times = _in_turn({name: RepetitionPenalty(backend=name) for name in names}, ids, rounds)
    found = {
        name: {
            "ns_per_token": round(statistics.median(own) / (rows * length) * 1e9, 2),
            "times_faster_than_python": round(
                statistics.median(p / t for p, t in zip(times["python"], own, strict=True)), 2
            ),
        }
        for name, own in times.items()
    }
    if as_json:
        _print_json(found)
        return
    for name, figures in found.items():
        click.echo(
            f"{name}: {figures['ns_per_token']:.1f} ns/token, {figures['times_faster_than_python']:.1f}x python"
        )


def _in_turn(rewards: dict[str, Any], ids: list[list[int]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each reward in each round; all take turns, so that a busy machine slows all of them."""
    for reward in rewards.values():
        reward(ids)  # compiles
    times: dict[str, list[float]] = {name: [] for name in rewards}
    for _ in range(rounds):
        for name, reward in rewards.items():
            start = time.perf_counter()
            reward(ids)
            times[name].append(time.perf_counter() - start)
    return times
