"""Halves of a proof, and a process that writes one again and again; a module of its own, as a spawned process imports it by name."""

from __future__ import annotations

from pathlib import Path

from airskills import proof
from airskills.folder import open_folder


def part(folder: Path, day: str = "2026-11-20", content: str = "") -> proof.Part:
    """A half of the proof of `folder`, of its present content unless another is given."""
    found = content or proof.content_hash(open_folder(str(folder)))
    return proof.Part(found, day, {"trl": "1.16.0"}, {"backend": "ty 0"}, {"proven": 3}, {"trl": "abc"})


def write_many(folder: Path, *, static: bool) -> None:
    """Write one half twenty times."""
    for _ in range(20):
        proof.write(folder, static=part(folder)) if static else proof.write(folder, ran=part(folder))
