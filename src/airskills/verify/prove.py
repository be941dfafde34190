"""The static half of a skill's proof: what `airskills verify --write` puts into its proof.json."""

from __future__ import annotations

import platform
from pathlib import Path

from airskills import __version__, proof
from airskills.verify.ledger import Level
from airskills.verify.proven import Proven


def objection(found: Proven) -> str:
    """Why nothing is written of a skill, or ""."""
    dead = [entry for entry in found.entries if entry.state == "dead"]
    if dead:
        return f"line {dead[0].line}: {dead[0].code} {dead[0].message}"
    if found.missing:
        pin, reason = next(iter(found.missing.items()))
        return f"{pin} could not be unpacked: {reason}"
    return "" if found.wheels else "the skill has no pins"


def write(found: Proven, backend: str) -> None:
    """Write the static half of a skill against which there is no objection."""
    counts = found.counts
    levels = list(found.blocks.values())
    part = proof.Part(
        content=proof.content_hash(found.folder),
        date=proof.today(),
        pins={wheel.pin.name: wheel.pin.version for wheel in found.wheels},
        tools={"airskills": __version__, "backend": backend, "python": platform.python_version()},
        counts={
            "uses": counts.total,
            "proven": counts.proven,
            "dead": counts.dead,
            "unproven": counts.unproven,
            "reasons": counts.reasons,
            "levels": {level.name.lower(): number for level, number in counts.levels.items()},
            "statements": counts.statements,
            "statements_proven": counts.whole,
            "statements_read": counts.read,
            "blocks": {level.name.lower(): levels.count(level) for level in Level if level in levels},
        },
        hashes={wheel.pin.name: wheel.sha256 for wheel in found.wheels},
    )
    proof.write(Path(found.folder.path), static=part)
