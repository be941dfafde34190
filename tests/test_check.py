"""`check.run` over folders: collection, selection, settings, ignores, cache, repairs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import assert_type

import pytest

from airskills import check, results
from airskills.errors import AirskillsError
from airskills.finding import Finding
from airskills.settings import Settings, load, override

MakeSkill = Callable[..., Path]
FENCE = "# Title\n\n```\nprint(1)\n```\n"  # line 3 of the body has no language: AS301


def codes(path: Path, **settings: object) -> list[str]:
    return [finding.code for finding in check.run([path], settings=Settings(**settings))]  # type: ignore[arg-type]  # the tests' own values


def test_clean_skill_has_no_finding(tmp_path: Path, make_skill: MakeSkill) -> None:
    make_skill(tmp_path, "demo")

    assert codes(tmp_path) == []


def test_skill_folder_and_repository_are_all_understood(tmp_path: Path, make_skill: MakeSkill) -> None:
    make_skill(tmp_path / "repo" / ".claude" / "skills", "demo", extra="version: 1\n")

    assert codes(tmp_path / "repo") == ["AS117"]
    assert codes(tmp_path / "repo/.claude/skills/demo") == ["AS117"]
    assert codes(tmp_path / "repo/.claude/skills/demo/SKILL.md") == ["AS117"]


def test_a_file_of_a_skill_stands_for_the_skill(tmp_path: Path, make_skill: MakeSkill) -> None:
    skill = make_skill(tmp_path, "demo", extra="version: 1\n")
    (skill / "references").mkdir()
    (skill / "references" / "more.md").write_text("# More\n")
    (tmp_path / "README.md").write_text("# Not in a skill\n")

    assert codes(skill / "references" / "more.md") == ["AS117"]
    assert codes(tmp_path / "README.md") == []


def test_one_path_is_as_good_as_a_list_of_one(tmp_path: Path, make_skill: MakeSkill) -> None:
    make_skill(tmp_path, "demo", extra="version: 1\n")
    listed = check.run([tmp_path], settings=Settings())

    assert check.run(tmp_path, settings=Settings()) == check.run(str(tmp_path), settings=Settings()) == listed
    assert len(listed) == 1


def test_the_result_is_typed() -> None:
    assert_type(check.run([]), list[Finding])


def test_missing_path_is_an_error_not_a_clean_result(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        check.run([tmp_path / "nowhere"])


def test_unreadable_skill_is_reported_and_the_others_are_still_checked(
    tmp_path: Path, make_skill: MakeSkill
) -> None:
    make_skill(tmp_path, "good", extra="version: 1\n")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "SKILL.md").write_text("no frontmatter\n")

    assert codes(tmp_path) == ["AS103", "AS117"]


def test_profile_standard_asks_more_than_spec(tmp_path: Path, make_skill: MakeSkill) -> None:
    make_skill(tmp_path, "demo", body=FENCE)

    assert codes(tmp_path) == []
    assert "AS301" in codes(tmp_path, profile="standard")


def test_select_extend_and_ignore_take_codes_and_prefixes(tmp_path: Path, make_skill: MakeSkill) -> None:
    make_skill(tmp_path, "demo", body=FENCE, extra="version: 1\n")

    assert codes(tmp_path, select=("AS3",)) == ["AS301"]
    assert codes(tmp_path, extend_select=("AS301",)) == ["AS117", "AS301"]
    assert codes(tmp_path, extend_select=("AS301",), ignore={"AS1": "old library"}) == ["AS301"]


def test_unknown_profile_and_code_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AirskillsError, match="No profile is called 'strict'"):
        codes(tmp_path, profile="strict")
    with pytest.raises(AirskillsError, match="No rule has the code or prefix 'AS0'"):
        codes(tmp_path, select=("AS0",))


def test_own_ignore_needs_a_reason_and_the_reason_is_kept(tmp_path: Path, make_skill: MakeSkill) -> None:
    ignore = 'metadata:\n  airskills-ignore: "AS117: an old field; AS301:"\nversion: 1\n'
    make_skill(tmp_path, "demo", body=FENCE, extra=ignore)

    report = check.report([tmp_path], settings=Settings(extend_select=("AS301",)))

    assert [finding.code for finding in report.findings] == ["AS126", "AS301"]
    assert [(finding.code, reason) for finding, reason in report.ignored] == [("AS117", "an old field")]


def test_what_the_command_line_ignores_is_added_to_what_the_settings_ignore() -> None:
    merged = override(Settings(ignore={"AS117": "an old field"}), ignore={"AS1": "", "AS117": ""}, select=())

    assert merged.ignore == {"AS1": "", "AS117": "an old field"}


def test_what_a_settings_file_excludes_starts_from_its_folder_whichever_folder_is_checked(
    tmp_path: Path, make_skill: MakeSkill
) -> None:
    (tmp_path / ".airskills.toml").write_text('exclude = ["vendor/*"]\n', encoding="utf-8")
    make_skill(tmp_path / "vendor", "old")

    assert check.report(tmp_path).folders == 0
    assert check.report(tmp_path / "vendor").folders == 0
    assert check.report(tmp_path / "vendor" / "old").folders == 0


def test_excluded_folders_are_passed_over(tmp_path: Path, make_skill: MakeSkill) -> None:
    make_skill(tmp_path, "demo", extra="version: 1\n")
    make_skill(tmp_path, "old", extra="version: 1\n")

    assert codes(tmp_path, exclude=("old",)) == ["AS117"]


def test_nearest_settings_file_holds(tmp_path: Path, make_skill: MakeSkill) -> None:
    make_skill(tmp_path / "skills", "demo", body=FENCE)
    (tmp_path / "pyproject.toml").write_text('[tool.airskills]\nprofile = "standard"\n')
    (tmp_path / "skills" / ".airskills.toml").write_text('select = ["AS302"]\n')

    assert load(tmp_path).profile == "standard"
    assert load(tmp_path / "skills").select == ("AS302",)
    assert check.run([tmp_path / "skills"]) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('profil = "spec"\n', ":1: unknown key 'profil'"),
        ("\nselect = 3\n", ":2: 'select' is 3"),
        ("max-age-days = 0\n", ":1: 'max-age-days' is 0"),
        ("max-age-days = true\n", ":1: 'max-age-days' is True"),
        ('require-verified = "yes"\n', ":1: 'require-verified' is 'yes'"),
        ('ignore = ["AS101"]\n', ":1: 'ignore' is not a table"),
        ('ignore = { AS101 = " " }\n', ":1: 'ignore' is not a table"),
        ("select = = 3\n", ":1:10: not TOML"),
        ("profile = 'strict'\n", ":1: No profile is called 'strict'"),
        ("\n\nignore = { AS0 = 'old' }\n", ":3: No rule has the code or prefix 'AS0'"),
        ("a = " + "[" * 5000, "nested too deeply"),
    ],
)
@pytest.mark.parametrize("name", [".airskills.toml", "pyproject.toml"])
def test_wrong_settings_are_named_with_their_line(
    tmp_path: Path, make_skill: MakeSkill, text: str, message: str, name: str
) -> None:
    make_skill(tmp_path, "demo")
    others = '[tool.other]\nselect = ["x"]\nignore = []\nprofil = 1\n[tool.airskills]\n'
    (tmp_path / name).write_text(text if name == ".airskills.toml" else others + text)
    if name == "pyproject.toml":
        message = re.sub(r"^:(\d+)", lambda found: f":{int(found[1]) + 5}", message)

    with pytest.raises(AirskillsError) as caught:
        check.run([tmp_path])

    assert (f"{name}{message}" if message.startswith(":") else message) in str(caught.value)


def test_table_of_its_own_for_a_setting_is_found(tmp_path: Path, make_skill: MakeSkill) -> None:
    make_skill(tmp_path, "demo")
    (tmp_path / "pyproject.toml").write_text('[tool.airskills]\n\n[tool.airskills.ignore]\nAS0 = "old"\n')

    with pytest.raises(AirskillsError, match=r"pyproject\.toml:3: No rule has the code or prefix 'AS0'"):
        check.run([tmp_path])


def test_cache_answers_for_unchanged_skills_only(tmp_path: Path, make_skill: MakeSkill) -> None:
    root, cache = tmp_path / "skills", tmp_path / "cache"
    make_skill(root, "one", extra="version: 1\n")
    make_skill(root, "two", extra="version: 1\n")

    first = check.report([root], settings=Settings(), cache_folder=cache)
    second = check.report([root], settings=Settings(), cache_folder=cache)
    make_skill(root, "two")
    third = check.report([root], settings=Settings(), cache_folder=cache)

    assert (first.cached, second.cached, third.cached) == (0, 2, 1)
    assert second.findings == first.findings
    assert [finding.path.split("/")[-2] for finding in third.findings] == ["one"]


def test_damaged_cache_costs_time_only(tmp_path: Path, make_skill: MakeSkill) -> None:
    root, cache = tmp_path / "skills", tmp_path / "cache"
    make_skill(root, "one", extra="version: 1\n")
    expected = check.report([root], settings=Settings(), cache_folder=cache).findings
    for path in cache.iterdir():
        path.write_text('{"x": 1}')

    assert check.report([root], settings=Settings(), cache_folder=cache).findings == expected


def test_processes_find_what_one_process_finds(
    tmp_path: Path, make_skill: MakeSkill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "POOL_COST", -1)  # processes at once, however little there is to do
    for number in range(12):
        make_skill(tmp_path, f"s{number}", extra="version: 1\n")

    two, one = (check.report([tmp_path], settings=Settings(), jobs=jobs) for jobs in (2, 1))

    assert len(one.findings) == 12
    assert two == one


def test_content_decides_whether_a_result_still_holds(tmp_path: Path, make_skill: MakeSkill) -> None:
    root, cache = tmp_path / "skills", tmp_path / "cache"
    file = make_skill(root, "one", extra="version: 1\n") / "SKILL.md"
    check.report([root], settings=Settings(), cache_folder=cache)

    os.utime(file, (1, 1))  # as after a fresh checkout
    assert check.report([root], settings=Settings(), cache_folder=cache).cached == 1

    status = file.stat()
    file.write_text(file.read_text(encoding="utf-8").replace("version", "varsion"), encoding="utf-8")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))  # same size, same time
    changed = check.report([root], settings=Settings(), cache_folder=cache)

    assert changed.cached == 0
    assert "'varsion'" in changed.findings[0].message


def test_findings_about_the_library_are_those_of_the_skills_as_they_are(
    tmp_path: Path, make_skill: MakeSkill
) -> None:
    root, cache = tmp_path / "skills", tmp_path / "cache"
    make_skill(root / "a", "demo")
    make_skill(root / "b", "demo")

    first = check.report([root], settings=Settings(), cache_folder=cache)
    again = check.report([root], settings=Settings(), cache_folder=cache)
    make_skill(root / "b", "other", folder="demo")
    changed = check.report([root], settings=Settings(), cache_folder=cache)

    assert [finding.code for finding in first.findings] == ["AS801"]
    assert again.findings == first.findings
    assert [finding.code for finding in changed.findings] == ["AS114"]


def test_results_age_with_the_day_and_the_version_of_the_rules(
    tmp_path: Path, make_skill: MakeSkill, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, cache = tmp_path / "skills", tmp_path / "cache"
    make_skill(root, "one", extra="version: 1\n")
    check.report([root], settings=Settings(), cache_folder=cache)

    with monkeypatch.context() as patched:
        patched.setattr(results, "_today", lambda: "2099-01-01")
        assert check.report([root], settings=Settings(), cache_folder=cache).cached == 0
    with monkeypatch.context() as patched:
        patched.setattr(results, "_version", lambda: "another")
        assert check.report([root], settings=Settings(), cache_folder=cache).cached == 0


def test_run_that_the_cache_answers_imports_no_rule(tmp_path: Path, make_skill: MakeSkill) -> None:
    make_skill(tmp_path / "skills", "one", extra="version: 1\n")
    program = (
        "import sys; from airskills.cli import cli; "
        f"cli(['check', {str(tmp_path / 'skills')!r}], standalone_mode=False)"
    )
    command = [
        sys.executable,
        "-c",
        f"import atexit, sys; atexit.register(lambda: print([m for m in sys.modules if m in ({'airskills.rules.body', 'yaml', 'markdown_it'})])); {program}",
    ]
    first, second = (subprocess.run(command, capture_output=True, text=True, check=False) for _ in range(2))

    assert "airskills.rules.body" in first.stdout
    assert second.stdout.endswith("[]\n")
    assert second.stdout.split("\n")[0] == first.stdout.split("\n")[0]


def test_repairs_are_right_and_applying_them_twice_changes_nothing(tmp_path: Path) -> None:
    skill = tmp_path / "demo"
    skill.mkdir()
    broken = "\ufeff---\nname: demo\ndescription: Use when: a run fails\n---\n# Demo\n"
    (skill / "SKILL.md").write_text(broken, encoding="utf-8")

    repaired = {path: after for path, _, after in check.fixes([tmp_path], Settings())}
    (skill / "SKILL.md").write_text(repaired[str(skill / "SKILL.md")], encoding="utf-8")

    assert codes(tmp_path) == []
    assert list(check.fixes([tmp_path], Settings())) == []
    assert '"Use when: a run fails"' in (skill / "SKILL.md").read_text(encoding="utf-8")


def test_bundled_skills_pass_the_standard_profile() -> None:
    root = Path(__file__).resolve().parent.parent
    findings = check.run([root / "skills"], settings=load(root))

    assert [str(finding) for finding in findings] == []


def test_every_finding_survives_json(tmp_path: Path, make_skill: MakeSkill) -> None:
    make_skill(tmp_path, "demo", extra="version: 1\n")
    row = json.loads(json.dumps(check.run([tmp_path], settings=Settings())[0].as_dict()))

    assert set(row) == {"path", "line", "column", "code", "message", "help", "severity"}
