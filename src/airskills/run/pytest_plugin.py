"""pytest plug-in: one test for each block, fact, example, script and eval answer of some skills.

    pytest --airskills skills/peft
    pytest --airskills skills -k "facts.yaml"

It does nothing unless `--airskills PATH` or the ini value `airskills` names skills, whose code it then runs, all units at
the first of their tests. Which ones, `-k` and node ids say: `skills/peft/SKILL.md::peft/SKILL.md:59`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from airskills.finding import Finding
    from airskills.run.judge import Outcome
    from airskills.run.units import Unit

FILE_NAME = "SKILL.md"
KINDS = ("blocks", "facts", "examples", "scripts", "evals")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options and the ini value."""
    group = parser.getgroup("airskills", "skills whose code is run")
    group.addoption(
        "--airskills", action="append", default=[], metavar="PATH", help="A skill, or a folder of them."
    )
    group.addoption("--airskills-timeout", type=float, default=60.0, help="Seconds for each unit.")
    group.addoption("--airskills-no-cache", action="store_true", help="Run everything anew.")
    parser.addini("airskills", "Skills, or folders of them, whose code is run.", type="paths")


def pytest_configure(config: pytest.Config) -> None:
    """Look for skills where the user says, besides where pytest looks for tests."""
    config.args += [str(path) for path in _paths(config) if str(path) not in config.args]
    if _paths(config):
        for kind in KINDS:
            config.addinivalue_line("markers", f"{kind}: {kind} of skills, from airskills")


def _paths(config: pytest.Config) -> list[Path]:
    named = [config.invocation_params.dir / path for path in config.getoption("airskills")]
    return [*named, *config.getini("airskills")]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A skill that the user named."""
    if file_path.name == FILE_NAME and any(file_path.is_relative_to(path) for path in _paths(parent.config)):
        collector: pytest.Collector = SkillFile.from_parent(parent, path=file_path)
        return collector
    return None


class SkillFile(pytest.File):
    """A skill."""

    def collect(self) -> Iterator[pytest.Item]:
        """Its units, and a failing test for each thing that should be one."""
        from airskills.run.api import suites

        (suite,) = suites([str(self.path.parent)])
        for unit in suite.units:
            item: pytest.Item = UnitItem.from_parent(self, name=unit.id, unit=unit)
            yield item
        for number, finding in enumerate(suite.findings):
            malformed: pytest.Item = MalformedItem.from_parent(
                self, name=f"malformed-{number}", finding=finding
            )
            yield malformed


class MalformedItem(pytest.Item):
    """What cannot be made a unit."""

    def __init__(self, *, finding: Finding, **more: Any) -> None:
        super().__init__(**more)
        self.finding = finding

    def runtest(self) -> None:
        """Fail."""
        pytest.fail(str(self.finding), pytrace=False)


class UnitItem(pytest.Item):
    """One unit."""

    def __init__(self, *, unit: Unit, **more: Any) -> None:
        super().__init__(**more)
        self.unit = unit
        self.add_marker(unit.kind)

    def runtest(self) -> None:
        """Look up what became of it; the first test runs all of them."""
        outcome = _outcomes(self.session)[self.unit.id]
        if outcome.state not in {"ran", "failed"}:
            pytest.skip(f"{outcome.state}: {outcome.reason}")
        if outcome.state == "failed":
            texts = [str(finding) for finding in outcome.findings]
            pytest.fail("\n".join([*texts, outcome.detail]), pytrace=False)
        for finding in outcome.findings:
            self.warn(pytest.PytestWarning(str(finding)))
        if outcome.cached:
            self.add_report_section("call", "airskills", f"ran on {outcome.cached}, known from the cache")

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where it stands."""
        return Path(self.unit.file), self.unit.line - 1, f"{self.unit.id} {self.unit.title or self.unit.kind}"


def _outcomes(session: pytest.Session) -> dict[str, Outcome]:
    """What became of the units that pytest selected."""
    if KEY not in session.stash:
        from airskills.run import api

        config = session.config
        chosen = {item.unit.id: item.unit.folder for item in session.items if isinstance(item, UnitItem)}
        options = api.Options(
            select=tuple(chosen),
            limits=api.Limits(timeout=config.getoption("airskills_timeout")),
            remember=not config.getoption("airskills_no_cache"),
        )
        found = api.run(api.suites(dict.fromkeys(chosen.values())), options)
        session.stash[KEY] = {outcome.unit.id: outcome for outcome in found.outcomes}
    return session.stash[KEY]


KEY: pytest.StashKey[dict[str, Outcome]] = pytest.StashKey()
