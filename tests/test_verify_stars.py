"""Stars of a package are written out where its files say what they bring, and stay where there is a doubt."""

from __future__ import annotations

from pathlib import Path

import pytest

from airskills.pins import Pin
from airskills.verify.readings import reading
from airskills.wheels import Wheel

LAZY = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .deep import *\nelse:\n    import sys\n    _file = 1\n"
# What stands in the files of a package, and what becomes of `from .part import *` there.
CASES = {
    "a list": (
        {"part.py": '__all__ = [\n    "Run",  # ]?\n    "walk",\n]\nclass Run: ...\nwalk = 1\nhidden = 2\n'},
        "*",
    ),
    "a plain list": ({"part.py": '__all__ = ["Run", "walk"]\nclass Run: ...\nwalk: int = 1\n'}, "Run, walk"),
    "a name that nothing binds": (
        {"part.py": '__all__ = ["Run", "gone"]\nif 1:\n    Run = 2\n\ndef f():\n    gone = 1\n'},
        "Run",
    ),
    "a list that grows": (
        {"part.py": '__all__ = ["Run"]\nclass Run: ...\nclass B: ...\n__all__ += ["B"]\n'},
        "*",
    ),
    "a list that is made": ({"part.py": "__all__ = [name for name in dir()]\nRun = 1\n"}, "*"),
    "no list": (
        {
            "part.py": "# no `__all__` here\nimport os.path\nfrom . import other as o\n_x = y = 1\ndef run(): ...\n"
        },
        "os, o, y, run",
    ),
    "a module that is lazy": (
        {"part/__init__.py": LAZY, "part/deep.py": '__all__ = ["Deep"]\nclass Deep: ...\n'},
        "TYPE_CHECKING, Deep",
    ),
    "a statement of many ways": (
        {"part.py": "try:\n    import fast\nexcept ImportError:\n    fast = None\n"},
        "*",
    ),
    "a stub beside it": ({"part.py": "run = 1\n", "part.pyi": "walk: int\n"}, "*"),
    "a circle": ({"part.py": "from . import *\nrun = 1\n"}, "*"),
    "no such file": ({}, "*"),
    "nothing public": ({"part.py": "_run = 1\n"}, "*"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_star_becomes_the_names_that_it_is_sure_to_bring(case: str, tmp_path: Path) -> None:
    files, names = CASES[case]
    root = tmp_path / "root"
    text = "x = 1\nfrom .part import *\ny = 2\n"
    for name, content in ({"__init__.py": text} | files).items():
        path = root / "lab" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    made = reading(Wheel(Pin("lab", "1"), root, "0", ("lab",), {}))
    assert (made / "lab" / "__init__.py").read_text() == text.replace("*", names)
