"""What a run writes down: which expressions of a skill came to their end, where, and for how long that is believed."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from airskills import proof
from airskills.folder import open_folder
from airskills.run import api, recorded
from airskills.run.isolation import GUARD
from airskills.run.judge import Limits, Outcome
from airskills.run.units import Unit
from airskills.verify import api as verify_api
from airskills.verify.ledger import Level

HEAD = "---\nname: demo\ndescription: Demo. Use when testing.\n---\n"
PROGRAM = """
import os, subprocess, sys, threading
class Named:
    yes = None
    def __getattr__(self, name):
        if name == "fault": raise AttributeError(name)
        return self
    def __call__(self, *_): return self
    def __enter__(self): return self
    def __exit__(self, *_): self.exit_yes; return None
n = Named()
n.é.yes
if n.test_yes:
    n.branch_yes
else:
    n.branch_no
def called(x):
    n.called_yes
    return x or n.right_no
called(n.argument_yes)
def never(): n.never_no
for x in []: n.loop_no
[n.item_yes for x in [1, 2] if x > 1]
[n.item_no for x in [1, 2] if x > 2]
lambda: n.lambda_no
try:
    n.before_yes, n.fault, n.after_no
    n.next_no
except AttributeError:
    n.handler_yes
try: called(n.inner_yes.fault.outer_no)
except AttributeError: pass
def made():
    yield n.first_yes
    n.second_no
next(made())
@n.decorator_yes
def g(self): n.body_no
class C:
    f = lambda self: n.last_no
with n.with_yes: pass
thread = threading.Thread(target=lambda: n.thread_yes)
thread.start(); thread.join()
if not os.fork():
    n.fork_yes
    os._exit(0)
os.wait()
if len(sys.argv) == 1:
    subprocess.run([sys.executable, __file__, "again"], check=True)
    n.parent_yes
else:
    n.child_yes
"""


def test_what_came_to_its_end_is_written_down_and_nothing_else_in_threads_forks_and_children(
    tmp_path: Path,
) -> None:
    (tmp_path / "skill").mkdir()
    program = tmp_path / "skill" / "p.py"
    program.write_text(PROGRAM, encoding="utf-8")
    record = tmp_path / "ran"
    names = {
        "AIRSKILLS_SKILL": str(program.parent),
        "AIRSKILLS_RECORD": str(record),
        "PYTHONPATH": str(GUARD),
    }
    subprocess.run([sys.executable, str(program)], env=names, check=True, timeout=60)

    (places,) = recorded.read(record).values()

    nodes = [node for node in ast.walk(ast.parse(PROGRAM)) if isinstance(node, ast.Attribute)]
    told = [node for node in nodes if node.attr.endswith(("_yes", "_no", "fault")) or node.attr == "yes"]
    said = {node.attr: _place(node) in places for node in told}
    assert said == {name: name.endswith("yes") for name in said}
    assert len(said) == 30


def _place(node: ast.expr) -> str:
    return proof.place(node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0)


def outcomes(folder: Path, **options: object) -> dict[str, Outcome]:
    settings = {"limits": Limits(20, 1 << 30), "remember": False, "workers": 1, "record": True, **options}
    report = api.run(api.suites([str(folder)]), api.Options(**settings))  # type: ignore[arg-type]
    assert not [o for o in report.outcomes if o.state == "failed"]
    return {outcome.unit.id.removeprefix("demo/"): outcome for outcome in report.outcomes}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A block whose text is replaced before it runs, a quoted fact of two lines, a checker and its helper."""
    fixtures = "def prepare(root):\n    return {'/dat': 'a long text'}\ndef helps(w):\n    return w.upper()\n"
    block = "```python\nfrom fixtures import helps\n'/dat'.upper().lower(); helps('x').lower()\n```\n"
    fact = '- id: f\n  old: "x = 1\\nx.real"\n  silent: x.real == 1\n  new: |\n    y = 1\n    y.real\n'
    check = "import sys\nsys.path.append(sys.argv[0].rpartition('/t/')[0])\nfrom fixtures import helps\nsys.exit('wrong' in helps(sys.argv[1]).lower())\n"
    files = {"SKILL.md": f"{HEAD}\n{block}", "facts.yaml": fact, "evals/fixtures.py": fixtures}
    files |= {"evals/t/check.py": check, "evals/t/reference/a.txt": "", "evals/t/wrong/a.txt": ""}
    for name, text in files.items():
        path = tmp_path / "demo" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "demo"


def test_places_are_those_of_the_files_whatever_text_was_put_in(folder: Path) -> None:
    found = outcomes(folder)

    block = found["SKILL.md:6"].ran
    assert block is not None
    assert {"8:0-14", "8:0-22", "8:24-34", "8:24-42"} <= set(block["SKILL.md"])
    assert block["evals/fixtures.py"] == ("4:11-20",)
    checker = found["evals/t/wrong:1"].ran
    assert checker is not None
    assert set(checker) == {"evals/t/check.py", "evals/fixtures.py"}
    assert found["facts.yaml:4"].ran == {"facts.yaml": ("6:0-6",)}
    assert found["facts.yaml:2"].ran == {}, "lines of a quoted text are not those of the file"


def test_what_is_remembered_moves_with_its_block_and_is_no_record_where_none_was_made(folder: Path) -> None:
    cache = folder.parent / "cache"
    first = outcomes(folder, remember=True, cache=cache, record=False)
    assert first["SKILL.md:6"].ran is None
    again = outcomes(folder, remember=True, cache=cache)
    assert not any(outcome.cached for outcome in again.values())
    text = (folder / "SKILL.md").read_text(encoding="utf-8")
    (folder / "SKILL.md").write_text(text.replace("```python", "\n\n```python"), encoding="utf-8")

    moved = outcomes(folder, remember=True, cache=cache)["SKILL.md:8"]

    assert moved.cached
    assert moved.ran is not None
    assert "10:0-14" in moved.ran["SKILL.md"]
    assert moved.ran["evals/fixtures.py"] == ("4:11-20",)


def test_nonsense_in_the_record_is_passed_over(tmp_path: Path) -> None:
    rows = b"a.py\t1:0-4\n\xff\tx\na.py\t1:0\n\n../b\t9:9-9:10:3\na.py\t1:0-2:4\na.py\t1:0-4\n"
    (tmp_path / "ran").write_bytes(rows)
    assert recorded.read(tmp_path / "ran") == {"a.py": ("1:0-4", "1:0-2:4")}
    assert recorded.read(tmp_path / "none") == {}


def test_a_unit_keeps_what_its_result_depends_on() -> None:
    block = Unit("demo", "/demo", "blocks", "SKILL.md", 6, "g", source="a.b\nc.d", first_line=7)
    record = {"SKILL.md": ("6:0-3", "7:0-3", "8:0-3", "9:0-3"), "evals/f.py": ("1:0-3",), "x.py": ("1:0-3",)}
    assert recorded.of_unit(block, record) == {"SKILL.md": ("7:0-3", "8:0-3"), "evals/f.py": ("1:0-3",)}


def test_verify_takes_a_use_that_ran_for_proven_until_the_skill_changes(folder: Path) -> None:
    unknown = "import sys\ndef f(x, y):\n    x.strip(); y and x.lstrip()\nglobals()['f']('a', 0)\n"
    text = f"{HEAD}\n```python\n{unknown}```\n"
    (folder / "SKILL.md").write_text(text, encoding="utf-8")
    run = outcomes(folder)["SKILL.md:6"].ran
    assert run is not None
    content = proof.content_hash(open_folder(str(folder)))
    ran = {path: " ".join(places) for path, places in run.items()}
    proof.write(folder, ran=proof.Part(content, "2026-01-01", {}, {}, {}, ran=ran))

    counts = verify_api.verify([str(folder)], verify_api.Options(offline=True, remember=False)).counts
    assert counts.whole == counts.read + 1
    assert dict(_levels(folder)) == {"x.strip": Level.RAN, "x.lstrip": Level.PARSED}
    (folder / "SKILL.md").write_text(f"{text}\nMore.\n", encoding="utf-8")
    assert dict(_levels(folder)) == {"x.strip": Level.PARSED, "x.lstrip": Level.PARSED}


def _levels(folder: Path) -> Iterator[tuple[str, Level]]:
    found = verify_api.verify([str(folder)], verify_api.Options(offline=True, remember=False))
    return ((entry.use, entry.level) for entry in found.entries if entry.use.startswith("x."))
