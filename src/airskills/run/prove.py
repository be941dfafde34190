"""The half of a skill's proof that says what ran."""

from __future__ import annotations

import platform
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from airskills import __version__, proof
from airskills.pins import of_skill
from airskills.run.isolation import Isolation
from airskills.run.judge import Outcome
from airskills.run.recorded import Recorded, merged
from airskills.run.units import Suite, Unit

# What says "not here" and not "not proven": the author's own word, and what the unit needs.
_ALLOWED = frozenset({"AR201", "AR202", "AR204", "AR207"})


def objections(suite: Suite, outcomes: Sequence[Outcome]) -> list[str]:
    """Why the outcomes do not prove the skill; nothing when they do."""
    known = {outcome.unit.id: outcome for outcome in outcomes}
    missing = [unit.id for unit in suite.units if unit.id not in known]
    found = [finding.message for finding in suite.findings]
    found += [f"{name} was not tested" for name in missing]
    for outcome in outcomes:
        bad = [finding for finding in outcome.findings if finding.code not in _ALLOWED]
        found += [f"{outcome.unit.id}: {finding.code} {finding.message}" for finding in bad]
    if not any(outcome.state == "ran" for outcome in outcomes):
        found.append("nothing ran")
    return found


def _is_whole(unit: Unit) -> bool:
    """Whether all of its code ran when it ran: no answer to `--help`, nothing that had to fail."""
    return unit.kind in {"blocks", "facts", "examples"} and unit.fails is None


def _places(outcomes: Sequence[Outcome]) -> Recorded:
    return merged(outcome.ran for outcome in outcomes if outcome.state == "ran" and outcome.ran)


def write(suite: Suite, outcomes: Sequence[Outcome], kind: Isolation) -> None:
    """Write the half of the proof; the outcomes must be without objections."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for outcome in outcomes:
        counts[outcome.unit.kind][outcome.state] += 1
    part = proof.Part(
        content=proof.content_hash(suite.folder),
        date=min([*(outcome.cached for outcome in outcomes if outcome.cached), proof.today()]),
        pins={pin.name: pin.version for pin in (of_skill(suite.folder.skill) if suite.folder.skill else ())},
        tools={
            "airskills": __version__,
            "python": platform.python_version(),
            "platform": platform.platform(terse=True),
            "isolation": kind,
        },
        counts={kind_: dict(states) for kind_, states in counts.items()},
        units=tuple(
            f"{o.unit.path}:{o.unit.line}" for o in outcomes if o.state == "ran" and _is_whole(o.unit)
        ),
        ran={path: " ".join(places) for path, places in _places(outcomes).items()},
    )
    proof.write(Path(suite.folder.path), ran=part)
