"""`airskills check` and `airskills rule` as an author runs them."""

from __future__ import annotations

import json
import os
import pty
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result

from airskills.cli import cli
from airskills.codes import CODES
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


def test_baseline_of_one_skill_given_as_a_file_is_not_counted_twice(
    tmp_path: Path, make_skill: MakeSkill
) -> None:
    skill = make_skill(tmp_path, "demo", body="[x](references/a.md)\n")
    (skill / "references").mkdir()
    (skill / "references" / "a.md").write_text("[x](nowhere.md)\n")
    baseline = tmp_path / "known.json"
    for _ in range(2):
        run("check", str(skill / "SKILL.md"), "--baseline", str(baseline), "--write-baseline")

    assert [row["count"] for row in json.loads(baseline.read_text())["findings"]] == [1]


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


def test_statistics_are_json_too(tmp_path: Path, make_skill: MakeSkill) -> None:
    make_skill(tmp_path, "demo", extra="version: 1\nauthor: me\n")
    done = run("check", str(tmp_path), "--statistics", "--output-format", "json")

    assert json.loads(done.stdout) == [
        {"count": 2, "code": "AS117", "severity": "error", "title": "Field is not in the specification"}
    ]


def test_baseline_says_what_it_hides_and_what_is_gone(tmp_path: Path, make_skill: MakeSkill) -> None:
    make_skill(tmp_path / "skills", "demo", extra="version: 1\nauthor: me\n")
    baseline = str(tmp_path / "known.json")
    run("check", str(tmp_path / "skills"), "--baseline", baseline, "--write-baseline")
    make_skill(tmp_path / "skills", "demo", extra="version: 1\n")
    done = run("check", str(tmp_path / "skills"), "--baseline", baseline)

    assert done.stdout.startswith("No new findings in 1 skill")
    assert done.stdout.endswith(" 1 known finding not shown.\n")
    assert f"1 findings of {baseline} are gone" in done.stderr


def test_a_reason_that_holds_for_the_library_is_printed_once(tmp_path: Path, make_skill: MakeSkill) -> None:
    for name in ("one", "two"):
        make_skill(tmp_path, name, extra="version: 1\n")
    (tmp_path / ".airskills.toml").write_text('ignore = { AS117 = "read by our site" }\n')
    done = run("check", str(tmp_path))

    assert done.exit_code == 0
    assert done.stderr == "ignored: AS117 in 2 places: read by our site\n"


def test_a_reason_of_a_skill_cannot_write_a_line_of_its_own(tmp_path: Path, make_skill: MakeSkill) -> None:
    ignore = 'metadata:\n  airskills-ignore: "AS117: x\\n::error::y"\nversion: 1\n'
    make_skill(tmp_path, "demo", extra=ignore)

    assert run("check", str(tmp_path)).stderr == (
        f"ignored: AS117 in {tmp_path}/demo/SKILL.md:6: x\\u000a::error::y\n"
    )


def test_a_folder_without_skills_is_no_finding_but_said(tmp_path: Path) -> None:
    done = run("check", str(tmp_path))

    assert (done.exit_code, done.stdout[:23]) == (0, "No findings in 0 skills")
    assert done.stderr == f"warning: no SKILL.md in {tmp_path}\n"


def test_a_path_that_is_not_unicode_is_reported_in_every_format(
    tmp_path: Path, make_skill: MakeSkill
) -> None:
    make_skill(tmp_path / os.fsdecode(b"caf\xe9"), "demo", extra="version: 1\n")

    for form in ("text", "json", "sarif", "github", "junit"):
        done = run("check", str(tmp_path), "--output-format", form)
        assert (done.exit_code, "AS117" in done.stdout) == (1, True), form


def on_a_terminal(*arguments: str, **environment: str) -> str:
    """What a terminal receives on standard output."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "airskills", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.DEVNULL,  # the progress bar is another matter
        env={**os.environ, "TERM": "xterm", **environment},
    ) as process:
        os.close(theirs)
        received = b""
        try:
            while chunk := os.read(ours, 65536):
                received += chunk
        except OSError:  # Linux says EIO at the end of a terminal
            pass
        process.wait(timeout=60)
    os.close(ours)
    return received.decode()


def test_color_is_for_terminals_only(tmp_path: Path, make_skill: MakeSkill) -> None:
    make_skill(tmp_path, "demo", extra="version: 1\n")

    assert "\x1b[31m\x1b[1mAS117" in on_a_terminal("check", str(tmp_path))
    assert "\x1b[" not in on_a_terminal("check", str(tmp_path), NO_COLOR="1")
    assert "\x1b[" not in run("check", str(tmp_path)).stdout


def test_a_page_is_set_for_a_terminal_and_stays_markdown_elsewhere() -> None:
    shown = on_a_terminal("rule", "AS117")

    assert "# AS117" not in shown
    assert "Field is not in the specification" in shown
    assert run("rule", "AS117").stdout.startswith("# AS117: ")


@contextmanager
def watching(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], Callable[[str], str]]]:
    """A running `check --watch`, and a function that waits for a text in its output and returns what came before."""
    process = subprocess.Popen(
        [sys.executable, "-m", "airskills", "check", "--watch", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines: queue.Queue[str] = queue.Queue()
    output = process.stdout
    assert output is not None

    def read() -> None:
        for line in output:
            lines.put(line)

    threading.Thread(target=read, daemon=True).start()

    def until(text: str, seconds: float = 60) -> str:
        deadline, seen = time.monotonic() + seconds, ""
        while text not in seen:
            seen += lines.get(timeout=max(0.001, deadline - time.monotonic()))
        return seen

    try:
        yield process, until
    finally:
        process.kill()
        process.wait()
        output.close()


def test_watch_checks_again_after_a_change_and_ends_on_control_c(
    tmp_path: Path, make_skill: MakeSkill
) -> None:
    make_skill(tmp_path, "demo")
    with watching(str(tmp_path)) as (process, until):
        until("No findings in 1 skill")
        make_skill(tmp_path, "demo", extra="version: 1\n")
        until("AS117")
        make_skill(tmp_path, "other")
        until("1 error in 2 skills")
        process.send_signal(signal.SIGINT)

        assert process.wait(timeout=60) == 1


def test_watch_survives_a_broken_settings_file_and_reads_it_anew(
    tmp_path: Path, make_skill: MakeSkill
) -> None:
    file = make_skill(tmp_path, "demo", extra="version: 1\n") / "SKILL.md"
    with watching(str(file)) as (process, until):
        until("AS117")
        (file.parent / ".airskills.toml").write_text("ignore = 3\n")
        until("error: ")
        (file.parent / ".airskills.toml").write_text('ignore = { AS117 = "old" }\n')
        until("No findings in 1 skill")
        process.send_signal(signal.SIGINT)

        assert process.wait(timeout=60) == 0


def test_watch_without_its_extra_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    done = run("check", str(tmp_path), "--watch")

    assert done.exit_code == 2
    assert "--watch needs watchfiles" in done.stderr
    assert "help: pip install 'airskills[watch]'" in done.stderr


@pytest.mark.parametrize("option", ["--fix", "--diff", "--write-baseline"])
def test_watch_changes_nothing(tmp_path: Path, option: str) -> None:
    done = run("check", str(tmp_path), "--watch", option, "--baseline", str(tmp_path / "known.json"))

    assert done.exit_code == 2
    assert "--watch only looks" in done.stderr


def completed(*words: str) -> list[str]:
    """What the tab key offers for the last of `words`."""
    shell = ShellComplete(cli, {}, "airskills", "_AIRSKILLS_COMPLETE")
    return [item.value for item in shell.get_completions(list(words[:-1]), words[-1])]


def test_codes_complete_alone_and_after_a_comma() -> None:
    assert completed("rule", "as11") == [code for code in sorted(RULES) if code.startswith("AS11")]
    assert completed("check", "--select", "AS10")[0] == "AS101"
    assert completed("check", "--ignore", "AS117,AS1") == [
        f"AS117,{code}" for code in ["AS1", *sorted(RULES)] if code.startswith("AS1")
    ]
    assert completed("check", "--output-format", "s") == ["sarif"]


def test_help_keeps_the_lines_of_its_examples() -> None:
    for command in ("check", "rule"):
        lines = run(command, "--help").stdout.splitlines()
        examples = lines[lines.index("  Examples:") + 1 :]
        assert examples[0].startswith(f"    airskills {command}")
        assert examples[1].startswith(f"    airskills {command}")


@pytest.mark.parametrize("code", sorted(RULES))
def test_every_rule_shows_its_page(code: str) -> None:
    done = run("rule", code.lower())

    assert done.exit_code == 0
    assert done.stdout.startswith(f"# {code}: ")
    assert "\nWhy: " in done.stdout
    assert f'airskills-ignore: "{code}: ' in done.stdout
    assert len(done.stdout) < 10_000


def test_the_page_shows_both_texts_and_how_to_ignore_it() -> None:
    page = run("rule", "AS114").stdout

    assert [line for line in page.splitlines() if line.startswith("## ")] == [
        "## Bad",
        "## Good",
        "## How to ignore it",
    ]
    assert "`demo/SKILL.md`" in page


def test_what_a_page_says_about_ignoring_works(tmp_path: Path, make_skill: MakeSkill) -> None:
    page = run("rule", "AS117").stdout
    lines = [line.strip() for line in page.splitlines()]
    make_skill(
        tmp_path / "one",
        "demo",
        extra="version: 1\nmetadata:\n  "
        + next(line for line in lines if line.startswith("airskills-ignore"))
        + "\n",
    )
    make_skill(tmp_path / "two", "demo", extra="version: 1\n")
    settings = tmp_path / "two" / ".airskills.toml"
    settings.write_text(next(line for line in lines if line.startswith("ignore = ")) + "\n")

    assert run("check", str(tmp_path / "one")).exit_code == 0
    assert run("check", str(tmp_path / "two")).exit_code == 0
    settings.unlink()
    assert run("check", str(tmp_path / "two")).exit_code == 1
    assert run("check", str(tmp_path / "two"), "--ignore", "AS117").exit_code == 0


def test_rules_are_listed_by_family_and_as_json() -> None:
    assert "AS3xx code blocks" in run("rule").stdout
    rows = json.loads(run("rule", "--json").stdout)

    assert [row["code"] for row in rows] == [*sorted(RULES), *sorted(CODES)]
    assert set(rows[0]) == {"code", "title", "why", "severity", "family", "profiles", "fixable"}
    assert {row["code"] for row in rows if row["fixable"]} >= {"AS102", "AS106"}


def test_unknown_rule_suggests_a_near_one() -> None:
    done = run("rule", "AS31")

    assert done.exit_code == 2
    assert "Did you mean AS3" in done.stderr
