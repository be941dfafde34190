"""proof.json: two halves, each of one content; what is stale or broken proves nothing."""

from __future__ import annotations

import json
import multiprocessing
from datetime import date
from pathlib import Path

import pytest

from airskills import proof
from airskills.folder import open_folder
from airskills.skill import parse
from conftest import MakeSkill
from proof_halves import part, write_many

METADATA = 'metadata:\n  airskills-version: "0.1.0"\n'


@pytest.fixture
def skill(tmp_path: Path, make_skill: MakeSkill) -> Path:
    return make_skill(tmp_path, "demo", extra=METADATA, body="# Demo\n\n```python\nimport trl\n```\n")


def test_halves_are_written_one_after_the_other_and_read_back(skill: Path) -> None:
    proof.write(skill, static=part(skill))
    proof.write(skill, ran=part(skill, "2026-11-19"))
    found = proof.read(skill)
    assert found.static == part(skill)
    assert found.ran == part(skill, "2026-11-19")
    assert sorted(path.name for path in skill.iterdir()) == ["SKILL.md", "proof.json"]


def test_a_skill_is_dated_by_the_earlier_half_once_both_are_of_its_content(skill: Path) -> None:
    before = (skill / "SKILL.md").read_text()
    proof.write(skill, static=part(skill))
    assert (skill / "SKILL.md").read_text() == before
    proof.write(skill, ran=part(skill, "2026-11-19"))
    text = (skill / "SKILL.md").read_text()
    assert text == before.replace("metadata:\n", 'metadata:\n  airskills-verified-on: "2026-11-19"\n')
    assert parse(text, "demo/SKILL.md").metadata["airskills-verified-on"] == "2026-11-19"
    assert proof.verified_on(skill) == date(2026, 11, 19), "the date itself makes nothing stale"
    proof.write(skill, static=part(skill, "2026-11-22"), ran=part(skill, "2026-11-23"))
    assert (skill / "SKILL.md").read_text() == text.replace("11-19", "11-22")


def test_a_changed_file_makes_both_halves_stale(skill: Path) -> None:
    proof.write(skill, static=part(skill), ran=part(skill))
    (skill / "references").mkdir()
    (skill / "references" / "more.md").write_text("# More\n")
    content = proof.content_hash(open_folder(str(skill)))
    assert proof.read(skill).fresh(content) == proof.Proof()
    assert proof.verified_on(skill) is None


def test_the_hash_is_of_names_and_bytes_and_knows_one_line_end(skill: Path) -> None:
    first = proof.content_hash(open_folder(str(skill)))
    text = (skill / "SKILL.md").read_bytes()
    (skill / "SKILL.md").write_bytes(text.replace(b"\n", b"\r\n"))
    (skill / ".hidden").write_text("x")
    assert proof.content_hash(open_folder(str(skill))) == first
    (skill / "a").write_text("bc")
    second = proof.content_hash(open_folder(str(skill)))
    (skill / "a").unlink()
    (skill / "ab").write_text("c")
    assert len({first, second, proof.content_hash(open_folder(str(skill)))}) == 3


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"version": 2}',
        '{"version": 1, "static": {"date": "yesterday"}}',
        '{"version": 1, "static": 3}',
    ],
)
def test_a_file_that_is_no_proof_proves_nothing(skill: Path, text: str) -> None:
    (skill / "proof.json").write_text(text)
    assert proof.read(skill) == proof.Proof()


def test_a_skill_without_metadata_gets_a_proof_and_no_date(tmp_path: Path, make_skill: MakeSkill) -> None:
    folder = make_skill(tmp_path, "plain")
    before = (folder / "SKILL.md").read_text()
    proof.write(folder, static=part(folder), ran=part(folder))
    assert (folder / "SKILL.md").read_text() == before
    assert proof.verified_on(folder) == date(2026, 11, 20)


def test_two_processes_that_write_a_half_each_lose_neither(skill: Path) -> None:
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=write_many, args=(skill,), kwargs={"static": s}) for s in (True, False)]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
    assert [process.exitcode for process in both] == [0, 0]
    found = json.loads((skill / "proof.json").read_text())
    assert set(found) == {"version", "static", "ran"}
