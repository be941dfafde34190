"""From what a keeper measured to what it means: which unit ran, which failed and why, and which never began."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from airskills.finding import Finding
from airskills.run.answers import Answer, Raised, Result
from airskills.run.recorded import Recorded
from airskills.run.units import Unit

State = Literal["ran", "failed", "not run", "skipped", "static"]
STATES: tuple[State, ...] = ("ran", "failed", "not run", "skipped", "static")
MEGABYTE = 1024 * 1024

_KEYWORD = r"TypeError: .*((unexpected|invalid) keyword argument|takes no keyword arguments)"
# The words of AV0xx for what a block shows to be dead, as what Python then raises.
KINDS = {
    "import": r"ImportError|ModuleNotFoundError",
    "attribute": r"AttributeError",
    "keyword": _KEYWORD,
    "kwarg": _KEYWORD,
    "missing": r"TypeError: .*missing (\d+ )?required",
    "arity": r"TypeError: .*(takes .*positional arguments? but|expected .* arguments?, got)",
    "overload": r"TypeError|ValueError",
}
_NO_MEMORY = re.compile(
    r"MemoryError|[Cc]an't allocate memory|Cannot allocate memory|bad_alloc|Unable to allocate"
)
_NO_NETWORK = re.compile(
    r"Network is unreachable|cut the network|offline mode|OfflineMode|couldn't connect|name resolution"
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a unit.

    Attributes:
        unit: which.
        state: `ran` (as it should), `failed`, `not run` (an earlier block failed), `skipped` or `static`.
        findings: what was wrong, or why it did not run.
        seconds: it took.
        detail: traceback and output of a failure.
        cached: the day on which it ran, where the answer comes from the cache.
        standins: hub ids that were served by stand-ins.
        ran: which expressions did; None where nobody wrote it down.
    """

    unit: Unit
    state: State
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0
    detail: str = ""
    cached: str = ""
    standins: tuple[str, ...] = ()
    ran: Recorded | None = None

    @property
    def reason(self) -> str:
        """Why it failed or did not run: the first message."""
        return self.findings[0].message if self.findings else ""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a unit may use: seconds of wall clock less its wait for a processor, bytes of memory for each process."""

    timeout: float = 60.0
    memory: int = 4096 * MEGABYTE


def idle(unit: Unit, code: str, message: str, help: str = "") -> Outcome:
    """The outcome of a unit that does not run."""
    state: State = "static" if code == "AR201" else "not run" if code in {"AR203", "AR206"} else "skipped"
    return Outcome(unit, state, (Finding(unit.file, unit.line, 1, code, message, help),))


def judge(units: Sequence[Unit], answer: Answer, limits: Limits) -> list[Outcome]:
    """One outcome for each unit of a job, in order."""
    outcomes: list[Outcome] = []
    culprit = ""
    for number, unit in enumerate(units):
        if culprit:
            message = f"It did not run because {culprit} failed"
            outcomes.append(idle(unit, "AR203", message, "Correct that one first"))
            continue
        result = answer.results[number] if number < len(answer.results) else None
        found = list(_problems(unit, answer, result, limits))
        failed = any(finding.severity == "error" for finding in found)
        found += _deprecations(unit, answer, result)
        seconds = result.seconds if result else answer.seconds
        detail = _detail(answer, result) if failed else ""
        outcomes.append(Outcome(unit, "failed" if failed else "ran", tuple(found), seconds, detail))
        culprit = unit.id if failed else ""
    return [*outcomes[:-1], _with_left(outcomes[-1], answer)] if answer.left else outcomes


def _with_left(outcome: Outcome, answer: Answer) -> Outcome:
    count = len(answer.left)
    message = f"It left {count} process{'es' if count > 1 else ''} running: {', '.join(answer.left)[:200]}"
    unit = outcome.unit
    found = Finding(unit.file, unit.line, 1, "AR114", message, "End what the code starts")
    return Outcome(unit, outcome.state, (*outcome.findings, found), outcome.seconds, outcome.detail)


def _problems(unit: Unit, answer: Answer, result: Result | None, limits: Limits) -> Iterator[Finding]:
    if unit.command:
        yield from _cut_short(unit, answer, limits) or _wrong_status(unit, answer)
    elif result is None:
        yield from _cut_short(unit, answer, limits) or _ended_early(unit, answer)
    elif unit.fails is not None:
        yield from _not_as_stated(unit, result.raised)
    elif result.raised:
        yield from _raised(unit, result.raised, limits)
    elif unit.silent is not None and result.silent is not True:
        said = "is false" if result.silent is False else f"raises {result.silent}"
        yield _at(unit, "AR107", f"The fault is not there: {unit.silent!r} {said}", "State what is true now")
    elif unit.warns is not None:
        yield from _no_warning(unit, result, answer.output)


def _at(unit: Unit, code: str, message: str, help: str, line: int | None = None) -> Finding:
    return Finding(unit.file, line or unit.line, 1, code, _sentence(message), help)


def _sentence(text: str) -> str:
    """One line of at most 400 characters without a full stop."""
    words = " ".join(text.split())
    return (words if len(words) <= 400 else f"{words[:397]}...").rstrip(".")


def _cut_short(unit: Unit, answer: Answer, limits: Limits) -> list[Finding]:
    """A job that we stopped."""
    if answer.end == "timeout":
        line = _first_line(unit, answer.output)
        message = f"It ran longer than {limits.timeout:g} s"
        return [_at(unit, "AR102", message, "Make it smaller, or raise --timeout", line)]
    if answer.end == "flood":
        message = f"It wrote {answer.written / MEGABYTE:.0f} MiB; the limit is 16 MiB"
        return [_at(unit, "AR105", message, "Print the result only")]
    if answer.end == "lost":
        message = "It killed the process that runs it"
        return [_at(unit, "AR104", message, "Signal only what the code itself started")]
    return []


def _ended_early(unit: Unit, answer: Answer) -> list[Finding]:
    """The process ended in the middle of a step."""
    code = os.waitstatus_to_exitcode(answer.status or 0)
    how = f"it was killed by signal {-code}" if code < 0 else f"it left with exit code {code}"
    return [_at(unit, "AR104", f"The process ended before its code did: {how}", "Let it run to its end")]


def _raised(unit: Unit, error: Raised, limits: Limits) -> list[Finding]:
    said = str(error) if error.text else f"{error.type}{_at_fault(unit, error.line)}"
    if _NO_MEMORY.search(said):
        return [_at(unit, "AR103", _too_much(limits, said), "Make it smaller, or raise --memory", error.line)]
    help_ = _advice(unit, said)
    return [_at(unit, "AR101", said, help_, error.line)]


def _at_fault(unit: Unit, line: int | None) -> str:
    """The source of the line that raised, for an exception that says nothing itself."""
    lines = unit.source.split("\n")
    number = (line or 0) - unit.first_line
    return f" in {lines[number].strip()!r}" if 0 <= number < len(lines) else ""


def _too_much(limits: Limits, said: str) -> str:
    return f"It needs more memory than {limits.memory / MEGABYTE:,.0f} MiB: {said}"


def _advice(unit: Unit, said: str) -> str:
    if _NO_NETWORK.search(said):
        return "The network is cut: make a stand-in in evals/fixtures.py"
    if unit.kind == "blocks":
        return "Correct the block, or say in its fence why it cannot run"
    return "Correct the code"


def _not_as_stated(unit: Unit, error: Raised | None) -> list[Finding]:
    if error is None:
        message = f"It passes, though it should fail with {unit.fails!r}"
        return [_at(unit, "AR106", message, "State what it does now")]
    said = str(error)
    if _matches(KINDS.get(unit.fails or "", unit.fails or ""), said):
        return []
    message = f"It should fail with {unit.fails!r}, and fails with {said}"
    return [_at(unit, "AR106", message, "State what it does now", error.line)]


def _no_warning(unit: Unit, result: Result, output: str) -> list[Finding]:
    said = "\n".join(map(str, result.warned))
    if _matches(unit.warns or "", f"{said}\n{output}"):
        return []
    message = f"No warning matches {unit.warns!r}; it said {said or 'nothing'}"
    return [_at(unit, "AR108", message, "State what it does now")]


def _matches(pattern: str, text: str) -> bool:
    """Whether the text holds the pattern: as it stands, or as a regular expression if it is one."""
    try:
        return pattern in text or re.search(pattern, text, re.DOTALL) is not None
    except re.error:
        return False


def _wrong_status(unit: Unit, answer: Answer) -> list[Finding]:
    code = os.waitstatus_to_exitcode(answer.status or 0)
    if code == unit.status:
        return []
    lines = [line for line in answer.output.splitlines() if line.strip()]
    said = lines[-1].strip() if lines else "it said nothing"
    line = _last_line(unit, answer.output)
    if unit.kind == "evals":
        wanted = "AR110" if unit.status else "AR109"
        message = f"The checker exits with {code}, not {unit.status}, on {unit.path}: {said}"
        return [_at(unit, wanted, message, "Correct the checker or the answer", line)]
    if code < 0:
        return _ended_early(unit, answer)
    if _NO_MEMORY.search(said):
        return [
            _at(unit, "AR103", f"It ran out of memory: {said}", "Make it smaller, or raise --memory", line)
        ]
    return [_at(unit, "AR101", f"{said} (exit code {code})", _advice(unit, answer.output), line)]


def _lines(unit: Unit, output: str) -> list[int]:
    """Lines of the unit's file that a traceback in the output names."""
    return [int(number) for number in re.findall(rf'File "{re.escape(unit.file)}", line (\d+)', output)]


def _first_line(unit: Unit, output: str) -> int | None:
    """Of a stack that begins with the innermost call."""
    return next(iter(_lines(unit, output)), None)


def _last_line(unit: Unit, output: str) -> int | None:
    """Of a traceback that ends with the innermost call."""
    return next(iter(reversed(_lines(unit, output))), None)


def _deprecations(unit: Unit, answer: Answer, result: Result | None) -> list[Finding]:
    """Deprecations that the unit's own lines gave rise to; what shows the old way may have them."""
    if unit.fails is not None or unit.silent is not None or unit.warns is not None or unit.kind == "evals":
        return []
    if unit.command:
        pattern = rf"(?m)^{re.escape(unit.file)}:(\d+): (\w*(?:Deprecation|Future)Warning): (.*)$"
        seen = {(int(line), f"{kind}: {text}") for line, kind, text in re.findall(pattern, answer.output)}
    else:
        told = result.warned if result else ()
        seen = {(warned.line, str(warned)) for warned in told if warned.deprecated and warned.line}
    return [_at(unit, "AR113", text, "Write what replaces it", line) for line, text in sorted(seen)]


def _detail(answer: Answer, result: Result | None) -> str:
    """What a person wants to see of a failure."""
    trace = result.raised.traceback if result and result.raised else ""
    return "\n".join(part.rstrip() for part in (trace, answer.output) if part.strip())
