"""Commands of the lab: `airskills grok ...`. The only module here that prints."""

import json
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from airskills.grokking.errors import GrokkingError


class GrokGroup(click.Group):
    """Turns the lab's errors into one line and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a `GrokkingError` is the caller's to repair, anything else is a bug and stays loud."""
        try:
            return super().invoke(ctx)
        except GrokkingError as error:
            raise click.UsageError(str(error)) from error


FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(cls=GrokGroup)
def group() -> None:
    """Grokking experiments with statistics one can defend."""


@group.command("tasks")
def tasks_command() -> None:
    """List the tasks with their budgets and reference settings."""
    from airskills.grokking import tasks

    for name in tasks.names():
        card = tasks.get(name).card
        method = card.reference
        known = {True: "groks", False: "never generalizes", None: "open"}[card.groks]
        click.echo(
            f"{name:14} {card.domain:12} T={card.budget:<6,} lr {method.lr:g}, decay {method.weight_decay:g}: {known}"
        )


@group.command()
@click.option("--tier", type=click.Choice(["smoke", "standard", "full"]), default="smoke", show_default=True)
@click.option(
    "--out", type=FOLDER, required=True, help="Folder of the results; an unfinished one is continued."
)
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="One-thread processes.")
@click.option("--measure", is_flag=True, help="Find batch sizes by trying, some seconds per task.")
@click.option(
    "--tuned", type=FILE, help="Settings made by `airskills grok tune`, in the place of the tier's tuning."
)
def bench(tier: str, out: Path, workers: int, tuned: Path | None, *, measure: bool) -> None:
    """Run the benchmark and write OUT/results.json; the tiers standard and full tune every method first."""
    from airskills.grokking import benchmark

    start = time.perf_counter()
    settings = json.loads(tuned.read_text(encoding="utf-8")) if tuned else None
    result = benchmark.run(
        tier,
        out,
        workers=workers,
        measure=measure,
        tuned=settings,
        on_done=lambda what, done, total: click.echo(
            f"{done}/{total} {what}, {time.perf_counter() - start:.0f} s", err=True
        ),
    )
    click.echo(f"{len(result['runs'])} runs in {out / 'results.json'}")
    failures = benchmark.checks(result["runs"]) if tier == "smoke" else []
    for failure in failures:
        click.echo(failure)
    sys.exit(1 if failures else 0)


@group.command()
@click.argument("results", type=FILE)
@click.option("--out", type=FOLDER, required=True, help="Folder of the tables and figures.")
def report(results: Path, out: Path) -> None:
    """Make tables and SVG figures from RESULTS."""
    from airskills.grokking import report as reports

    for path in reports.write(reports.load(results), out):
        click.echo(path)


@group.command()
@click.argument("results", type=FILE)
@click.option(
    "--repeat",
    type=click.IntRange(0),
    default=3,
    show_default=True,
    help="Runs drawn by chance and made again.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the draw: choose your own.")
def verify(results: Path, repeat: int, seed: int) -> None:
    """Check that RESULTS are whole and fair, and that some of its runs repeat."""
    from airskills.grokking import report as reports
    from airskills.grokking import submission

    result = reports.load(results)
    found = submission.faults(result)
    for fault in found:
        click.echo(fault)
    if not found:
        click.echo(f"{len(result['runs'])} runs, whole and fair")
    again = [submission.repeat(run) for run in submission.draw(result["runs"], repeat, seed)]
    for run in again:
        click.echo(
            f"{run.name}: {run.recorded} recorded, {run.again} here{'' if run.agrees else ': DIFFERS'}"
        )
    sys.exit(1 if found or not all(run.agrees for run in again) else 0)


@group.command()
@click.option("--task", "names", multiple=True, required=True, help="A task; may be repeated.")
@click.option("--method", "chosen", multiple=True, required=True, help="A method; may be repeated.")
@click.option(
    "--trials", type=click.IntRange(1), default=24, show_default=True, help="For every method alike."
)
@click.option("--budget", type=click.IntRange(1), help="Steps, if not the task's.")
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True)
@click.option(
    "--ray",
    is_flag=True,
    help="Run the trials on Ray: the cluster of RAY_ADDRESS, or workers on this machine.",
)
@click.option(
    "--out", type=FOLDER, required=True, help="Folder of the studies; an unfinished one is continued."
)
def tune(
    names: tuple[str, ...],
    chosen: tuple[str, ...],
    trials: int,
    budget: int | None,
    workers: int,
    out: Path,
    *,
    ray: bool,
) -> None:
    """Tune methods with equal budgets; OUT/tuned.json is what `bench --tuned` reads."""
    budgets = dict.fromkeys(names, budget) if budget else None
    tuned = _search(ray=ray)(names, chosen, out, trials=trials, budgets=budgets, workers=workers)
    for line in tuned["tuned"]:
        shares = ", ".join(f"{name} {share:.0%}" for name, share in line["importance"].items())
        click.echo(
            f"{line['task']} {line['method']}: RMST {line['rmst']:,.0f} after {line['trials']} trials; {shares}"
        )
        if line["on_border"]:
            click.echo(
                f"  best value on the border of the box: {', '.join(line['on_border'])}; widen it for all"
            )


def _search(*, ray: bool) -> Any:
    """Return the search on this machine's processes, or the one on Ray."""
    if not ray:
        from airskills.grokking import search

        return search.tune_all
    if find_spec("ray") is None:
        raise GrokkingError('Ray is not installed: pip install "airskills[grokking-ray]"')
    from airskills.grokking import ray_search

    return ray_search.tune_all


@group.command()
@click.argument("run_dir", type=FOLDER)
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=0, help="Of the page on 127.0.0.1; 0 takes a free one."
)
@click.option("--once", is_flag=True, help="Print the table once and leave.")
def watch(run_dir: Path, port: int, *, once: bool) -> None:
    """Show the runs in RUN_DIR while they go on: a table here, figures on a local page."""
    from threading import Thread

    from rich.console import Console
    from rich.live import Live

    from airskills.grokking import dashboard

    console = Console()
    first = dashboard.table(dashboard.state(run_dir))
    if once:
        console.print(first)
        return
    with dashboard.server(run_dir, port) as web, Live(first, console=console, auto_refresh=False) as live:
        Thread(target=web.serve_forever, daemon=True).start()
        live.console.print(f"Page: http://127.0.0.1:{web.server_port}/ (Ctrl+C ends the view, not the runs)")
        try:
            while True:
                live.update(dashboard.table(dashboard.state(run_dir)), refresh=True)
                time.sleep(2)
        except KeyboardInterrupt:
            web.shutdown()


@group.command("run")
@click.argument("name")
@click.option("--smoke", is_flag=True, help="The smallest size: shows that it runs, and decides nothing.")
@click.option("--out", type=FOLDER, required=True, help="Folder of the result.")
def run_command(name: str, out: Path, *, smoke: bool) -> None:
    """Run the experiment NAME (e01, say) and write its finding."""
    from airskills.grokking import experiment, experiments, runner

    runner.single_thread()
    module = experiments.load(name)
    config = module.SMOKE if smoke else module.Config()
    start = time.perf_counter()
    finding = module.run(config)
    path = experiment.save(
        module.__name__.rsplit(".", 1)[-1], config, finding, out, time.perf_counter() - start
    )
    click.echo(f"{finding.verdict}{' (smoke size: means nothing)' if smoke else ''}: {path}")


@group.command()
@click.argument("name")
@click.option("--claim", required=True, help="One sentence that a run can refute.")
@click.option("--task", default="add-31", show_default=True)
@click.option("--out", type=FOLDER, default=Path(), help="Folder of the new file.")
def new(name: str, claim: str, task: str, out: Path) -> None:
    """Write a new experiment NAME (e06_my_claim, say) from the template."""
    from airskills.grokking import tasks, template

    click.echo(template.write(name, claim, tasks.get(task).card, out))
