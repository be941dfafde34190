"""Who may import whom, and what an import costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
HEAVY = (
    "torch",
    "numpy",
    "pydantic",
    "click",
    "yaml",
    "rich",
    "jinja2",
    "markdown_it",
    "sqlite3",
    "Stemmer",
)
# The declared dependencies and what they bring along.
ALLOWED = (
    "click",
    "jinja2",
    "markupsafe",
    "markdown_it",
    "mdurl",
    "packaging",
    "platformdirs",
    "yaml",
    "_yaml",
    "rich",
    "pygments",
    "Stemmer",
)


# Modules that only the commands of the extra `proof` import.
PROOF = ("environments", "installer", "pins", "wheels")
APART = ("adk",)  # is a module of Google's kit, and imported by nothing but `Skills.google_adk()`


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_contracts_of_the_layers_hold() -> None:
    code = "import sys; from importlinter.cli import lint_imports_command; sys.argv[1:] = ['--no-cache']; lint_imports_command()"
    done = python(code)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_importing_the_package_imports_nothing_of_it_and_nothing_heavy() -> None:
    code = f"""
import json, sys
import airskills
print(json.dumps([name for name in sys.modules if name.startswith("airskills.") or name in {HEAVY}]))
"""

    assert json.loads(python(code).stdout) == []


@pytest.mark.parametrize("name", ["Library", "Skill", "parse", "Finding", "AirskillsError"])
def test_a_public_name_but_the_search_imports_nothing_heavy(name: str) -> None:
    code = f"import json, sys; from airskills import {name}; print(json.dumps([n for n in {HEAVY} if n in sys.modules]))"

    assert json.loads(python(code).stdout) == []


def test_the_tool_needs_only_its_declared_dependencies() -> None:
    """Every module of the tool is imported where nothing but the dependencies and the standard library exists."""
    code = f"""
import sys, pkgutil
from importlib import import_module

class Nothing:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names and top not in {ALLOWED} and top != "airskills":
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=top)

sys.meta_path.insert(0, Nothing())
import airskills
for module in pkgutil.iter_modules(airskills.__path__):
    if module.name not in ("rl", "grokking", "__main__", *{PROOF + APART}):
        import_module(f"airskills.{{module.name}}")
from airskills.cli import cli
cli(["--help"], standalone_mode=False)
"""
    done = python(code)

    assert done.returncode == 0, done.stderr
    assert "Commands:" in done.stdout


def test_the_declared_dependencies_are_those_of_the_project() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    modules = {"markdown-it-py": "markdown_it", "pyyaml": "yaml", "pystemmer": "Stemmer"}
    declared = {line.partition(">")[0] for line in project["dependencies"]}

    assert {modules.get(name, name) for name in declared} <= set(ALLOWED)
