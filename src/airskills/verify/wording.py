"""What a dead use is called, and what may have been meant: from the real parameters, or the names in the source."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

from airskills.verify.backend import Diagnostic, Kind
from airskills.verify.cases import Case
from airskills.verify.packages import Packages


def say(case: Case, said: Diagnostic, code: str, name: str) -> tuple[str, str]:
    """(message, help) of a dead use.

    Args:
        case: the use.
        said: the complaint.
        code: what it is counted as.
        name: the keyword or parameter in question, or "".
    """
    use, where = case.use, _where(case)
    if code == "AV001":
        return _import(case, said)
    if code == "AV002":
        return _attribute(case, said)
    if code in {"AV003", "AV008"}:
        names = [n for ways in case.signatures for way in ways for n in way.names]
        verb = "takes no keyword" if code == "AV003" else "ignores the keyword"
        return f"`{use.name}`{where} {verb} `{name}`", _meant(name, names, "Leave it out")
    plain = {
        "AV004": (f"needs `{name}`" if name else "needs an argument that is not given", "Give it"),
        "AV005": ("takes fewer positional arguments", "Name the arguments"),
        "AV006": ("has no overload that takes these arguments", "Read its signature"),
        "AV007": (f"is deprecated: {_reason(said.message)}", "Write what it names instead"),
    }
    what, help_ = plain[code]
    return f"`{use.name}`{where} {what}", help_


def _where(case: Case) -> str:
    """The release in which it is so, where imports say whose it is."""
    wheel = case.scene.packages.owner(case.origin) if case.origin else None
    return f" ({wheel.pin.name} {wheel.pin.version})" if wheel else ""


def _reason(message: str) -> str:
    return " ".join((message.partition(": ")[2] or message).split())[:300].rstrip(".")


def _import(case: Case, said: Diagnostic) -> tuple[str, str]:
    packages, use = case.scene.packages, case.use
    if said.kind is Kind.MEMBER:
        names = module_names(packages, use.module)
        return f"`{use.module}`{_where(case)} has no `{said.name}`", _meant(
            said.name, names, "Look where it went"
        )
    parent, _, name = use.module.rpartition(".")
    names = _submodules(packages, parent)
    return f"There is no module `{use.module}`{_where(case)}", _meant(name, names, "Look where it went")


def _attribute(case: Case, said: Diagnostic) -> tuple[str, str]:
    if said.kind is Kind.NOT_CALLABLE:
        return f"`{case.use.name}`{_where(case)} cannot be called", "Look what it is"
    packages, owner = case.scene.packages, said.owner
    names: set[str] = set()
    if packages.file(owner) is not None:
        names = {*module_names(packages, owner), *_submodules(packages, owner)}
    return f"`{owner}`{_where(case)} has no attribute `{said.name}`", _meant(
        said.name, names or case.scene.classes.members(owner), "Look what took its place"
    )


def say_absent(case: Case, owner: str, name: str) -> tuple[str, str]:
    """(message, help) of an attribute that is looked up at run time, and is not there."""
    names = case.scene.classes.members(owner)
    return f"`{owner}`{_where(case)} has no attribute `{name}`", _meant(
        name, names, "Look what took its place"
    )


def _meant(name: str, names: Iterable[str], otherwise: str) -> str:
    close = get_close_matches(
        name, sorted({n for n in names if n != name and not n.startswith("airskills_")}), n=1, cutoff=0.7
    )
    return f"Did you mean `{close[0]}`?" if close else otherwise


def module_names(packages: Packages, module: str) -> Collection[str]:
    """Names that a module's source binds, imports, or lists as text, for lazy packages name what they load."""
    path = packages.file(module)
    if path is None:
        return ()
    names: set[str] = set()
    for node in ast.walk(_tree(path)):
        names.update(_bound(node))
    return names


def _bound(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.alias):
        yield node.asname or node.name
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
        yield node.value


def _submodules(packages: Packages, module: str) -> list[str]:
    path = packages.file(module) if module else None
    if path is None or not path.name.startswith("__init__"):
        return []
    return [entry.name.partition(".")[0] for entry in path.parent.iterdir()]


@lru_cache(maxsize=256)
def _tree(path: Path) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])
