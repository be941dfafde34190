"""Every rule proves itself: its bad text gives its finding at the stated line, its good text gives none, its page says why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airskills.finding import SEVERITIES, Finding
from airskills.folder import Folder, folder_from, open_folder
from airskills.rules import FAMILIES, PROFILES, RULES, LibraryRule, Rule, page

# No links, pipes and execute bits in memory; these have their own tests.
ON_DISK = {"AS402", "AS403", "AS413", "AS417", "AS728"}
each_rule = pytest.mark.parametrize("rule", [RULES[code] for code in sorted(RULES)], ids=sorted(RULES))
each_proof = pytest.mark.parametrize(
    "rule", [RULES[code] for code in sorted(set(RULES) - ON_DISK)], ids=sorted(set(RULES) - ON_DISK)
)


def look(rule: type[Rule], files: str | Mapping[str, str | bytes]) -> list[Finding]:
    if issubclass(rule, LibraryRule):
        assert not isinstance(files, str)
        return list(rule().check_all(folders_from(files)))
    contents = {"SKILL.md": files} if isinstance(files, str) else files
    return list(rule().check(folder_from(rule.name, contents)))


def folders_from(files: Mapping[str, str | bytes]) -> list[Folder]:
    roots = [path.removesuffix("/SKILL.md") for path in files if path.endswith("/SKILL.md")]
    grouped: dict[str, dict[str, str | bytes]] = defaultdict(dict)
    for path, content in files.items():
        root = max((root for root in roots if path.startswith(f"{root}/")), key=len)
        grouped[root][path.removeprefix(f"{root}/")] = content
    return [folder_from(root, contents) for root, contents in grouped.items()]


@each_proof
def test_bad_text_breaks_its_rule_at_the_stated_line(rule: type[Rule]) -> None:
    found = look(rule, rule.bad)
    file, line = ("SKILL.md", rule.at) if isinstance(rule.at, int) else rule.at
    path = file if issubclass(rule, LibraryRule) else f"{rule.name}/{file}"

    assert found
    assert (found[0].path, found[0].line) == (path, line)
    assert {finding.code for finding in found} == {rule.__name__}


@each_proof
def test_good_text_satisfies_its_rule(rule: type[Rule]) -> None:
    assert look(rule, rule.good) == []


@each_rule
def test_rule_has_a_page_that_says_why(rule: type[Rule]) -> None:
    text = page(rule)

    assert "Why:" in (rule.__doc__ or "")
    assert text.startswith(f"# {rule.__name__}: ")
    assert rule.__name__[:3] in FAMILIES


@each_rule
def test_rule_names_known_profiles_and_declares_its_severity(rule: type[Rule]) -> None:
    assert set(rule.profiles) <= set(PROFILES)
    assert SEVERITIES[rule.__name__] == rule.severity


@each_rule
def test_findings_say_what_to_do_in_sentences_without_full_stop(rule: type[Rule]) -> None:
    for finding in look(rule, rule.bad) if rule.__name__ not in ON_DISK else []:
        assert finding.message[0].isupper() or finding.message[0] in "'\"0123456789"
        assert not finding.message.endswith(".")
        assert not finding.help.endswith(".") or finding.help.endswith("...")


def test_whatever_reading_can_find_has_its_rule() -> None:
    # A code without a rule belongs to no profile: its finding would be dropped, and a broken skill would pass.
    of_loading = {"AS802", "AS803", "AS804", "AS820", "AS821", "AS822", "AS823", "AS824"}

    assert {code for code in SEVERITIES if code.startswith("AS")} - of_loading == set(RULES)


def test_two_rules_of_one_name_are_refused() -> None:
    with pytest.raises(TypeError, match="Two rules are called AS301"):
        type("AS301", (Rule,), {})


@settings(deadline=None)  # the first call builds the tables of the security rules
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "SKILL.md",
                "references/a.md",
                "examples/a.py",
                "scripts/a.py",
                "evals/evals.json",
                "evals/eval_queries.json",
            ]
        ),
        st.one_of(
            st.binary(max_size=300), st.text(max_size=300).map(lambda text: text.encode(errors="replace"))
        ),
    ),
    st.text(max_size=200),
)
def test_no_rule_fails_on_any_bytes(files: dict[str, bytes], body: str) -> None:
    valid = f"---\nname: demo\ndescription: Reads. Use when it fails.\n---\n{body}".encode(errors="replace")
    folders = [folder_from("demo", files), folder_from("other", {**files, "SKILL.md": valid})]

    for rule in RULES.values():
        found = (
            rule().check_all(folders)
            if issubclass(rule, LibraryRule)
            else (f for d in folders for f in rule().check(d))
        )
        for finding in found:
            assert finding.line >= 1


HEAD = "---\nname: demo\ndescription: Reads logs. Use when a run fails.\n---\n"


@pytest.mark.parametrize(
    "body",
    [
        "````markdown\n```python\nprint(1)\n```\n````\n",  # a fence shown inside a longer one
        "- item\n\n  ```\n  x\n  ```\n",
        "> ~~~text\n> x\n> ~~~\n",
        "```\n```\n",
        "    indented\n",
        "```python\nx = 1\n```",  # the file ends with the fence
    ],
)
def test_closed_fences_are_not_said_to_be_open(body: str) -> None:
    assert look(RULES["AS311"], f"{HEAD}{body}") == []


@pytest.mark.parametrize("body", ["```\nx", "````\n```\n", "- a\n\n  ```\n  x\n\nText.\n"])
def test_open_fences_are_found_where_they_begin(body: str) -> None:
    (finding,) = look(RULES["AS311"], f"{HEAD}{body}")

    assert finding.line == 5 + body[: body.index("```")].count("\n")


def test_a_control_character_that_yaml_makes_is_found_at_its_key() -> None:
    text = (
        '---\nname: demo\ndescription: "Reads.\\e[2K Use when a run fails."\nmetadata:\n  a: "\\u009b"\n---\n'
    )

    assert [(f.line, f.message[-6:]) for f in look(RULES["AS121"], text)] == [(3, "U+001B"), (5, "U+009B")]


def test_link_out_of_the_skill_and_useless_execute_bit_are_found(tmp_path: Path) -> None:
    skill = tmp_path / "demo"
    skill.mkdir()
    (skill / "SKILL.md").write_text(
        "---\nname: demo\ndescription: x. Use when y.\n---\n# Demo\n\nRun `./scripts/run.sh`.\n"
    )
    (tmp_path / "secret.txt").write_text("x")
    (skill / "out.txt").symlink_to(tmp_path / "secret.txt")
    (skill / "data.csv").write_text("1")
    (skill / "data.csv").chmod(0o755)
    (skill / "scripts").mkdir()
    (skill / "scripts" / "run.sh").write_text("#!/bin/sh\n")
    folder = open_folder(str(skill))

    assert [f.path.rpartition("/")[2] for f in RULES["AS401"]().check(folder)] == ["out.txt"]
    assert [f.path.rpartition("/")[2] for f in RULES["AS413"]().check(folder)] == ["data.csv"]
    assert [f.line for f in RULES["AS417"]().check(folder)] == [7]
