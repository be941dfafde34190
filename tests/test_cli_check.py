"""`airskills check` and `airskills rule` as an author runs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from airskills.cli import cli
from airskills.rules import RULES

MakeSkill = Callable[..., Path]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def test_clean_skill_exits_zero_and_says_so(tmp_path: Path, make_skill: MakeSkill) -> None:
    make_skill(tmp_path, "demo")
    done = run("check", str(tmp_path))

    assert (done.exit_code, done.stdout.startswith("No findings in 1 skill")) == (0, True)


def test_finding_exits_one_and_names_place_code_and_help(tmp_path: Path, make_skill: MakeSkill) -> None:
    make_skill(tmp_path, "demo", extra="version: 1\n")
    done = run("check", str(tmp_path))

    assert done.exit_code == 1
    assert f"{tmp_path}/demo/SKILL.md:4:1: AS117 " in done.stdout
    assert "    help: Move it into metadata" in done.stdout


def test_missing_path_and_unknown_code_exit_two(tmp_path: Path) -> None:
    assert run("check", str(tmp_path / "nowhere")).exit_code == 2
    unknown = run("check", str(tmp_path), "--select", "AS0")

    assert unknown.exit_code == 2
    assert "No rule has the code or prefix 'AS0'" in unknown.stderr


def test_json_output_is_one_list(tmp_path: Path, make_skill: MakeSkill) -> None:
    make_skill(tmp_path, "demo", extra="version: 1\n")
    done = run("check", str(tmp_path), "--output-format", "json")

    assert [row["code"] for row in json.loads(done.stdout)] == ["AS117"]


@pytest.mark.parametrize("form", ["sarif", "github", "junit"])
def test_machine_formats_keep_the_summary_off_standard_output(
    tmp_path: Path, make_skill: MakeSkill, form: str
) -> None:
    make_skill(tmp_path, "demo", extra="version: 1\n")
    done = run("check", str(tmp_path), "--output-format", form)

    assert "AS117" in done.stdout
    assert "1 error in 1 skill" not in done.stdout
    assert "1 error in 1 skill" in done.stderr


def test_baseline_is_written_and_then_hides_what_it_holds(tmp_path: Path, make_skill: MakeSkill) -> None:
    make_skill(tmp_path / "skills", "demo", extra="version: 1\n")
    baseline = str(tmp_path / "known.json")
    written = run("check", str(tmp_path / "skills"), "--baseline", baseline, "--write-baseline")

    assert written.exit_code == 0
    assert run("check", str(tmp_path / "skills"), "--baseline", baseline).exit_code == 0
    assert run("check", str(tmp_path / "skills")).exit_code == 1


def test_diff_shows_a_repair_and_fix_makes_it(tmp_path: Path, make_skill: MakeSkill) -> None:
    skill = make_skill(tmp_path, "demo", description="Use when: it fails") / "SKILL.md"
    before = skill.read_text(encoding="utf-8")
    shown = run("check", str(tmp_path), "--diff")

    assert '+description: "Use when: it fails"' in shown.stdout
    assert skill.read_text(encoding="utf-8") == before
    assert run("check", str(tmp_path), "--fix").exit_code == 0
    assert '"Use when: it fails"' in skill.read_text(encoding="utf-8")


def test_statistics_count_by_code(tmp_path: Path, make_skill: MakeSkill) -> None:
    make_skill(tmp_path, "demo", extra="version: 1\nauthor: me\n")
    done = run("check", str(tmp_path), "--statistics")

    assert done.stdout.split("\n")[0].split()[:2] == ["2", "AS117"]


@pytest.mark.parametrize("code", sorted(RULES))
def test_every_rule_shows_its_page(code: str) -> None:
    done = run("rule", code.lower())

    assert done.exit_code == 0
    assert done.stdout.startswith(f"# {code}: ")


def test_rules_are_listed_by_family_and_as_json() -> None:
    assert "AS3xx code blocks" in run("rule").stdout
    assert [row["code"] for row in json.loads(run("rule", "--json").stdout)] == sorted(RULES)


def test_unknown_rule_suggests_a_near_one() -> None:
    done = run("rule", "AS31")

    assert done.exit_code == 2
    assert "Did you mean AS3" in done.stderr
