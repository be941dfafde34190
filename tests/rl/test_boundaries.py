"""What `airskills.rl` imports, whether its examples are true, and whether its functions are documented."""

import ast
import doctest
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import airskills.rl

ROOT = Path(airskills.rl.__file__).parent
MODULES = sorted(
    ".".join(("airskills.rl", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
    for path in ROOT.rglob("*.py")
)
TRITON = ("airskills.rl.softmax_kernel",)


def imported(module: Any) -> Any:
    """Every module named in an import statement, at any depth of the file."""
    spec = find_spec(module)
    assert spec
    for node in ast.walk(ast.parse(Path(spec.origin or "").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("module", MODULES)
def test_rl_imports_nothing_else_of_airskills(module: Any) -> None:
    others = [
        name
        for name in imported(module)
        if name.startswith("airskills") and not name.startswith("airskills.rl")
    ]

    assert others == []


def test_exactly_one_module_imports_trl() -> None:
    importers = [
        module for module in MODULES if any(name.split(".")[0] == "trl" for name in imported(module))
    ]

    assert importers == ["airskills.rl.trl"]


def test_a_reward_worker_and_the_command_line_start_without_torch() -> None:
    code = """
import sys
import airskills.rl.cli, airskills.rl.presets, airskills.rl.rewards, airskills.rl.spec
print(sorted({"torch", "trl", "transformers", "numba", "sympy"} & set(sys.modules)))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout == "[]\n"


@pytest.mark.parametrize("module", MODULES)
def test_examples_in_docstrings_are_true(module: Any) -> None:
    if module in TRITON:
        pytest.importorskip("triton", reason="Triton comes with the CUDA builds of torch")
    assert doctest.testmod(import_module(module)).failed == 0
