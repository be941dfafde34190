"""`verify --live`: what was read of packages is asked of them once more, where they are installed.

Each use whose place is known is looked up in the environment of the skill's pins, and each call bound to the signature
that is found there. That imports the packages, without a network and apart from the user's files; the code of the
skill itself still runs nowhere.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from airskills import environments
from airskills.environments import Environment, EnvironmentUnavailableError
from airskills.pins import Pin
from airskills.run import isolation, probe
from airskills.run.keepers import Keeper, KeeperError, strongest
from airskills.verify.ledger import Entry, Level
from airskills.verify.proven import Proven, Report

SECONDS = 600.0  # for all questions about one environment
MEMORY = 8 << 30
Question = tuple[str, str]
Said = tuple[str, str]
_SETTLED = frozenset({"AV101", "AV103", "AV104", "AV105", "AV203"})
_WITHDRAWN = frozenset({"AV001", "AV002", "AV003", "AV004", "AV005", "AV006", "AV201"})  # a false alarm, then
_CODES = (
    ("unexpected keyword", "AV003"),
    ("missing", "AV004"),
    ("too many positional", "AV005"),
    ("multiple values", "AV005"),
)
Progress = Callable[[str, int, int], None]


def confirm(
    report: Report, *, offline: bool = False, progress: Progress = lambda *_: None
) -> tuple[Report, list[str]]:
    """The report with what the environments say, and why some could not be asked.

    Args:
        report: what was read.
        offline: install from uv's cache only.
        progress: called with (what, done, in all).
    """
    skills, problems = [], []
    for number, skill in enumerate(report.skills):
        progress(f"asking the packages of {skill.folder.name}", number, len(report.skills))
        said, problem = _asked(skill, offline=offline)
        if problem:
            problems.append(f"{skill.folder.name}: {problem}")
        skills.append(_confirmed(skill, said))
    return Report(tuple(skills)), problems


def _asked(skill: Proven, *, offline: bool) -> tuple[Mapping[Question, Said], str]:
    questions = sorted({(entry.target, entry.shape) for entry in skill.entries if entry.target})
    if not questions:
        return {}, ""
    try:
        place = _environment([wheel.pin for wheel in skill.wheels], offline=offline)
        answers = _ask(place, questions)
    except (EnvironmentUnavailableError, KeeperError) as error:
        return {}, str(error)
    return dict(zip(questions, answers, strict=True)), ""


def _environment(pins: Iterable[Pin], *, offline: bool) -> Environment:
    """The environment that this program runs in where it has the pins, else one of their own."""
    wanted = tuple(pins)
    try:
        return environments.current(wanted)
    except EnvironmentUnavailableError:
        return environments.environment(wanted, offline=offline)


def _ask(place: Environment, questions: list[Question]) -> list[Said]:
    """One answer for each question.

    Raises:
        KeeperError: the environment is broken, or a package ended the program that asks.
    """
    with tempfile.TemporaryDirectory(prefix="airskills-") as folder:
        keeper = Keeper(Path(folder) / "live", place.python, strongest())
        keeper.start()
        try:
            isolation.fresh(keeper.root)
            call = {"path": probe.__file__, "function": "probe", "target": ".", "arguments": [questions]}
            answer = keeper.run({"call": call, "skill": folder, "timeout": SECONDS, "memory": MEMORY})
        finally:
            keeper.close()
    if not answer.results or answer.results[0].raised:
        raise KeeperError(f"The packages could not be asked: {answer.end} {answer.output[-300:]}".strip())
    return [(state, why) for state, why in answer.results[0].value]


def _confirmed(skill: Proven, said: Mapping[Question, Said]) -> Proven:
    entries = tuple(
        _judged(entry, *said.get((entry.target, entry.shape), ("open", ""))) for entry in skill.entries
    )
    return replace(skill, entries=entries)


def _judged(entry: Entry, state: str, why: str) -> Entry:
    """An entry after what the package itself said of it."""
    if state == "confirmed" and (entry.state == "proven" or entry.code in _SETTLED | _WITHDRAWN):
        code = entry.code if entry.state == "proven" else ""
        message, help_ = (entry.message, entry.help) if code else ("", "")
        level = max(entry.level, Level.CONFIRMED)
        return replace(entry, state="proven", code=code, message=message, help=help_, level=level)
    if (
        state == "refuted" and entry.state != "dead" and entry.level is not Level.RAN
    ):  # what ran is no question
        message = f"`{entry.use}` fails where it is installed: {why}"
        return replace(
            entry, state="dead", code=_code(entry, why), message=message, help="Look up what it takes"
        )
    return entry


def _code(entry: Entry, why: str) -> str:
    if entry.target.startswith("$ "):
        return "AV201"
    return next((code for words, code in _CODES if words in why), "AV002")
