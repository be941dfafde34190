"""What the cache holds, what of it goes, and that what is in use stays."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from airskills import cache
from airskills.cache import Entry
from airskills.cli import cli
from airskills.environments import environment
from airskills.pins import parse_pins
from wheelhouse import make_wheel

DAY = 86400.0


def entry(name: str, size: int, days: float) -> Entry:
    return Entry("results", Path(name), size, -days * DAY)


ALL = [entry("a", 10, 40), entry("b", 20, 20), entry("c", 30, 10), entry("used now", 40, 0.01)]


@pytest.mark.parametrize(
    ("days", "size", "gone"),
    [
        (30, None, ["a"]),
        (15, None, ["a", "b"]),
        (None, 70, ["a", "b"]),
        (None, 1000, []),
        (30, 75, ["a", "b"]),
        (0, 0, ["a", "b", "c"]),  # what may be in use stays
        (None, None, []),
    ],
)
def test_the_longest_unused_go_first(days: float | None, size: int | None, gone: list[str]) -> None:
    seconds = None if days is None else days * DAY

    assert [e.path.name for e in cache.stale(ALL, seconds=seconds, size=size, now=0.0)] == gone


def fill(folder: Path, age_days: float) -> dict[str, Path]:
    """One entry of each kind, not used for so long, and what is not an entry."""
    files = {
        "environments": folder / "environments/e/airskills.json",
        "wheels": folder / "wheels/w/wheel.json",
        "stand-ins": folder / "run/standins/s/model.bin",
        "results": folder / "results/ab/c.json",
    }
    for path in [*files.values(), folder / "drift.sqlite", folder / "wheels/pins/linux/trl==1.json"]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x" * 100, encoding="utf-8")
        for touched in (path, path.parent):
            os.utime(touched, (time.time() - age_days * DAY,) * 2)
    return files


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["cache", *arguments], env={"AIRSKILLS_CACHE_DIR": str(folder)})


def test_the_command_says_what_each_kind_takes(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    found = json.loads(run(tmp_path, "--json").stdout)

    assert found == {"folder": str(tmp_path), **{kind: {"entries": 1, "bytes": 100} for kind in cache.KINDS}}
    assert run(tmp_path).stdout.splitlines()[-1] == f"{tmp_path}: 400 B"


def test_pruning_removes_what_is_old_and_nothing_else(tmp_path: Path) -> None:
    files = fill(tmp_path, 40)
    cache.touch(files["wheels"])

    assert run(tmp_path, "--prune", "--dry-run").stdout == "Would remove 3 entries, 300 B.\n"
    assert all(path.exists() for path in files.values())
    assert run(tmp_path, "--prune").stdout == "Removed 3 entries, 300 B.\n"
    assert [kind for kind, path in files.items() if path.exists()] == ["wheels"]
    assert (tmp_path / "drift.sqlite").exists()
    assert not list(tmp_path.rglob(".draft-*"))


def test_an_empty_cache_is_no_error(tmp_path: Path) -> None:
    assert run(tmp_path / "none", "--prune", "--size", "1.5GB").stdout == "Removed 0 entries, 0 B.\n"
    assert run(tmp_path, "--prune", "--size", "much").exit_code == 2


def test_using_an_environment_keeps_it_and_what_was_pruned_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(tmp_path / "index", "alpha", "1.0", {"alpha.py": ""})
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    home = tmp_path / "cache"

    def made() -> Path:
        return environment(parse_pins("alpha==1.0"), cache=home).python

    def age() -> None:
        os.utime(made().parent.parent / "airskills.json", (0, 0))

    age()
    python = made()
    assert run(home, "--prune").stdout.startswith("Removed 0 entries")
    age()
    assert run(home, "--prune").stdout.startswith("Removed 1 entries")
    assert not python.exists()
    assert made() == python
    assert python.exists()
