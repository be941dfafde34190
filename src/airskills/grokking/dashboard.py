"""A live view of a run folder: a table in the terminal, and one page on loopback.

Both read what the runner writes (`plan.json`, `progress/`, `runs.jsonl`), so they can be started and stopped at
any time, and cannot disturb the runs.
"""

import json
from collections.abc import Sequence
from functools import cache, partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any

from plotly.offline import get_plotlyjs
from rich.table import Table

from airskills.grokking import benchmark, runner, stats
from airskills.grokking.errors import GrokkingError

State = dict[str, Any]


def state(out: Path) -> State:
    """Everything the views show: batches going on, finished cells, learning curves, survival and cost.

    Raises:
        GrokkingError: if the folder is not there.
    """
    if not out.is_dir():
        raise GrokkingError(f"{out}: no such folder; give the --out of a benchmark, tuning or experiment")
    records = runner.read(out)
    plan = _json(out / "plan.json") or {"tier": None, "runs": None}
    active = [_json(path) for path in sorted((out / "progress").glob("*.json"))]
    return {
        "tier": plan["tier"],
        "planned": plan["runs"],
        "finished": len(records),
        "active": [batch for batch in active if batch],
        "cells": [_cell(line) for line in benchmark.summarize(records)],
        "survival": _survival(records),
        "curves": _curves(records),
    }


def _json(path: Path) -> Any:
    """Content of a file, None if it has gone meanwhile."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def _cell(line: State) -> State:
    keys = (
        "task",
        "method",
        "row",
        "runs",
        "grokked",
        "direct",
        "censored",
        "not_memorized",
        "diverged",
        "cpu_s",
    )
    return {key: line[key] for key in keys} | {"rmst": line["rmst"], "horizon": line["horizon"]}


def _groups(records: Sequence[State]) -> dict[tuple[str, str], list[State]]:
    groups: dict[tuple[str, str], list[State]] = {}
    for record in records:
        groups.setdefault((record["task"], f"{record['method']} ({record['row']})"), []).append(record)
    return groups


def _survival(records: Sequence[State]) -> list[State]:
    lines = []
    for (task, label), runs in sorted(_groups(records).items()):
        sample = benchmark.times_of(runs, benchmark.horizon(runs))
        times, shares = stats.kaplan_meier(sample)
        grok = [run["t_grok"] for run in runs if run["t_grok"] is not None]
        lines.append(
            {"task": task, "label": label, "x": times.tolist(), "y": shares.tolist(), "t_grok": grok}
        )
    return lines


def _curves(records: Sequence[State]) -> list[State]:
    """Return the curve of the first seed of each cell."""
    firsts = {key: min(runs, key=lambda run: int(run["seed"])) for key, runs in _groups(records).items()}
    return [{"task": task, "label": label, **run["curve"]} for (task, label), run in sorted(firsts.items())]


def table(seen: State) -> Table:
    """Return the terminal view: batches going on, then finished cells."""
    planned = f" of {seen['planned']:,}" if seen["planned"] else ""
    view = Table(title=f"{seen['finished']:,}{planned} runs finished", title_justify="left")
    for name in ("task", "method", "step", "memorized", "generalized", "train", "test", "RMST", "CPU s"):
        view.add_column(name, justify="left" if name in ("task", "method") else "right")
    for batch in seen["active"]:
        view.add_row(*_active(batch), style="bold")
    for cell in seen["cells"]:
        done = cell["grokked"] + cell["direct"]
        mean = f"{cell['rmst']['value']:,.0f}"
        name = f"{cell['method']} ({cell['row']})"
        view.add_row(
            cell["task"], name, "done", "", f"{done}/{cell['runs']}", "", "", mean, f"{cell['cpu_s']:.1f}"
        )
    return view


def _active(batch: State) -> list[str]:
    runs = batch["runs"]
    return [
        batch["task"],
        ", ".join(batch["methods"]),
        f"{batch['step']:,}/{batch['budget']:,}",
        f"{batch['memorized']}/{runs}",
        f"{batch['generalized']}/{runs}",
        f"{batch['train']:.2f}",
        f"{batch['test']:.2f}",
        "",
        f"{batch['seconds']:.0f}",
    ]


@cache
def page() -> bytes:
    """Return the page with plotly inside: it loads nothing from anywhere but `state.json` from this server."""
    text = files("airskills.grokking").joinpath("page.html").read_text(encoding="utf-8")
    return text.replace("/*PLOTLY*/", get_plotlyjs()).encode()


class Handler(BaseHTTPRequestHandler):
    """Answers `/` and `/state.json`, to callers that name a loopback host."""

    def __init__(self, out: Path, *args: Any) -> None:
        self.out = out
        super().__init__(*args)

    def do_GET(self) -> None:
        """Send the page or the state; 403 to a foreign Host (DNS rebinding), 404 to other paths."""
        if self.headers.get("Host", "").rsplit(":", 1)[0] not in ("127.0.0.1", "localhost"):
            self.send_error(403, "Loopback only")
        elif self.path == "/":
            self._send("text/html; charset=utf-8", page())
        elif self.path == "/state.json":
            self._send("application/json", json.dumps(state(self.out)).encode())
        else:
            self.send_error(404)

    def _send(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the terminal shows the table."""


def server(out: Path, port: int = 0) -> ThreadingHTTPServer:
    """Make a server on 127.0.0.1; port 0 takes a free one. The caller runs and closes it.

    Raises:
        GrokkingError: if the port is taken.
    """
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), partial(Handler, out))
    except OSError as error:
        raise GrokkingError(
            f"Port {port} cannot be opened ({error.strerror}): choose another, or 0 for a free one"
        ) from error
