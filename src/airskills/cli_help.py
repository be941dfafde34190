"""What the commands share in their help: the lines of a docstring's examples stay lines."""

from __future__ import annotations

from inspect import cleandoc
from typing import Any

import click


def as_written(help_: str | None) -> str | None:
    """Keep the lines of a docstring's examples; click would fill them into a paragraph."""
    return cleandoc(help_).replace("\n\nExample", "\n\n\b\nExample") if help_ else help_


class Command(click.Command):
    """A command whose help ends in examples."""

    def __init__(self, name: str | None, *, help: str | None = None, **kwargs: Any) -> None:
        super().__init__(name, help=as_written(help), **kwargs)
