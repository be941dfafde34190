"""A baseline hides what was known, shows what is new, and says what is gone."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airskills import baseline, check
from airskills.errors import AirskillsError
from airskills.finding import Finding
from airskills.settings import Settings

findings_below = st.lists(
    st.builds(
        Finding,
        st.sampled_from(["/lib/a/SKILL.md", "/lib/b/SKILL.md", "/lib/b/references/\udc80.md"]),
        st.integers(1, 9),
        st.just(1),
        st.sampled_from(["AS101", "AS102"]),
        st.text(max_size=5),
    ),
    max_size=6,
)


def at(folder: Path, name: str, line: int = 1, message: str = "Wrong") -> Finding:
    return Finding(f"{folder}/{name}/SKILL.md", line, 1, "AS117", message)


def test_known_findings_are_hidden_wherever_they_moved_to(tmp_path: Path) -> None:
    file = tmp_path / "known.json"

    assert baseline.write([at(tmp_path, "a", 4)], file, [str(tmp_path)]) == 1
    found = [at(tmp_path, "a", 40), at(tmp_path, "a", 4, "Also wrong")]
    compared = baseline.compare(found, file, [str(tmp_path)])

    assert [finding.message for finding in compared.fresh] == ["Also wrong"]
    assert (compared.known, compared.gone) == (1, 0)


def test_what_only_counts_otherwise_stays_known(tmp_path: Path, make_skill: Callable[..., Path]) -> None:
    twice = "The learning rate of adapters is about ten times the one of full training, because few weights move.\n\n"
    body = "# Title\n\n" + twice * 2 + "word word\n" * 6_000
    settings = Settings(profile="standard", select=("AS202", "AS203", "AS204", "AS214"))
    make_skill(tmp_path, "demo", body=body)
    file = tmp_path / "known.json"

    assert baseline.write(check.run([tmp_path], settings=settings), file, [str(tmp_path)]) == 4
    make_skill(tmp_path, "demo", body=body.replace("# Title\n", "# Title\n\nSeven lines more.\n" * 7))

    assert baseline.compare(check.run([tmp_path], settings=settings), file, [str(tmp_path)]).fresh == ()


def test_a_second_finding_of_the_same_text_is_new(tmp_path: Path) -> None:
    file = tmp_path / "known.json"
    baseline.write([at(tmp_path, "a", 4)], file, [])

    compared = baseline.compare([at(tmp_path, "a", 4), at(tmp_path, "a", 9)], file, [])

    assert [finding.line for finding in compared.fresh] == [9]


def test_gone_counts_only_what_was_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "known.json"
    baseline.write([at(tmp_path, "a"), at(tmp_path, "b")], file, [str(tmp_path)])

    assert baseline.compare([], file, [str(tmp_path / "a")]).gone == 1
    assert baseline.compare([], file, [str(tmp_path)]).gone == 2


def test_writing_after_a_look_at_one_skill_keeps_what_is_known_of_the_others(tmp_path: Path) -> None:
    file = tmp_path / "known.json"
    baseline.write([at(tmp_path, "a"), at(tmp_path, "b")], file, [str(tmp_path)])

    assert baseline.write([], file, [str(tmp_path / "a")]) == 1
    assert baseline.compare([at(tmp_path, "b")], file, [str(tmp_path)]).fresh == ()


def test_the_file_holds_paths_from_its_own_folder(tmp_path: Path) -> None:
    (tmp_path / "ci").mkdir()
    baseline.write([at(tmp_path, "a")], tmp_path / "ci" / "known.json", [])
    stored = json.loads((tmp_path / "ci" / "known.json").read_text(encoding="utf-8"))

    assert stored["findings"] == [
        {"path": "../a/SKILL.md", "code": "AS117", "message": "Wrong", "count": 1},
    ]


@given(findings_below)
def test_what_was_written_hides_exactly_itself(findings: list[Finding]) -> None:
    file = Path(os.environ["HOME"], "known.json")
    file.unlink(missing_ok=True)
    baseline.write(findings, file, ["/lib"])

    assert baseline.compare(findings, file, ["/lib"]) == baseline.Difference((), len(findings), 0)


@pytest.mark.parametrize("text", ["[]", "{", '{"findings": [{}]}', ""])
def test_file_that_is_no_baseline_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "known.json").write_text(text)

    with pytest.raises(AirskillsError, match="is no baseline"):
        baseline.compare([], tmp_path / "known.json", [])
    with pytest.raises(AirskillsError, match="is no baseline"):
        baseline.write([], tmp_path / "known.json", [])


def test_missing_baseline_is_refused_when_read(tmp_path: Path) -> None:
    with pytest.raises(AirskillsError, match="is no baseline"):
        baseline.compare([], tmp_path / "known.json", [])
