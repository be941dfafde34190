"""Test skills: collect their units, run what is not known to hold, and say what became of each."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from airskills.finding import Finding
from airskills.folder import open_folder
from airskills.run import isolation
from airskills.run.judge import STATES, Limits, Outcome, State
from airskills.run.keepers import strongest
from airskills.run.listener import Listener
from airskills.run.plan import Job, Places, Where, plan
from airskills.run.results import Results
from airskills.run.schedule import Crew, lanes
from airskills.run.units import Suite, Unit, collect
from airskills.wheels import cache_folder

__all__ = ["Limits", "Listener", "Options", "Report", "is_named", "run", "suites"]


@dataclass(frozen=True, slots=True)
class Options:
    """How to test.

    Attributes:
        select: kinds (`blocks`, `facts`, ...), ids, and beginnings of ids; empty means everything.
        limits: of each unit.
        where: which environment; see `plan.Places`.
        offline: fetch nothing.
        cold: a fresh process for each unit, nothing imported beforehand.
        fail_fast: stop at the first failure.
        workers: processes at a time; the number of cores when None.
        remember: use and keep results.
        cache: the tool's cache folder; the user's when None.
        kind: how units are isolated; the strongest that can be had when None.
        record: write down which expressions run; what is remembered without that runs again.
    """

    select: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    where: Where = "auto"
    offline: bool = False
    cold: bool = False
    fail_fast: bool = False
    workers: int | None = None
    remember: bool = True
    cache: Path | None = None
    kind: isolation.Isolation | None = None
    record: bool = False

    def selects(self, unit: Unit) -> bool:
        """Whether a unit is asked for."""
        return not self.select or any(is_named(unit, word) for word in self.select)


@dataclass(frozen=True, slots=True)
class Report:
    """What a test found.

    Attributes:
        outcomes: of every unit, in the order of the skills and their files.
        malformed: findings of what cannot be made a unit.
        kind: how units were isolated.
        skills: how many were looked at.
    """

    outcomes: tuple[Outcome, ...]
    malformed: tuple[Finding, ...]
    kind: isolation.Isolation
    skills: int

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything there is to say, what is malformed first."""
        return (*self.malformed, *(finding for outcome in self.outcomes for finding in outcome.findings))

    def counts(self) -> dict[State, int]:
        """Units by state."""
        found = Counter(outcome.state for outcome in self.outcomes)
        return {state: found[state] for state in STATES}

    @property
    def cached(self) -> int:
        """How many of those that ran did so before."""
        return sum(bool(outcome.cached) for outcome in self.outcomes)

    @property
    def passed(self) -> bool:
        """Whether something ran and nothing is wrong."""
        return self.counts()["ran"] > 0 and all(finding.severity == "note" for finding in self.findings)


def is_named(unit: Unit, word: str) -> bool:
    """Whether a word is the unit's kind, its id, or the beginning of its id."""
    if word.rpartition(":")[2].isdecimal():
        return unit.id == word
    return unit.kind == word or unit.id.startswith(word)


def suites(folders: Iterable[str]) -> list[Suite]:
    """The units of some skill folders; nothing runs."""
    return [collect(open_folder(folder)) for folder in folders]


def run(found: Iterable[Suite], options: Options | None = None, listener: Listener | None = None) -> Report:
    """Run the units of skills. This executes their code: see `airskills.run` for how it is kept apart.

    Args:
        found: from `suites`.
        options: how; the defaults when None.
        listener: is told what happens, from several threads, one call at a time.

    Raises:
        AirskillsError: uv is needed and not installed.
    """
    return _Run(list(found), options or Options(), listener or Listener()).report()


@dataclass(slots=True)
class _Run:
    suites: list[Suite]
    options: Options
    listener: Listener
    outcomes: dict[tuple[str, str], Outcome] = field(default_factory=dict)
    results: Results = field(default_factory=lambda: Results(None))

    def report(self) -> Report:
        options = self.options
        cache = options.cache or cache_folder()
        kind = options.kind or strongest()
        self.results = Results(cache / "results" if options.remember else None, options.record)
        places = Places(options.where, options.offline, cache, self.listener.making)
        jobs = []
        for item in plan(self.suites, options.selects, places, self.results):
            if isinstance(item, Job):
                jobs.append(item)
            else:
                self._keep(item)
        self.listener.planned(sum(len(job.units) for job in jobs))
        if jobs:
            self._work(jobs, cache, kind)
        units = [unit for suite in self.suites for unit in suite.units]
        keys = [(unit.folder, unit.id) for unit in units]
        outcomes = tuple(self.outcomes[key] for key in keys if key in self.outcomes)
        malformed = tuple(finding for suite in self.suites for finding in suite.findings)
        return Report(outcomes, malformed, kind, len(self.suites))

    def _work(self, jobs: list[Job], cache: Path, kind: isolation.Isolation) -> None:
        options = self.options
        workers = min(options.workers or os.cpu_count() or 1, len(jobs))
        root = Path(tempfile.mkdtemp(prefix="airskills-"))
        try:
            crew = Crew(
                lanes(jobs, cold=options.cold),
                root,
                (cache if options.remember else root) / "run",
                options.limits,
                kind,
                began=lambda job: self.listener.began(job.units),
                ended=self._ended,
                fail_fast=options.fail_fast,
                record=options.record,
            )
            crew.work(workers)
        finally:
            shutil.rmtree(root, ignore_errors=True)

    def _ended(self, job: Job, outcomes: list[Outcome]) -> None:
        for outcome, key in zip(outcomes, job.keys, strict=True):
            self.results.put(outcome, key)
            self._keep(outcome)

    def _keep(self, outcome: Outcome) -> None:
        self.outcomes[outcome.unit.folder, outcome.unit.id] = outcome
        self.listener.ended(outcome)
