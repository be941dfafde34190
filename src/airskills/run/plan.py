"""From skills to jobs: what runs, where, with which stand-ins, and what is answered without running."""

from __future__ import annotations

import ast
import platform
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from airskills import environments
from airskills.environments import Environment, EnvironmentUnavailableError
from airskills.folder import Folder
from airskills.pins import Pin, PinError, of_script, of_skill
from airskills.rules.examples import metadata
from airskills.run.fixtures import OWN, StandIn, wanted
from airskills.run.judge import Outcome, idle
from airskills.run.results import Results, keys
from airskills.run.units import Suite, Unit

Where = Literal["auto", "current", "pinned"]
_GPU = Path("/dev/nvidiactl")
_NEVER = {"network": "the network is cut", "api-key": "no key is given to code under test"}


@dataclass(frozen=True, slots=True)
class Job:
    """Units that run in one process, in order.

    Attributes:
        units: blocks of one section, or a single unit.
        folder: their skill.
        place: the environment.
        standins: what they need.
        keys: for the cache, one for each unit.
    """

    units: tuple[Unit, ...]
    folder: Folder
    place: Environment
    standins: tuple[StandIn, ...]
    keys: tuple[str, ...]

    @property
    def is_command(self) -> bool:
        """Whether it is a program of its own, and not Python that stands in a text."""
        return bool(self.units[0].command)

    @property
    def is_cold(self) -> bool:
        """Whether it starts as a reader starts it. A checker is ours to start: it runs in a fork as well."""
        return self.is_command and self.units[0].kind != "evals"


@dataclass(slots=True)
class Places:
    """Environments by what is asked of them, each looked for once.

    Attributes:
        where: `current` uses only the running environment, `pinned` only those of the pins; `auto` prefers the former.
        offline: fetch nothing.
        tell: called with the pins when an environment has to be made.
    """

    where: Where = "auto"
    offline: bool = False
    cache: Path | None = None
    tell: Callable[[str], None] = lambda _text: None
    _known: dict[tuple[tuple[Pin, ...], str], Environment | str] = field(default_factory=dict)

    def find(self, pins: tuple[Pin, ...], python: str) -> Environment | str:
        """The environment, or why there is none. `python` is a version specifier, "" for any."""
        if (pins, python) not in self._known:
            self._known[pins, python] = self._look(pins, python)
        return self._known[pins, python]

    def _look(self, pins: tuple[Pin, ...], python: str) -> Environment | str:
        fits = not python or SpecifierSet(python).contains(platform.python_version(), prereleases=True)
        try:
            if self.where == "current" or (self.where == "auto" and fits and _is_installed(pins)):
                return environments.current(pins)
            self.tell(" ".join(map(str, pins)) or "no packages")
            return environments.environment(
                pins, python=None if fits else python, offline=self.offline, cache=self.cache
            )
        except EnvironmentUnavailableError as error:
            return str(error)


def _is_installed(pins: tuple[Pin, ...]) -> bool:
    try:
        environments.current(pins)
    except EnvironmentUnavailableError:
        return False
    return True


def plan(
    suites: Iterable[Suite], selected: Callable[[Unit], bool], places: Places, results: Results
) -> Iterator[Job | Outcome]:
    """Jobs for what has to run, and the outcomes of what does not: skipped, or known from the cache."""
    for suite in suites:
        groups: dict[str, list[Unit]] = {}
        for unit in suite.units:
            groups.setdefault(unit.group, []).append(unit)
        for units in groups.values():
            last = max((n for n, unit in enumerate(units) if selected(unit)), default=-1)
            yield from _group(units[: last + 1], suite.folder, places, results)


def _group(
    units: Sequence[Unit], folder: Folder, places: Places, results: Results
) -> Iterator[Job | Outcome]:
    """A section's blocks up to the last one that is selected, or a single unit."""
    runnable = []
    for unit in units:
        unmet = [need for need in unit.requires if not _is_met(need)]
        if unit.skip is not None:
            yield idle(unit, unit.skip.code, unit.skip.reason)
        elif unmet:
            why = _NEVER.get(unmet[0], "there is no such device here")
            yield idle(unit, "AR204", f"It requires {unmet[0]}: {why}")
        else:
            runnable.append(unit)
    if runnable:
        yield from _runnable(runnable, folder, places, results)


def _is_met(need: str) -> bool:
    return need == "cuda" and _GPU.exists()


def _runnable(units: list[Unit], folder: Folder, places: Places, results: Results) -> Iterator[Job | Outcome]:
    try:
        place = places.find(*_needs(units[0], folder))
    except (PinError, InvalidSpecifier) as error:
        for unit in units:
            yield Outcome(unit, "failed", idle(unit, "AR112", str(error), "Write name==version").findings)
        return
    if isinstance(place, str):
        for unit in units:
            yield idle(unit, "AR205", place)
        return
    standins = wanted(_texts(units, folder))
    found = keys(units, folder, place, standins)
    known = [results.get(unit, key) for unit, key in zip(units, found, strict=True)]
    if all(known):
        yield from (outcome for outcome in known if outcome)
    else:
        yield Job(tuple(units), folder, place, standins, tuple(found))


def _needs(unit: Unit, folder: Folder) -> tuple[tuple[Pin, ...], str]:
    """Pins and Python of a unit: those of its own PEP 723 block, else those of the skill.

    What the skill is tested with without dependencies comes without them for its scripts, too.

    Raises:
        PinError: one is not exact.
    """
    skills = of_skill(folder.skill) if folder.skill else ()
    script = unit.command[0].removeprefix(f"{folder.path}/") if unit.command else ""
    text = folder.text(script) if script else ""
    table = metadata(text)
    if table is not None:
        bare = {str(pin): pin for pin in skills if pin.bare}
        pins = tuple(bare.get(str(pin), pin) for pin in of_script(text))
        return pins, str(table.get("requires-python", ""))
    return skills, ""


def _texts(units: Iterable[Unit], folder: Folder) -> Iterator[str]:
    """All code in which a hub id may stand."""
    for unit in units:
        if unit.kind == "evals":
            task = unit.path.rpartition("/")[0]
            yield from (
                folder.text(file.path) for file in folder.matching(".py", ".yaml", ".json", under=task)
            )
        elif unit.command:
            yield folder.text(unit.path)
        else:
            yield unit.source


def preload(jobs: Iterable[Job]) -> tuple[str, ...]:
    """Statements that a warm parent runs: `import` of the packages that the code names, and the imports of fixtures.

    Before them what fixtures put into the environment, for packages that read it while they are imported.
    """
    modules: set[str] = set()
    own_modules = {"fixtures"}
    variables: dict[str, None] = {}
    statements: dict[str, None] = {}
    for job in jobs:
        own = job.folder.text(OWN) if job.folder.has(OWN) else ""
        variables.update((f"import os; {ast.unparse(node)}", None) for node in _variables(own))
        statements.update((ast.unparse(node), None) for node in _imports(own))
        texts = list(_texts(job.units, job.folder))
        own_modules |= {Path(file.path).stem for file in job.folder.matching(".py", under="evals")}
        modules |= {name for text in texts for node in _imports(text) for name in _packages(node)}
    listed = sorted(modules - sys.stdlib_module_names - own_modules)
    return (*variables, *(f"import {name}" for name in listed), *statements)


def _variables(source: str) -> Iterator[ast.AugAssign]:
    """`os.environ |= {...}` of constants."""
    for node in _statements(source):
        if isinstance(node, ast.AugAssign) and ast.unparse(node.target) == "os.environ":
            names = (ast.Constant, ast.Dict, ast.Load)
            if all(isinstance(part, names) for part in ast.walk(node.value)):
                yield node


def _imports(source: str) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in _statements(source):
        if isinstance(node, ast.Import) or (isinstance(node, ast.ImportFrom) and not node.level):
            yield node


def _statements(source: str) -> list[ast.stmt]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source).body
    except (SyntaxError, ValueError):
        return []


def _packages(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
    return (name.partition(".")[0] for name in names if name)
