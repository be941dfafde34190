"""Every bundled skill: strictly valid, of the standard's shape, and every claim of it runs.

A skill whose pins contradict the others has them in a group of its own, `own-<skill>`. It runs in an environment of its
own in `make test-all`; elsewhere its recorded run must be of the skill as it stands.
"""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest
import yaml

from airskills import parse, proof
from airskills.catalog import estimate_tokens
from airskills.folder import open_folder
from airskills.pins import BARE_KEY, parse_pins
from airskills.run import api
from airskills.run.judge import Outcome
from airskills.run.plan import Where
from airskills.run.units import SHELL_SKIP, collect

REPOSITORY = Path(__file__).resolve().parent.parent
FOLDERS = sorted(path.parent for path in (REPOSITORY / "skills").glob("*/SKILL.md"))
SECTIONS = [
    "When to use it, and when not",
    "Silent faults first",
    "What changed lately",
    "Quick start",
    "Workflows",
    "Decisions",
    "Symptoms",
    "References",
]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
GROUPS = PROJECT["dependency-groups"]
APART = [folder for folder in FOLDERS if f"own-{folder.name}" in GROUPS]
TOGETHER = [folder for folder in FOLDERS if folder not in APART]
each_skill_apart = pytest.mark.parametrize("folder", APART, ids=lambda folder: folder.name)
each_skill = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


@each_skill
def test_skill_is_valid_by_a_strict_reading(folder: Path) -> None:
    skill = parse((folder / "SKILL.md").read_bytes(), str(folder / "SKILL.md"), strict=True)

    assert skill.findings == ()


@each_skill
def test_skill_has_the_shape_of_the_standard(folder: Path) -> None:
    skill = parse((folder / "SKILL.md").read_bytes(), str(folder / "SKILL.md"))

    assert [heading.text for heading in skill.headings if heading.level == 2] == SECTIONS
    assert 180 <= skill.raw.count("\n") <= 320
    assert estimate_tokens(skill.body) < 5000
    assert len(skill.description) <= 240
    assert "Use when" in skill.description


@each_skill
def test_skill_is_tested_with_exact_pins_of_an_environment_that_is_tested(folder: Path) -> None:
    skill = parse((folder / "SKILL.md").read_bytes(), str(folder / "SKILL.md"))
    pins = skill.metadata["airskills-tested-with"].split()
    bare = skill.metadata.get(BARE_KEY, "").split()

    assert pins
    if folder in APART:
        assert sorted([*pins, *bare]) == sorted(GROUPS[f"own-{folder.name}"])
    else:
        assert set(pins) <= {*GROUPS["skills"], f"airskills=={PROJECT['project']['version']}"}
        assert set(bare) <= set(GROUPS["skills-bare"])


@each_skill
def test_relative_links_of_a_skill_lead_to_its_files(folder: Path) -> None:
    skill = parse((folder / "SKILL.md").read_bytes(), str(folder / "SKILL.md"))
    targets = [link.target for link in skill.links if not re.match(r"[a-z]+:|#", link.target)]

    assert [target for target in targets if not (folder / target.partition("#")[0]).is_file()] == []


@each_skill
def test_every_file_of_a_skill_is_named_in_it(folder: Path) -> None:
    text = "".join(
        path.read_text(encoding="utf-8") for path in [folder / "SKILL.md", *folder.glob("references/*.md")]
    )
    named = [*folder.glob("references/*.md"), *folder.glob("scripts/*.py"), *folder.glob("examples/*.py")]

    assert [path.name for path in named if path.name not in text] == []


@each_skill
def test_requests_are_ten_and_ten_split_six_to_four(folder: Path) -> None:
    requests = json.loads((folder / "evals" / "eval_queries.json").read_text(encoding="utf-8"))
    counts = {
        (trigger, split): sum(r["should_trigger"] is trigger and r["split"] == split for r in requests)
        for trigger in (True, False)
        for split in ("train", "validation")
    }

    assert counts == {
        (True, "train"): 6,
        (True, "validation"): 4,
        (False, "train"): 6,
        (False, "validation"): 4,
    }
    assert sum(folder.name in r["query"] for r in requests) <= 3


@each_skill
def test_evals_name_tasks_that_have_a_check_and_two_answers(folder: Path) -> None:
    evals = json.loads((folder / "evals" / "evals.json").read_text(encoding="utf-8"))

    assert evals["skill_name"] == folder.name
    assert len(evals["evals"]) >= 4
    for task in evals["evals"]:
        base = folder / "evals" / task["slug"]
        assert (base / "check.py").is_file()
        assert any((base / "reference").iterdir())
        assert any((base / "wrong").iterdir())
        assert [name for name in task["files"] if not (folder / name).is_file()] == []


@each_skill
def test_facts_are_complete_and_have_unique_ids(folder: Path) -> None:
    facts = yaml.safe_load((folder / "facts.yaml").read_text(encoding="utf-8"))
    ids = [fact["id"] for fact in facts]

    assert len(set(ids)) == len(ids) >= 8
    for fact in facts:
        assert {"old", "new", "since"} <= set(fact)
        assert len({"fails", "silent", "warns"} & set(fact)) == 1


SUITES = {folder: collect(open_folder(str(folder))) for folder in FOLDERS}


@each_skill
def test_at_least_four_of_five_python_blocks_run(folder: Path) -> None:
    blocks = [unit for unit in SUITES[folder].units if unit.kind == "blocks" and unit.skip != SHELL_SKIP]
    resting = [unit for unit in blocks if unit.skip]

    assert blocks
    assert len(resting) <= 0.2 * len(blocks)


@each_skill
def test_nothing_of_a_skill_is_malformed(folder: Path) -> None:
    assert SUITES[folder].findings == ()


UNITS = [(unit.folder, unit.id) for folder in TOGETHER for unit in SUITES[folder].units]


def _run(folders: list[Path], where: Where) -> dict[tuple[str, str], Outcome]:
    """Run all units of skills; results of earlier runs do not count."""
    options = api.Options(where=where, remember=False, limits=api.Limits(timeout=300))  # a shared machine
    report = api.run([SUITES[folder] for folder in folders], options)
    return {(outcome.unit.folder, outcome.unit.id): outcome for outcome in report.outcomes}


@cache
def _outcomes() -> dict[tuple[str, str], Outcome]:
    """What became of every unit that fits the environment of the tests."""
    return _run(TOGETHER, "current")


@pytest.mark.full
@pytest.mark.parametrize(("folder", "unit"), UNITS, ids=[unit for _, unit in UNITS])
def test_claim_of_a_skill_holds(folder: str, unit: str) -> None:
    outcome = _outcomes()[folder, unit]

    if outcome.state == "static" or importlib.util.find_spec("torch") is None:
        pytest.skip(outcome.reason)
    assert _wrong(outcome) is None


@each_skill_apart
def test_recorded_run_of_a_skill_with_pins_of_its_own_is_of_the_skill_as_it_stands(folder: Path) -> None:
    ran = proof.read(folder).fresh(proof.content_hash(open_folder(str(folder)))).ran

    assert ran is not None
    pins = parse_pins(" ".join(GROUPS[f"own-{folder.name}"]))
    assert dict(ran.pins) == {pin.name: pin.version for pin in pins}


@pytest.mark.slow
@each_skill_apart
def test_claims_of_a_skill_with_pins_of_its_own_hold_in_an_environment_of_them(folder: Path) -> None:
    outcomes = _run([folder], "pinned").values()

    assert outcomes
    assert [text for text in map(_wrong, outcomes) if text] == []


def _wrong(outcome: Outcome) -> str | None:
    """What is wrong with a unit that should have run, or be skipped for a reason of the skill's own."""
    if outcome.state not in {"ran", "static"}:
        return f"{outcome.unit.id}: {outcome.reason}\n{outcome.detail}"
    found = [finding.message for finding in outcome.findings if finding.severity != "note"]
    return "\n".join(found) or None
