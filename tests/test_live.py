"""`airskills verify --live` on a package made here: what it confirms, refutes, takes back and leaves open."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from airskills import live
from airskills.cli import cli
from airskills.verify import api
from airskills.verify.ledger import Entry, Level
from conftest import MakeSkill
from wheelhouse import make_wheel

LAB = {
    "lab/__init__.py": """
import inspect
from typing import TYPE_CHECKING

from .parts import Robot, strange

if TYPE_CHECKING:
    class _Walker(Robot):
        pass

def build() -> "_Walker":
    return Robot("built")

class Core:
    def __init__(self, model):
        self.model = model

Core.__signature__ = inspect.Signature(
    [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("self", "model")]
)

def run(command, *, times=1, **more):
    return 0

globals()["late"] = lambda a, *, b=1: None

def _swap():
    global plain
    def plain(only):
        return only

def plain(first, second=2):
    return first

_swap()
""",
    "lab/parts.py": """
def strange(f):
    return f

class Robot:
    def __init__(self, name):
        self.name = name

    def walk(self, steps, *, fast=False):
        return self

    @classmethod
    def load(cls, path):
        return cls(path)

    @strange
    def fly(self):
        return None
""",
    "lab/cli.py": """
class Option:
    def __init__(self, *names):
        self.opts, self.secondary_opts = names, ()

class Command:
    ignore_unknown_options = False
    context_settings = {}
    name = "lab"
    params = [Option("--size", "-s")]
    commands = {}

main = Command()
main.commands["go"] = Command()
""",
    "lab/py.typed": "",
}
BODY = """# Demo

```python
import lab
lab.run("a", times=2)
lab.run("a", other=2)
lab.late(1, b=2)
lab.late(1, c=2)
lab.plain(1, second=2)
lab.plain(1)
robot = lab.Robot("r")
robot.walk(3, fast=True)
robot.name
lab.Robot.load("x")
lab.build().walk(3)
lab.Core("m")
lab.Core()
```
"""


@pytest.fixture
def skill(tmp_path: Path, make_skill: MakeSkill, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_wheel(tmp_path / "house", "lab", "1.0", LAB, scripts={"lab": "lab.cli:main"})
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "house"))
    monkeypatch.chdir(tmp_path)
    pins = 'metadata:\n  airskills-tested-with: "lab==1.0"\n'
    return make_skill(tmp_path / "skills", "demo", extra=pins, body=BODY)


def asked(skill: Path) -> dict[int, list[Entry]]:
    read = api.verify([str(skill)], api.Options(offline=True, remember=False))
    found, problems = live.confirm(read, offline=True)
    assert not problems
    first = (skill / "SKILL.md").read_text().split("\n").index("import lab")
    lines: dict[int, list[Entry]] = {}
    for entry in found.entries:
        lines.setdefault(entry.line - first, []).append(entry)
    return lines


def test_what_is_installed_confirms_refutes_and_takes_back_what_was_read(skill: Path) -> None:
    said = {
        line: {(entry.state, entry.level.name, entry.code) for entry in entries}
        for line, entries in asked(skill).items()
    }
    confirmed = {("proven", "CONFIRMED", "")}
    assert said == {
        1: confirmed,
        2: confirmed,
        3: {("unproven", "PARSED", "AV102")},
        4: confirmed,  # reading sees no such name
        5: {("dead", "RESOLVED", "AV002")},
        6: {("dead", "RESOLVED", "AV003")},  # reading sees the function that was replaced
        7: confirmed,
        8: confirmed,
        9: confirmed,
        10: {("proven", "RESOLVED", "")},  # an object has it, its class has not
        11: confirmed,
        12: confirmed | {("proven", "RESOLVED", "")},  # the class of the result is for type checkers only
        13: confirmed,
        14: {("dead", "RESOLVED", "AV004")},
    }


def test_what_ran_is_not_refuted_by_a_signature() -> None:
    entry = Entry("SKILL.md", 1, 1, use="lab.run", target="lab:run", shape="1")
    assert live._judged(entry, "refuted", "too many positional arguments").code == "AV005"
    ran = replace(entry, level=Level.RAN)
    assert live._judged(ran, "refuted", "too many positional arguments") == ran


def test_a_flag_of_a_click_command_is_asked_of_the_command(skill: Path) -> None:
    read = api.verify([str(skill)], api.Options(offline=True)).skills[0]
    environment = live._environment([wheel.pin for wheel in read.wheels], offline=True)
    words = ["$ lab --size", "$ lab go -s", "$ lab --width", "$ lab stop --size", "$ nobody --x"]
    said = live._ask(environment, [(word, "") for word in words])
    assert [state for state, _ in said] == ["confirmed", "confirmed", "refuted", "open", "open"]


def test_without_live_nothing_is_imported_and_the_option_says_that_it_does(skill: Path) -> None:
    help_ = " ".join(CliRunner().invoke(cli, ["verify", "--help"]).output.split())
    assert "this imports them" in help_
    done = CliRunner().invoke(cli, ["verify", str(skill), "--offline", "--live"])
    assert done.exit_code == 1
    assert "confirmed" in done.output.splitlines()[-1]
    assert "AV003 `lab.plain` fails where it is installed" in done.output
    assert all(entry.level < Level.CONFIRMED for entry in api.verify([str(skill)]).entries)


def test_an_environment_that_cannot_be_had_leaves_what_was_read(
    skill: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = api.verify([str(skill)], api.Options(offline=True))
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
    found, problems = live.confirm(read, offline=True)
    assert [problem.partition(":")[0] for problem in problems] == ["demo"]
    assert found.entries == read.entries
