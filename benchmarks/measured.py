"""What the benchmarks share: the conditions of a run, percentiles, a table, a JSON file."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any


def conditions(packages: Iterable[str]) -> dict[str, Any]:
    """Date, Python, machine, load average at the start, and the versions of packages (None: not installed)."""
    return {
        "measured": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, shared",
        "load_average": [round(value, 1) for value in os.getloadavg()],
        "versions": {package: _version(package) for package in packages},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def percentiles(times: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Median and 99th percentile of (wall, CPU) seconds in milliseconds, and how many samples they rest on."""
    found: dict[str, float] = {"samples": len(times)}
    for prefix, column in (("", 0), ("cpu_", 1)):
        ordered = sorted(time[column] for time in times)
        found[f"{prefix}p50_ms"] = round(statistics.median(ordered) * 1e3, 3)
        found[f"{prefix}p99_ms"] = round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1e3, 3)
    return found


def print_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Left-aligned first column, right-aligned others."""
    cells = [list(map(str, header)), *(list(map(str, row)) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    for row in cells:
        first = row[0].ljust(widths[0])
        print(
            "  ".join([first, *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))])
        )


def with_part(page: str, name: str, text: str) -> str:
    """A page with `text` between `<!-- NAME: begin -->` and `<!-- NAME: end -->`.

    Raises:
        ValueError: a marker is missing.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = page.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"The page has no {begin} and {end}")
    return f"{before}{begin}\n{text}\n{end}{after}"


def write(path: str | None, record: dict[str, Any]) -> None:
    """Store a record as JSON; nothing where no path was given."""
    if path:
        Path(path).write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
