"""Recall, false alarms and the share not proven of `airskills verify`, on snippets labelled by running them on the pins.

    python benchmarks/verify_recall.py [--backend pyrefly] [--set first|fresh] [--split dev|held-out] [--show]

`data/verify/snippets.jsonl` holds one snippet a line: `fine` ran, `dead` raised (kind and line of the failing statement),
`warns` ran with a deprecation or was told that it is ignored. A dead one is found when a finding of AV001 to AV006 stands
in the failing statement; a fine one is a false alarm when any does. The half `held-out` was never looked at while filters
were written; `dev` was. `data/verify/fresh.jsonl` is another set over 46 packages of which the first has hardly one, written and
labelled before any verdict on it was seen; `first look` in the results is what was said of it then. It has been worked on since.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airskills import wheels
from airskills.cells import parse_cell
from airskills.pins import Pin, parse_pins
from airskills.verify.backend import Backend, BackendError
from airskills.verify.engine import Group, examine
from airskills.verify.ledger import Entry, count
from airskills.verify.packages import Packages
from airskills.verify.pyrefly import Pyrefly
from airskills.verify.readings import reading
from airskills.verify.ty import Ty
from airskills.verify.units import Piece, Unit

HERE = Path(__file__).parent
DATA = HERE / "data" / "verify"
DEAD = frozenset({"AV001", "AV002", "AV003", "AV004", "AV005", "AV006"})


@dataclass(frozen=True, slots=True)
class Snippets:
    """A set of labelled snippets: its file, its pins, and the parts that are counted apart."""

    file: str
    pins: str
    splits: tuple[str, ...]


SETS = {
    "first": Snippets("snippets.jsonl", "pins.txt", ("dev", "held-out")),
    "fresh": Snippets("fresh.jsonl", "fresh-pins.txt", ("fresh",)),
}


def main() -> None:
    """Measure, print, and write `results/verify_recall.json`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backend", choices=["ty", "pyrefly"], action="append")
    parser.add_argument("--set", choices=[*SETS], action="append")
    parser.add_argument("--split", choices=["dev", "held-out"], action="append")
    parser.add_argument("--show", action="store_true", help="print what is missed and what is a false alarm")
    given = parser.parse_args()
    path = HERE / "results" / "verify_recall.json"
    out: dict[str, Any] = json.loads(path.read_text())
    for name in given.set or SETS:
        out[name] = {**out.get(name, {}), **_measure(SETS[name], given)}
    if not given.split and not given.show:
        path.write_text(json.dumps(out, indent=2) + "\n")


def _measure(chosen: Snippets, given: argparse.Namespace) -> dict[str, Any]:
    """What each back end says of one set."""
    pins = parse_pins((DATA / chosen.pins).read_text())
    rows = [json.loads(line) for line in (DATA / chosen.file).read_text().splitlines()]
    unpacked = wheels.unpack(pins)
    out: dict[str, Any] = {"pins": [str(pin) for pin in pins], "snippets": len(rows)}
    for name in given.backend or ["ty", "pyrefly"]:
        backend: Backend = Ty() if name == "ty" else Pyrefly()
        start, load = time.perf_counter(), os.getloadavg()[0]
        judged = _judge(rows, pins, unpacked, backend)
        seconds = time.perf_counter() - start
        splits = {}
        for split in given.split or chosen.splits:
            part = [(row, found) for row, found in zip(rows, judged, strict=True) if row["split"] == split]
            splits[split] = _figures(part)
            print(f"{backend.name} {split}: {splits[split]}")
            if given.show:
                _show(part)
        out[backend.name] = {"seconds": round(seconds, 1), "load": round(load, 1), **splits}
    return out


def _judge(
    rows: Iterable[Mapping[str, Any]], pins: tuple[Pin, ...], unpacked: wheels.Unpacked, backend: Backend
) -> list[tuple[Entry, ...]]:
    packages = Packages(unpacked.wheels.values(), unpacked.missing, frozenset())
    units = [_unit(row["id"], row["code"], pins) for row in rows]
    root = [reading(wheel) for wheel in unpacked.wheels.values()]
    (found,) = examine([Group(units, lambda _: packages, root)], backend)
    if isinstance(found, BackendError):
        raise found
    return found


def _unit(name: str, code: str, pins: tuple[Pin, ...]) -> Unit:
    cell = parse_cell(code)
    assert cell.tree is not None
    lines = code.count("\n") + 1
    return Unit(cell.source, (Piece(1, lines, name, 1, (0,) * lines),), pins)


def _figures(chosen: list[tuple[Mapping[str, Any], tuple[Entry, ...]]]) -> dict[str, Any]:
    dead = [(row, found) for row, found in chosen if row["label"] == "dead"]
    fine = [(row, found) for row, found in chosen if row["label"] == "fine"]
    hits = sum(_is_found(row, found) for row, found in dead)
    alarms = sum(_is_alarm(found) for _, found in fine)
    known = sum(all(entry.state == "proven" for entry in found) for _, found in fine)
    counts = count(entry for _, found in chosen for entry in found)
    kinds = Counter(row["kind"] for row, _ in dead)
    return {
        "dead": len(dead),
        "found": hits,
        "recall": round(hits / len(dead), 3),
        "fine": len(fine),
        "false alarms": alarms,
        "false alarm rate": round(alarms / len(fine), 3),
        "fine and proven throughout": round(known / len(fine), 3),
        "uses": counts.total,
        "not proven share": round(counts.unproven / counts.total, 3),
        "recall by kind": {
            kind: f"{sum(_is_found(row, found) for row, found in dead if row['kind'] == kind)}/{kinds[kind]}"
            for kind in sorted(kinds)
        },
    }


def _is_found(row: Mapping[str, Any], found: Iterable[Entry]) -> bool:
    first, last = statement(row["code"], row["line"])
    return any(
        entry.state == "dead" and entry.code in DEAD and first <= entry.line <= last for entry in found
    )


def _is_alarm(found: Iterable[Entry]) -> bool:
    return any(entry.state == "dead" and entry.code in DEAD for entry in found)


def statement(code: str, line: int) -> tuple[int, int]:
    """Lines of the smallest statement that a line belongs to."""
    nodes = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.stmt)]
    around = [(node.lineno, node.end_lineno or node.lineno) for node in nodes]
    holding = [span for span in around if span[0] <= line <= span[1]]
    return min(holding, key=lambda span: span[1] - span[0]) if holding else (1, code.count("\n") + 1)


def _show(chosen: list[tuple[Mapping[str, Any], tuple[Entry, ...]]]) -> None:
    for row, found in chosen:
        missed = row["label"] == "dead" and not _is_found(row, found)
        if missed or (row["label"] == "fine" and _is_alarm(found)):
            print(f"--- {row['id']} {row['label']} {row['kind']}\n{row['code'].rstrip()}")
            print(
                "".join(f"  > {entry.line}: {entry.code} {entry.message}\n" for entry in found if entry.code)
            )


if __name__ == "__main__":
    main()
