"""Jobs on workers: each keeps a warm parent for the environment it works in, and a cold one for commands and doubts."""

from __future__ import annotations

import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from airskills.environments import Environment
from airskills.run import isolation, recorded
from airskills.run.answers import Answer
from airskills.run.fixtures import Prepared, StandInError, Stock
from airskills.run.judge import Limits, Outcome, idle, judge
from airskills.run.keepers import Keeper, KeeperError
from airskills.run.plan import Job, preload

JOIN = 12  # jobs left in an environment for which one more worker imports its packages
RECORD = "ran"  # file in a keeper's folder


@dataclass(slots=True)
class Lane:
    """Jobs of one environment, and the statements that its warm parent runs; commands need no warm parent."""

    place: Environment
    jobs: deque[Job]
    preload: tuple[str, ...] = ()
    workers: int = 0


def lanes(jobs: Iterable[Job], *, cold: bool) -> list[Lane]:
    """Jobs by environment, commands apart."""
    groups: dict[tuple[Path, bool], list[Job]] = {}
    for job in jobs:
        groups.setdefault((job.place.python, job.is_cold or cold), []).append(job)
    return [
        Lane(members[0].place, deque(members), () if is_cold else preload(members))
        for (_, is_cold), members in groups.items()
    ]


@dataclass(slots=True)
class Crew:
    """Workers that share lanes.

    Attributes:
        lanes: what there is to do.
        root: temporary folder in which units run.
        store: folder of stand-ins.
        limits: of each unit.
        kind: how units are isolated.
        began: called with a job when it begins.
        ended: called with a job and its outcomes, one call at a time.
        fail_fast: stop at the first failure.
        confirm: whether what fails in a fork runs again cold, and that counts.
        record: whether it is written down which expressions run.
    """

    lanes: list[Lane]
    root: Path
    store: Path
    limits: Limits
    kind: isolation.Isolation
    began: Callable[[Job], None]
    ended: Callable[[Job, list[Outcome]], None]
    fail_fast: bool = False
    confirm: bool = True
    record: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopped: bool = False
    _broken: bool = False
    _keepers: list[Keeper] = field(default_factory=list)

    def work(self, workers: int) -> None:
        """Do everything on so many threads. Whatever stops it, nothing is left running."""
        with ThreadPoolExecutor(workers) as pool:
            try:
                for future in [pool.submit(_Worker(self, number).run) for number in range(workers)]:
                    future.result()
            except BaseException:
                self._stopped = self._broken = True
                for keeper in self._keepers:
                    keeper.kill()
                raise
        for job in [job for lane in self.lanes for job in lane.jobs]:
            self.ended(job, [idle(unit, "AR206", "An earlier unit failed") for unit in job.units])

    def lane(self) -> Lane | None:
        """The lane where one more worker helps most; None when there is none."""
        with self._lock:
            open_ = [lane for lane in self.lanes if lane.jobs]
            helped = [
                lane for lane in open_ if not lane.workers or len(lane.jobs) >= (JOIN if lane.preload else 1)
            ]
            if not helped or self._stopped:
                return None
            chosen = min(helped, key=lambda lane: (lane.workers, -len(lane.jobs)))
            chosen.workers += 1
            return chosen

    def take(self, lane: Lane) -> Job | None:
        """The next job of a lane."""
        with self._lock:
            if self._stopped or not lane.jobs:
                lane.workers -= 1
                return None
            job = lane.jobs.popleft()
            self.began(job)
            return job

    def done(self, job: Job, outcomes: list[Outcome]) -> None:
        """Hand over what became of a job."""
        with self._lock:
            self._stopped |= self.fail_fast and any(outcome.state == "failed" for outcome in outcomes)
            self.ended(job, outcomes)

    def keeper(self, name: str, place: Environment, statements: tuple[str, ...]) -> Keeper:
        """A keeper that is ended with the crew."""
        made = Keeper(self.root / name, place.python, self.kind, statements)
        with self._lock:
            self._keepers.append(made)
        return made

    def wake(self, keeper: Keeper) -> None:
        """Start a keeper that does not run, unless the crew was stopped.

        Raises:
            KeeperError: it does not come up.
        """
        if self._broken:
            raise KeeperError("the test was stopped")
        if not keeper.alive:
            keeper.start()


@dataclass(slots=True)
class _Worker:
    crew: Crew
    number: int

    def run(self) -> None:
        while (lane := self.crew.lane()) is not None:
            cold = self.crew.keeper(f"cold-{self.number}", lane.place, ())
            warm = self._warm(lane) or cold
            try:
                while (job := self.crew.take(lane)) is not None:
                    self.crew.done(job, self._outcomes(job, warm, cold))
            finally:
                for keeper in (warm, cold):
                    keeper.close()
                    shutil.rmtree(keeper.root, ignore_errors=True)

    def _warm(self, lane: Lane) -> Keeper | None:
        """A parent that has imported the packages and can be forked safely, which one with threads cannot."""
        if not lane.preload:
            return None
        keeper = self.crew.keeper(f"warm-{self.number}", lane.place, lane.preload)
        with suppress(KeeperError):
            self.crew.wake(keeper)
            if keeper.hello["threads"] == 1:
                return keeper
            keeper.close()
        return None

    def _outcomes(self, job: Job, warm: Keeper, cold: Keeper) -> list[Outcome]:
        """What became of a job; what fails warm is tried again cold, and that counts."""
        outcomes = self._attempt(job, warm)
        if self.crew.confirm and warm is not cold and any(outcome.state == "failed" for outcome in outcomes):
            outcomes = self._attempt(job, cold)
        names = tuple(standin.name for standin in job.standins)
        return [replace(outcome, standins=names) for outcome in outcomes]

    def _attempt(self, job: Job, keeper: Keeper) -> list[Outcome]:
        try:
            outcomes = judge(job.units, self._answer(job, keeper), self.crew.limits)
            if not self.crew.record:
                return outcomes
            ran = recorded.read(keeper.root / RECORD)
            return [replace(outcome, ran=recorded.of_unit(outcome.unit, ran)) for outcome in outcomes]
        except StandInError as error:
            code, message = "AR111", str(error)
        except KeeperError as error:
            code, message = "AR115", str(error)
        return [
            replace(idle(unit, code, " ".join(message.split())[:400], "Run it by hand"), state="failed")
            for unit in job.units
        ]

    def _answer(self, job: Job, keeper: Keeper) -> Answer:
        """Furnish the folders of the keeper and run the job there."""
        self.crew.wake(keeper)
        stock = Stock(self.crew.store, job.place.installed, self.crew.limits.memory)
        prepared = Prepared() if job.is_command else stock.prepare(keeper, job.folder)
        made = [stock.make(keeper, standin) for standin in job.standins]
        isolation.fresh(keeper.root)
        for folder in made:
            shutil.copytree(folder, keeper.root / "hf", dirs_exist_ok=True)
        prepared.furnish(keeper.root)
        limits = {"timeout": self.crew.limits.timeout, "memory": self.crew.limits.memory}
        record = {"record": str(keeper.root / RECORD)} if self.crew.record else {}
        return keeper.run({"skill": job.folder.path, **limits, **record, **_work(job, prepared, keeper)})


def _work(job: Job, prepared: Prepared, keeper: Keeper) -> dict[str, Any]:
    """The part of the request that says what to run; in a warm keeper a checker runs in the fork."""
    if job.is_command:
        command = list(job.units[0].command)
        return {"program": command} if keeper.preload else {"argv": [str(job.place.python), *command]}
    steps = [
        {
            "source": prepared.rewrite(unit.source, keeper.root),
            "written": unit.source,
            "path": unit.file,
            "line": unit.first_line,
            "goes_on": unit.fails is not None,
            **({} if unit.silent is None else {"silent": unit.silent}),
        }
        for unit in job.units
    ]
    return {"steps": steps, "sys_path": [job.folder.at("evals")]}
