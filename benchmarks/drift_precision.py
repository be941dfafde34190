"""Is what `airskills drift` reports true? Every finding is executed on both releases, in environments of their own.

    python benchmarks/drift_precision.py --json benchmarks/results/drift_precision.json

A finding is true when running code shows it: what is gone imports in the old release and not in the new one, a parameter is in
one signature and not in the other, a default differs and is the one that was named. A finding that cannot be executed (an optional
dependency is missing, a default cannot be compared) is counted apart. The figures: precision over all findings, and over a random
sample of 60, the same number from each package.

Misses are looked for in the same way: every public path of either release is tried on both, and a path that comes or goes, or a named
parameter that does, must be among the findings.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from airskills.drift import Shelf
from airskills.drift.change import Change
from airskills.environments import environment
from airskills.pins import parse_pins
from measured import conditions, print_table, write

# Package, old and new release, and what both sides run with.
PAIRS = (
    ("faiss-cpu", "1.13.2", "1.15.1", ""),
    ("qdrant-client", "1.12.0", "1.16.0", ""),
    ("datasets", "4.0.0", "5.2.0", ""),
    ("accelerate", "1.10.0", "1.15.0", "torch==2.13.0"),
    ("peft", "0.18.1", "0.21.2", "torch==2.13.0 transformers==5.23.0"),
    ("trl", "1.12.0", "1.16.0", "torch==2.13.0 transformers==5.23.0"),
)
SAMPLE, SEED = 60, 20_261_121
PROBE = r"""
import functools, importlib, inspect, json, re, sys, warnings
warnings.simplefilter("ignore")
@functools.cache
def imported(name):  # a module that fails runs from its first line each time it is asked for
    try:
        return importlib.import_module(name), None
    except BaseException as error:
        return None, error
def reach(path):
    # An import of its longest module, else attribute by attribute, as in `airskills.drift.world`.
    parts, why = path.split("."), ""
    for cut in range(len(parts), 0, -1):
        value, error = imported(".".join(parts[:cut]))
        if isinstance(error, ModuleNotFoundError):
            if error.name and not ".".join(parts[:cut]).startswith(error.name):
                why = why or f"needs {error.name}"
            continue
        if error:
            return None, f"import fails: {type(error).__name__}"
        try:
            for part in parts[cut:]:
                value = getattr(value, part)
            return value, ""
        except AttributeError:
            continue
        except BaseException as error:
            return None, f"access fails: {type(error).__name__}"
    return None, why or "missing"
def shape(value):
    if inspect.isclass(value): return "class"
    if isinstance(value, property) or type(value).__name__ in ("cached_property", "classproperty"): return "property"
    if callable(value): return "function"
    return "name"
def signature(value):
    try:
        found = inspect.signature(value)
    except (TypeError, ValueError):
        return None
    rows = {}
    for number, (name, p) in enumerate(found.parameters.items()):
        has = p.default is not p.empty
        text = re.sub(r" at 0x[0-9a-f]+", "", repr(p.default)) if has else None
        factory = getattr(p.default, "_factory", None) or type(p.default).__name__ == "_HAS_DEFAULT_FACTORY_CLASS"
        rows[name] = [int(p.kind), None if not has else "<factory>" if factory else text, number]
    return rows
def source(value):
    try:
        text = inspect.getsource(value)
    except (TypeError, OSError):
        return ""
    return re.sub(r"\s+", "", re.sub(r'["\'\n]', "", text))
answers = {}
asked = json.load(sys.stdin)
for path in asked["paths"]:
    value, why = reach(path)
    answers[path] = {"why": why} if why else {"shape": shape(value), "signature": signature(value)}
    if not why and path in asked["sources"]:  # Python parses the whole file for each: only where it is needed
        answers[path]["source"] = source(value)
    if not why and path in asked["sources"] and inspect.isclass(value):
        for name in ("__init__", "__post_init__"):
            answers[path]["source"] += source(getattr(value, name, None))
json.dump(answers, sys.stdout)
"""


def probe(
    package: str, version: str, beside: str, paths: Iterable[str], sources: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """What Python finds at each path in one release, with the source of some."""
    place = environment(parse_pins(f"{package}=={version} {beside}"))
    with tempfile.TemporaryDirectory() as folder:
        hidden = {"HOME": folder, "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
        done = subprocess.run(
            [str(place.python), "-c", PROBE],
            input=json.dumps({"paths": sorted(set(paths)), "sources": sorted(sources)}),
            capture_output=True,
            text=True,
            cwd=folder,
            env={**os.environ, **hidden},
            check=True,
        )
    found: dict[str, dict[str, Any]] = json.loads(done.stdout[done.stdout.index("{") :])
    return found


def judge(
    change: Change, old: dict[str, dict[str, Any]], new: dict[str, dict[str, Any]]
) -> tuple[bool | None, str]:
    """Whether a finding is true, None where nobody can tell, and why."""
    before, after = old[change.path], new[change.path]
    if change.parameter or change.kind in {"became", "deprecated"}:
        unknown = next((side["why"] for side in (before, after) if "why" in side), None)
        if unknown:
            return None, unknown
        return _changed(change, before, after)
    if change.kind == "added":
        return _absent(before) and _there(
            after
        ), f"old: {before.get('why', 'there')}, new: {after.get('why', 'there')}"
    verdict = _there(before) and _absent(after)
    if change.kind in {"moved", "renamed"} and verdict:
        verdict = _there(new[change.new])
    return verdict, f"old: {before.get('why', 'there')}, new: {after.get('why', 'there')}"


def _there(side: dict[str, Any]) -> bool | None:
    return True if "why" not in side else False if side["why"] == "missing" else None


def _absent(side: dict[str, Any]) -> bool | None:
    there = _there(side)
    return None if there is None else not there


def _changed(change: Change, before: dict[str, Any], after: dict[str, Any]) -> tuple[bool | None, str]:
    if change.kind == "became":
        words = {"method": "function", "property": "property", "function": "function", "class": "class"}
        return (before["shape"], after["shape"]) == (words[change.old], words[change.new]), "shapes"
    if change.kind == "deprecated":
        words_ = "".join(change.evidence.split()).replace("{}", "")[:40]
        said = _bare(words_)
        return (said in _bare(after["source"])) and (
            said not in _bare(before["source"])
        ), "by source, not by running"
    if before["signature"] is None or after["signature"] is None:
        return None, "Python knows no signature"
    return _parameter(change, before["signature"], after["signature"])


def _bare(text: str) -> str:
    return "".join(c for c in text if c.isalnum() or c in "`_=,.")


def _parameter(change: Change, before: dict[str, Any], after: dict[str, Any]) -> tuple[bool | None, str]:
    name = change.parameter.strip("*")
    was, now = before.get(name), after.get(name)
    if any(_is_hidden(side) for side in (before, after)) and not change.parameter.startswith("**"):
        return None, "a decorator hides the signature"
    if change.kind == "default" and was and now:
        return _default(change, was[1], now[1])
    kinds = {row[0] for row in after.values()}
    lost = was is not None and now is None
    checks = {
        "gone": lost if not change.parameter.startswith("**") else was is not None and 4 not in kinds,
        "renamed": lost and change.new in after,
        "added": was is None and now is not None and now[1] is not None,
        "required": now is not None and now[1] is None and (was is None or was[1] is not None),
        "keyword-only": bool(was and now) and was[0] < 2 and now[0] == 3,
        "positional-only": was is not None and (now[0] == 0 if now else 2 in kinds),
        "reordered": bool(was and now) and was[2] != now[2],
    }
    return checks.get(change.kind, False), "signature"


def _is_hidden(rows: dict[str, Any]) -> bool:
    """Whether a wrapper shows `*args, **kwargs` in place of what it wraps."""
    return sorted(row[0] for name, row in rows.items() if name != "self") == [2, 4]


def _default(change: Change, was: str, now: str) -> tuple[bool | None, str]:
    if "<factory>" in {was, now}:
        return None, "made by a factory"
    if was == now:
        return False, f"the default is {now} in both"
    for text, real in ((change.old, was), (change.new, now)):
        try:
            if repr(ast.literal_eval(text)) != real:
                return False, f"said {text}, is {real}"
        except (ValueError, SyntaxError):
            continue
    return True, "signature"


def findings(package: str, old: str, new: str, beside: str) -> tuple[tuple[Change, ...], set[str]]:
    """What the tool reports, and the best path of everything public in either release."""
    shelf = Shelf(package, companions=parse_pins(beside))
    shelf.add_companions(shelf.bases(new))
    public = {item.paths[0] for version in (old, new) for item in shelf.surface(version).items.values()}
    return shelf.compare(old, new).changes, public


def missed(
    public: Iterable[str],
    changes: Sequence[Change],
    old: dict[str, dict[str, Any]],
    new: dict[str, dict[str, Any]],
) -> tuple[int, list[str]]:
    """How many differences running code shows, and those that no finding tells."""
    told = {
        (path, change.parameter.strip("*")) for change in changes for path in (change.path, *change.paths)
    }
    renamed = {
        (change.path, change.new) for change in changes if change.kind == "renamed" and change.parameter
    }
    shown = [(path, name) for path in sorted(public) for name in _differences(old[path], new[path])]
    return len(shown), [
        f"{path}({name}=)" if name else path
        for path, name in shown
        if (path, name) not in told | renamed and not _inside(path, told)
    ]


def _inside(path: str, told: set[tuple[str, str]]) -> bool:
    """Whether a module or class above the path is told."""
    parts = path.split(".")
    return any((".".join(parts[:n]), "") in told for n in range(1, len(parts)))


def _differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Names of parameters that one side lacks, or "" for the thing itself."""
    if "why" in before or "why" in after:
        return [""] if {before.get("why"), after.get("why")} == {None, "missing"} else []
    sides = before["signature"], after["signature"]
    if not all(sides) or any(_is_hidden(side) for side in sides):
        return []
    named = [{name for name, row in side.items() if row[0] in {1, 3}} for side in sides]
    return sorted(named[0] ^ named[1])


def measure(
    pairs: Sequence[tuple[str, str, str, str]], kept: Path | None
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Every finding with its verdict; and for each package what running code shows and the findings do not.

    What `kept` holds of a package, from a run that was stopped, is not executed again.
    """
    rows, lost = [], {}
    for package, old, new, beside in pairs:
        file = kept / f"{package}-{old}-{new}.json" if kept else None
        if file and file.exists():
            found, lost[package] = json.loads(file.read_text(encoding="utf-8"))
        else:
            found, lost[package] = measured(package, old, new, beside)
            if file:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(json.dumps([found, lost[package]]), encoding="utf-8")
        rows += found
        print(f"{package} {old} to {new}: {len(found)} findings executed", flush=True)
    return rows, lost


def measured(package: str, old: str, new: str, beside: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The findings of one package with their verdicts, and its misses."""
    changes, public = findings(package, old, new, beside)
    paths = {
        path
        for c in changes
        for path in (c.path, c.new if c.kind in {"moved", "renamed"} and not c.parameter else "")
        if path
    }
    sources = {change.path for change in changes if change.kind == "deprecated"}
    sides = [probe(package, version, beside, paths | public, sources) for version in (old, new)]
    rows = []
    for change in changes:
        verdict, why = judge(change, *sides)
        rows.append(
            {"package": package, "kind": change.kind, "finding": str(change), "true": verdict, "why": why}
        )
    shown, misses = missed(public, changes, *sides)
    return rows, {"shown": shown, "missed": len(misses), "which": misses}


def sampled(rows: Sequence[dict[str, Any]], size: int, seed: int) -> list[dict[str, Any]]:
    """The same number from each package."""
    draw = random.Random(seed)
    packages = sorted({row["package"] for row in rows})
    groups = [[row for row in rows if row["package"] == package] for package in packages]
    return [row for group in groups for row in draw.sample(group, min(len(group), size // len(packages)))]


def counts(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """How many are true; precision is of those that could be executed."""
    true, false = (sum(row["true"] is value for row in rows) for value in (True, False))
    precision = round(true / (true + false), 4) if true + false else None
    return {
        "findings": len(rows),
        "true": true,
        "false": false,
        "not_executed": len(rows) - true - false,
        "precision": precision,
    }


def main() -> None:
    """Execute, count, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--package", action="append", help="only this one; may be repeated")
    parser.add_argument("--sample", type=int, default=SAMPLE)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument(
        "--keep", type=Path, help="folder for finished packages: what lies there is not run again"
    )
    parser.add_argument("--json", help="write the figures and everything that is not true to this file")
    given = parser.parse_args()
    pairs = [pair for pair in PAIRS if not given.package or pair[0] in given.package]
    rows, lost = measure(pairs, given.keep)
    sample = sampled(rows, given.sample, given.seed)
    groups = {"sample": sample, "all": rows}
    groups |= {
        name: [row for row in rows if row["package"] == name]
        for name in sorted({row["package"] for row in rows})
    }
    groups |= {
        kind: [row for row in rows if row["kind"] == kind] for kind in sorted({row["kind"] for row in rows})
    }
    table = {name: counts(group) for name, group in groups.items()}
    print_table(
        ("findings", "all", "true", "false", "not executed", "precision"),
        [(name, *row.values()) for name, row in table.items()],
    )
    print(
        "\ndifferences that running code shows: "
        + ", ".join(f"{k} {v['shown']}, missed {v['missed']}" for k, v in lost.items())
    )
    wrong = [row for row in rows if row["true"] is False]
    for row in wrong:
        print(f"false: {row['package']}: {row['kind']}: {row['finding']} ({row['why']})")
    record = {
        **conditions(["airskills"]),
        "pairs": [list(pair) for pair in pairs],
        "seed": given.seed,
        "counts": table,
        "why_not_executed": dict(Counter(row["why"] for row in rows if row["true"] is None).most_common()),
        "false": wrong,
        "missed": lost,
        "sample": sample,
    }
    write(given.json, record)


if __name__ == "__main__":
    main()
