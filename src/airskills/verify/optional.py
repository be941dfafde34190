"""What a package imports in place of its own modules where something it can do without is missing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from airskills.verify.patches import Edit, statements, whole
from airskills.verify.wheel_source import Source

_GUARDED = re.compile(r"^ *try:\n +if .*:\n +raise \w+(?:\(\))?\n *except ", re.MULTILINE)


class Available:
    """`from diffusers import DDPMScheduler`: the scheduler where torch is there, and a dummy that raises where it is not.

    A checker takes it for either, so nothing of it is known. Without what it needs no use of it works, so it is the real one.
    """

    def concerns(self, text: str, _source: Source) -> bool:
        """Whether it may change a file."""
        return _GUARDED.search(text) is not None

    def __call__(self, tree: ast.Module, _source: Source) -> Iterator[Edit]:
        """`pass` in place of the imports of handlers."""
        for node in statements(tree):
            if isinstance(node, ast.Try) and _asks(node):
                for handler in node.handlers:
                    for statement in handler.body:
                        if isinstance(statement, ast.ImportFrom):
                            yield whole(statement, "pass")


def _asks(node: ast.Try) -> bool:
    """Whether all that is tried is a test that raises, and the imports follow in `else`."""
    tests = all(isinstance(part, ast.If) and isinstance(part.body[-1], ast.Raise) for part in node.body)
    return tests and any(isinstance(part, ast.ImportFrom) for part in node.orelse)
