"""`airskills test`: targets, trust, formats, exit codes, and the proof it writes."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result
from markdown_it import MarkdownIt

from airskills import proof, trust
from airskills.cli import cli
from airskills.codes import CODES
from airskills.folder import open_folder
from airskills.scopes import bundled_root
from conftest import MakeSkill
from processes import still_running

GOOD = "## A\n\n```python\nx = 1\n```\n\n```bash\nls\n```\n"
BAD = "## A\n\n```python\n1 / 0\n```\n\n```python\nx = 1\n```\n"


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["test", *map(str, arguments)], prog_name="airskills")


@pytest.fixture
def good(tmp_path: Path, make_skill: MakeSkill) -> Path:
    return make_skill(tmp_path, "good", body=GOOD)


@pytest.fixture
def bad(tmp_path: Path, make_skill: MakeSkill) -> Path:
    return make_skill(tmp_path, "bad", body=BAD)


def test_a_skill_that_holds_exits_with_0_and_its_last_line_counts(good: Path) -> None:
    result = invoke(good, "--trust")

    assert result.exit_code == 0
    last = result.stdout.splitlines()[-1]
    assert last.startswith("1 ran, 0 failed, 0 not run, 0 skipped, 1 static, 0 from cache in 1 skill (")
    assert "network" in last
    assert "static: AR201 `airskills verify` checks its flags (1 unit)" in result.stdout
    assert result.stderr.startswith("Running code of skills: ")


def test_the_second_time_the_cache_answers_and_says_since_when(good: Path) -> None:
    invoke(good, "--trust")

    assert ", 1 from cache (since 20" in invoke(good, "--trust").stdout
    assert ", 0 from cache in" in invoke(good, "--trust", "--no-cache").stdout


def test_a_failure_exits_with_1_and_shows_where_and_why(bad: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bad.parent)
    result = invoke("bad", "--trust")

    assert result.exit_code == 1
    assert (
        "bad/SKILL.md:9:1: AR101 ZeroDivisionError: division by zero\n    help: Correct the block"
        in result.stdout
    )
    assert "    |     1 / 0\n" in result.stdout
    assert "not run: AR203 It did not run because bad/SKILL.md:8 failed (1 unit)" in result.stdout


def test_a_skill_of_which_nothing_runs_does_not_pass(tmp_path: Path, make_skill: MakeSkill) -> None:
    folder = make_skill(tmp_path, "idle", body='```python {proof="skip: slow"}\nx\n```\n')

    assert invoke(folder, "--trust").exit_code == 1


# -- trust ---------------------------------------------------------------------------------------------------------


def test_code_of_a_skill_that_is_not_trusted_does_not_run(good: Path, tmp_path: Path) -> None:
    (good / "SKILL.md").write_text(
        f"---\nname: good\ndescription: x\n---\n```python\nopen({str(tmp_path / 'ran')!r}, 'w')\n```\n",
        encoding="utf-8",
    )

    result = invoke(good)

    assert result.exit_code == 2
    assert "is not trusted, and a test runs its code\nhelp: Read it first, then add --trust" in result.stderr
    assert not (tmp_path / "ran").exists()
    assert invoke(good, "--trust").exit_code == 0
    assert (tmp_path / "ran").exists()


def test_trust_ends_with_the_first_changed_byte_and_not_with_a_test(good: Path) -> None:
    (good / "evals").mkdir()
    (good / "evals" / "fixtures.py").write_text("x = 1\n", encoding="utf-8")
    (good / "SKILL.md").write_text(
        "---\nname: good\ndescription: x\n---\n```python\nimport fixtures\n```\n", encoding="utf-8"
    )
    trust.remember(str(good))

    assert invoke(good).exit_code == 0
    assert invoke(good, "--no-cache").exit_code == 0
    (good / "more.txt").write_text("", encoding="utf-8")
    assert invoke(good).exit_code == 2


def test_listing_runs_nothing_and_needs_no_trust(good: Path) -> None:
    result = invoke(good, "--list")

    assert (result.exit_code, result.stdout) == (0, "good/SKILL.md:8  blocks\ngood/SKILL.md:12  blocks\n")


def test_bundled_skills_are_trusted_and_found_by_name() -> None:
    by_name, by_path = invoke("faiss", "--list"), invoke(Path(bundled_root()) / "faiss", "--list")

    assert by_name.stdout == by_path.stdout
    assert "faiss/SKILL.md:" in by_name.stdout
    assert {line.partition("/")[0] for line in invoke("--list").stdout.splitlines()} >= {"faiss", "peft"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("no-such-skill",), "No skill is called 'no-such-skill'"),
        (("faiss", "--select", "blokcs"), "--select 'blokcs' is no kind, and no id begins so"),
        (("faiss", "--select", "faiss/SKILL.md:1"), "--select 'faiss/SKILL.md:1' is no kind"),
    ],
)
def test_what_names_nothing_exits_with_2(arguments: tuple[str, ...], message: str) -> None:
    result = invoke(*arguments)

    assert result.exit_code == 2
    assert message in result.stderr


def test_a_folder_without_a_skill_exits_with_2(tmp_path: Path) -> None:
    result = invoke(tmp_path)

    assert result.exit_code == 2
    assert "There is no SKILL.md in" in result.stderr


# -- formats -------------------------------------------------------------------------------------------------------


def test_json_has_an_object_for_each_unit(
    good: Path, bad: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = json.loads(invoke(good, bad, "--trust", "--output-format", "json").stdout)

    assert [(row["id"], row["kind"], row["state"]) for row in rows] == [
        ("good/SKILL.md:8", "blocks", "ran"),
        ("good/SKILL.md:12", "blocks", "static"),
        ("bad/SKILL.md:8", "blocks", "failed"),
        ("bad/SKILL.md:12", "blocks", "not run"),
    ]
    assert (rows[2]["findings"][0]["code"], rows[2]["findings"][0]["path"]) == ("AR101", "bad/SKILL.md")
    assert "ZeroDivisionError" in rows[2]["detail"]
    assert rows[0]["cached"] is None


def test_junit_has_a_case_for_each_unit(good: Path, bad: Path) -> None:
    root = ET.fromstring(invoke(good, bad, "--trust", "--output-format", "junit").stdout)

    suites = {suite.get("name"): suite for suite in root}
    assert {name: (s.get("tests"), s.get("failures"), s.get("skipped")) for name, s in suites.items()} == {
        "good": ("2", "0", "1"),
        "bad": ("2", "1", "1"),
    }
    failure = suites["bad"].find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "ZeroDivisionError: division by zero"
    skipped = suites["bad"].find("testcase/skipped")
    assert skipped is not None
    assert skipped.get("message") == "AR203: It did not run because bad/SKILL.md:8 failed"


def test_junit_survives_what_xml_has_no_place_for(tmp_path: Path, make_skill: MakeSkill) -> None:
    folder = make_skill(
        tmp_path, "odd", body="```python\nraise ValueError('\\x00\\x1b[31m <&> \\ud800')\n```\n"
    )

    root = ET.fromstring(invoke(folder, "--trust", "--output-format", "junit").stdout)

    failure = root.find("testsuite/testcase/failure")
    assert failure is not None
    assert "<&>" in str(failure.get("message"))


@pytest.mark.parametrize("form", ["sarif", "github"])
def test_findings_go_out_in_the_formats_of_check(bad: Path, form: str) -> None:
    result = invoke(bad, "--trust", "--output-format", form)

    assert result.exit_code == 1
    assert "AR101" in result.stdout
    if form == "sarif":
        (run,) = json.loads(result.stdout)["runs"]
        assert run["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] == 9
        assert run["tool"]["driver"]["rules"][0]["shortDescription"]["text"].startswith("Code raises")


def test_verbose_has_a_line_for_each_unit(good: Path) -> None:
    lines = invoke(good, "--trust", "-v").stdout.splitlines()

    assert [line.split() for line in lines if "SKILL.md:" in line] == [
        ["static", "0.00", "s", "good/SKILL.md:12"],
        ["ran", lines[1].split()[1], "s", "good/SKILL.md:8"],
    ]


def test_long_output_of_a_failure_is_cut_unless_asked_for(tmp_path: Path, make_skill: MakeSkill) -> None:
    folder = make_skill(
        tmp_path, "loud", body="```python\nfor n in range(100): print('line', n)\n1 / 0\n```\n"
    )

    assert "more lines; --verbose shows them" in invoke(folder, "--trust").stdout
    assert "| line 99" in invoke(folder, "--trust", "-v").stdout


# -- proof ---------------------------------------------------------------------------------------------------------


def test_write_puts_what_ran_into_the_proof(good: Path) -> None:
    result = invoke(good, "--trust", "--write")

    assert "written: " in result.stderr
    part = proof.read(good).ran
    assert part is not None
    assert part.content == proof.content_hash(open_folder(str(good)))
    assert part.counts == {"blocks": {"ran": 1, "static": 1}}
    assert part.tools["isolation"] in {"namespaces", "network", "hook"}


@pytest.mark.parametrize(
    ("body", "arguments", "why"),
    [
        (BAD, (), "bad/SKILL.md:8: AR101 ZeroDivisionError: division by zero, and 2 more"),
        (GOOD, ("--select", "bad/SKILL.md:8"), "bad/SKILL.md:12 was not tested"),
        ('```python {proof="skip: slow"}\nx\n```\n', (), "nothing ran"),
        (
            "```python\nimport warnings\nwarnings.warn('old', FutureWarning)\n```\n",
            (),
            "bad/SKILL.md:6: AR113 FutureWarning: old",
        ),
    ],
)
def test_write_writes_nothing_where_not_all_ran(
    bad: Path, body: str, arguments: tuple[str, ...], why: str
) -> None:
    (bad / "SKILL.md").write_text(f"---\nname: bad\ndescription: x\n---\n\n{body}", encoding="utf-8")

    result = invoke(bad, "--trust", "--write", *arguments)

    assert why in result.stderr
    assert not (bad / "proof.json").exists()


SECTIONS = """
## A

```python
import string
string.capwords("a")
```

## B

```python
import time
{}
```

## C

```python
string = "c".upper()
```
"""


@pytest.mark.parametrize(
    ("arguments", "statement", "why"),
    [
        (("--timeout", "1"), "time.sleep(2)", "AR102 It ran longer than 1 s"),
        ((), "open({!r})", "AR101 FileNotFoundError"),
    ],
)
@pytest.mark.parametrize("between", ["", "a test that does not write"])
def test_what_ran_is_kept_when_another_fails_and_the_next_write_runs_the_rest(
    tmp_path: Path,
    make_skill: MakeSkill,
    arguments: tuple[str, ...],
    statement: str,
    why: str,
    between: str,
) -> None:
    late = tmp_path / "late.txt"
    skill = make_skill(tmp_path, "parts", body=SECTIONS.format(statement.format(str(late))))
    first = invoke(skill, "--trust", "--write", *arguments)
    assert why in first.stderr
    assert "2 of 3 ran and need not run again" in first.stderr
    assert not (skill / "proof.json").exists()
    late.write_text("here", encoding="utf-8")
    if between:
        assert (
            "3 ran, 0 failed, 0 not run, 0 skipped, 0 static, 2 from cache" in invoke(skill, "--trust").stdout
        )
    second = invoke(skill, "--trust", "--write")
    assert "3 ran, 0 failed, 0 not run, 0 skipped, 0 static, 2 from cache" in second.stdout
    part = proof.read(skill).ran
    assert part is not None
    assert {int(place.partition(":")[0]) for place in part.ran["SKILL.md"].split()} == {10, 11, 17, 18, 24}
    assert len(part.units) == 3


# -- pages ---------------------------------------------------------------------------------------------------------


def test_every_code_has_its_page_and_is_listed() -> None:
    listed = {row["code"]: row for row in json.loads(CliRunner().invoke(cli, ["rule", "--json"]).stdout)}
    page = CliRunner().invoke(cli, ["rule", "AR102"]).stdout

    assert set(CODES) <= set(listed)
    assert page.startswith("# AR102: Code runs longer than the limit\n\nSeverity: error.")
    assert all(
        code.title and not code.title.endswith(".") and code.why.endswith(".") for code in CODES.values()
    )


# -- being stopped -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_whoever_stops_the_test_stops_all_of_it(tmp_path: Path, make_skill: MakeSkill, number: int) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    code = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1000)', 'airskills-left'])\nopen({str(pipe)!r}, 'w').write('x')\nimport time\ntime.sleep(1000)"
    folder = make_skill(tmp_path, "slow", body=f"```python\n{code}\n```\n")
    command = [sys.executable, "-m", "airskills", "test", str(folder), "--trust"]
    (tmp_path / "tmp").mkdir()
    variables = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=variables) as process:
        assert pipe.read_text(encoding="utf-8") == "x"  # waits until the block runs
        process.send_signal(number)
        process.communicate(timeout=30)

    assert process.returncode in {1, -number}
    assert still_running(tmp_path, patience=10) == []


# -- the guide -----------------------------------------------------------------------------------------------------


def test_the_guide_shows_what_the_command_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guide = Path(__file__).parent.parent / "docs" / "guides" / "run-the-code-of-your-skills.md"
    fences = [
        token for token in MarkdownIt().parse(guide.read_text(encoding="utf-8")) if token.type == "fence"
    ]
    skill, console, facts = (fence.content for fence in fences[:3])
    folder = tmp_path / "skills" / "tidy-logs"
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(skill, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    command, _, shown = console.partition("\n")
    result = CliRunner().invoke(cli, shlex.split(command)[2:], prog_name="airskills")

    assert _timeless(result.stdout.replace(f"{tmp_path}/", "")) == _timeless(shown)
    (folder / "facts.yaml").write_text(facts, encoding="utf-8")
    assert invoke("skills", "--trust", "--select", "facts").exit_code == 0


def _timeless(said: str) -> str:
    return re.sub(r"\([\d.]+ s; .*\)", "", said)
