"""The pytest plug-in: asleep unless it is given skills, then one test for each unit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import MakeSkill

BODY = (
    "## A\n\n```python\nx = 1\n```\n\n```python\nassert x == 2, 'x is one'\n```\n\n```python\nx\n```\n\n"
    '## B\n\n```python {proof="static: needs CUDA"}\ny\n```\n'
)
FACT = "- id: a\n  old: int('x')\n  fails: ValueError\n  new: x = 1\n- id: b\n"


@pytest.fixture
def project(tmp_path: Path, make_skill: MakeSkill) -> Path:
    folder = make_skill(tmp_path / "skills", "demo", body=BODY)
    (folder / "facts.yaml").write_text(FACT, encoding="utf-8")
    (tmp_path / "test_own.py").write_text("def test_own(): pass\n", encoding="utf-8")
    return tmp_path


def run(project: Path, *arguments: str) -> tuple[int, dict[str, str], str]:
    """Exit code, outcome by test, and all that was printed, of pytest with its usual plug-ins."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", "--rootdir", ".", *arguments]
    done = subprocess.run(
        command,
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
        timeout=120,
    )
    lines = [line.split(" - ")[0].split() for line in done.stdout.splitlines()]
    words = {"PASSED", "FAILED", "SKIPPED", "ERROR"}
    found = {line[-1].rpartition("::")[2]: line[0] for line in lines if line and line[0] in words}
    return done.returncode, found, done.stdout + done.stderr


def test_without_skills_it_changes_nothing(project: Path) -> None:
    code, found, said = run(project)

    assert (code, found) == (0, {"test_own": "PASSED"})
    assert "airskills" not in said.partition("plugins:")[2].partition("\n")[2]


def test_each_unit_is_a_test_with_its_id_and_reason(project: Path) -> None:
    code, found, said = run(project, "--airskills", "skills", "-v")

    assert code == 1
    assert {name: word for name, word in found.items() if word != "SKIPPED"} == {
        "test_own": "PASSED",
        "demo/SKILL.md:8": "PASSED",
        "demo/SKILL.md:12": "FAILED",
        "demo/facts.yaml:2": "PASSED",
        "demo/facts.yaml:4": "PASSED",
        "malformed-0": "FAILED",
        "malformed-1": "FAILED",
        "malformed-2": "FAILED",
    }
    assert "demo/SKILL.md:16 SKIPPED (not run: It did not run because demo/SKILL.md:12" in said
    assert "demo/SKILL.md:22 SKIPPED (static: needs CUDA)" in said
    assert "SKILL.md:13:1: AR101 AssertionError: x is one" in said
    assert "assert x == 2, 'x is one'" in said
    assert "facts.yaml:5:1: AR112 The fact b has no 'old'" in said


def test_kinds_are_marks_and_names_select(project: Path) -> None:
    (project / "pytest.ini").write_text("[pytest]\nairskills = skills\n", encoding="utf-8")

    _, by_mark, _ = run(project, "-m", "facts")
    _, by_name, _ = run(project, "-k", "SKILL.md:8")

    assert by_mark == {"demo/facts.yaml:2": "PASSED", "demo/facts.yaml:4": "PASSED"}
    assert by_name == {"demo/SKILL.md:8": "PASSED"}
