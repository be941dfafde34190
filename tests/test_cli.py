"""The command line: every command documented, exit codes true, JSON everywhere, and `load` without a detour."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import airskills
from airskills import cli as command_line
from airskills.cli import cli

MakeSkill = Callable[..., Path]

CONTEXT = click.Context(cli, info_name="airskills")
COMMANDS = sorted(set(cli.commands))
HEAVY = (
    "click",
    "yaml",
    "pydantic",
    "markdown_it",
    "jinja2",
    "rich",
    "sqlite3",
    "Stemmer",
    "difflib",
)


def shown(value: object) -> str | None:
    """Name of a test from its arguments."""
    return " ".join(value) if isinstance(value, list) else None


@pytest.fixture
def root(tmp_path: Path, make_skill: MakeSkill) -> Path:
    extra = 'metadata:\n  airskills-category: rag\n  airskills-tags: "ann recall"\n'
    folder = make_skill(
        tmp_path / "skills",
        "faiss",
        description="Vector search with Faiss. Use when recall is low.",
        body="# Faiss\n\nÜber vectors.\n\n## Symptoms\n\nSlow.\n\n## More\n\nText.\n",
        extra=extra,
    )
    (folder / "references").mkdir()
    (folder / "references" / "tuning.md").write_bytes(b"tuning \xff\xfe bytes\n")
    make_skill(tmp_path / "skills", "peft", description="LoRA adapters with PEFT. Use when a merge is wrong.")
    return tmp_path / "skills"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    """Run in a folder without project skills, with the two skills of `root` in the environment."""
    monkeypatch.setenv("AIRSKILLS_PATH", str(root))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, prog_name="airskills")


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    inherited = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        env=inherited,
        capture_output=True,
        check=False,
        timeout=60,
    )


def airskills_(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return python("-m", "airskills", *arguments, **environment)


# -- help -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_help_with_an_example_that_parses(name: str) -> None:
    text = run(name, "--help").output
    examples = re.findall(rf"^ +airskills {name}\b(.*)$", text, re.MULTILINE)
    quoted = re.findall(rf"\$\(airskills {name} ([^)]*)\)", text)

    assert len(text.splitlines()[2].strip()) > 20
    assert examples or quoted, text
    assert "\\b" not in text
    command = cli.commands[name]
    for example in [*examples, *quoted]:
        arguments = shlex.split(example.partition(">>")[0])
        options = {option for param in command.params for option in param.opts}
        assert {argument for argument in arguments if argument.startswith("-")} <= options


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained(name: str) -> None:
    unexplained = [
        param.name
        for param in cli.commands[name].params
        if isinstance(param, click.Option) and not param.help
    ]

    assert unexplained == []


@pytest.mark.parametrize("name", sorted({*COMMANDS} - {"completion"}))
def test_a_command_that_prints_data_has_json(name: str) -> None:
    assert "--json" in {option for param in cli.commands[name].params for option in param.opts}


def test_the_help_lists_every_command_and_the_exit_codes() -> None:
    text = run("--help").output

    assert [
        line.split()[0] for line in text.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
    ] == (cli.list_commands(CONTEXT))
    assert re.search(r"Exit codes:\n +0 .*\n +1 .*\n +2 ", text)
    assert re.search(r"Examples:\n +airskills search", text)


def test_the_version_is_that_of_the_package() -> None:
    assert run("--version").output == f"airskills, version {airskills.__version__}\n"


# -- exit codes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["list"], 0),
        (["search", "faiss", "recall"], 0),
        (["search", "sourdough bread"], 1),
        (["search", "sourdough bread", "--json"], 1),
        (["search"], 2),
        (["search", "faiss", "--limit", "0"], 2),
        (["load", "faiss"], 0),
        (["load", "faiss", "SKILL.md"], 0),
        (["load", "nope"], 2),
        (["load", "faiss", "nope.md"], 2),
        (["load", "faiss", "../peft/SKILL.md"], 2),
        (["load", "faiss", "/etc/passwd"], 2),
        (["load", "faiss", ""], 2),
        (["load", "faiss", "--section", "Nope"], 2),
        (["load", "faiss", "--section", ""], 2),
        (["load", "faiss", "--raw", "--wrap"], 2),
        (["load", "faiss", "SKILL.md", "--json"], 2),
        (["load"], 2),
        (["prompt"], 0),
        (["prompt", "--client", "claude-code"], 0),
        (["prompt", "--client", "emacs"], 2),
        (["prompt", "--budget", "10"], 2),
        (["prompt", "--format", "toml"], 2),
        (["path", "faiss"], 0),
        (["path", "faiss", "references/tuning.md"], 0),
        (["path", "faiss", "references/nope.md"], 2),
        (["path", "nope"], 2),
        (["new", "my-tool"], 0),
        (["new", "My Tool"], 2),
        (["new", "my-tool", "--dir", "/dev/null/x"], 2),
        (["trust"], 0),
        (["trust", "no-such-folder"], 2),
        (["doctor"], 0),
        (["completion", "bash"], 0),
        (["completion", "tcsh"], 2),
        (["list", "--path", "no-such-folder"], 2),
        (["nope"], 2),
        (["--nope"], 2),
        ([], 2),
    ],
    ids=shown,
)
def test_exit_codes_are_as_documented(arguments: list[str], code: int) -> None:
    result = run(*arguments)

    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    if code:
        assert result.stderr


def test_doctor_exits_with_1_when_a_skill_has_an_error(root: Path) -> None:
    (root / "peft" / "SKILL.md").write_text("no frontmatter", encoding="utf-8")
    result = run("doctor")

    assert result.exit_code == 1
    assert f"{root}/peft/SKILL.md:1:1: AS103" in result.stdout


def test_a_folder_that_cannot_be_written_is_one_line_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_skill: MakeSkill
) -> None:
    make_skill(tmp_path / "work" / ".agents" / "skills", "mine")
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("AIRSKILLS_STATE_DIR", str(tmp_path / "file"))
    result = run("trust")

    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert str(tmp_path / "file") in result.stderr


def test_a_working_folder_that_is_gone_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    for arguments in (["load", "faiss"], ["load", "nope"]):
        done = airskills_(*arguments)

        assert b"Traceback" not in done.stderr
        assert done.returncode in {0, 2}


def test_an_unknown_command_suggests_one() -> None:
    assert "Did you mean 'search'?" in run("serch").stderr
    assert "Did you mean" not in run("xyzzy").stderr


def test_an_unknown_skill_suggests_one() -> None:
    result = run("load", "fais")

    assert result.stderr == "error: No skill is called 'fais'\nhelp: Did you mean faiss?\n"
    assert result.stdout == ""


def test_an_unknown_file_suggests_one() -> None:
    assert "references/tuning.md" in run("load", "faiss", "references/tunning.md").stderr


# -- JSON -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["list"],
        ["search", "faiss"],
        ["search", "sourdough bread"],
        ["load", "faiss"],
        ["prompt"],
        ["prompt", "--format", "json", "--budget", "600"],
        ["path", "faiss"],
        ["new", "my-tool"],
        ["trust"],
        ["doctor"],
    ],
    ids=shown,
)
def test_json_is_json_and_nothing_else(arguments: list[str]) -> None:
    assert json.loads(run(*arguments, "--json").stdout) is not None


def test_the_json_of_a_hit_says_why() -> None:
    (hit,) = json.loads(run("search", "faiss", "recall", "--json", "--limit", "1").stdout)

    assert set(hit) == {"name", "score", "why", "description", "category", "path", "matches"}
    assert hit["name"] == "faiss"
    assert {match["field"] for match in hit["matches"]} <= {
        "name",
        "description",
        "tags",
        "requests",
        "headings",
        "body",
    }


def test_the_json_of_a_skill_holds_what_an_agent_needs(root: Path) -> None:
    found = json.loads(run("load", "faiss", "--json").stdout)

    assert found["path"] == f"{root}/faiss/SKILL.md"
    assert found["files"] == ["SKILL.md", "references/tuning.md"]
    assert found["tags"] == ["ann", "recall"]
    assert found["body"].startswith("# Faiss")


def test_prompt_json_says_what_was_cut() -> None:
    cut = json.loads(run("prompt", "--format", "xml", "--budget", "700", "--json").stdout)

    assert set(cut) == {"text", "shown", "shortened", "dropped"}
    assert len(cut["text"]) <= 700
    assert cut["shortened"]


# -- plain, and coloured --------------------------------------------------------------------------------------------


def test_list_is_tab_separated_when_piped() -> None:
    lines = run("list", "--category", "rag").stdout.splitlines()

    assert "faiss\trag\tVector search with Faiss. Use when recall is low." in lines
    assert {line.count("\t") for line in lines} == {2}
    assert {line.split("\t")[1] for line in lines} == {"rag"}


def test_a_description_stays_on_its_line_and_moves_no_cursor(root: Path, make_skill: MakeSkill) -> None:
    make_skill(root, "evil", description='"one\\ntwo\\tthree \\e[31mred\\a \\u202e"')
    line = next(line for line in run("list").stdout.splitlines() if line.startswith("evil"))

    assert line == "evil\t\tone two three [31mred "


def terminal(*arguments: str, **environment: str) -> str:
    """What a command prints on a terminal."""
    master, slave = pty.openpty()
    inherited = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "TERM": "xterm-256color",
        "COLUMNS": "100",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "airskills", *arguments],
        stdout=slave,
        stdin=slave,
        env={**inherited, **environment},
    ) as process:
        os.close(slave)
        out = b""
        while True:
            try:
                chunk = os.read(master, 65_536)
            except OSError:  # Linux says so when the last writer is gone
                break
            if not chunk:
                break
            out += chunk
        process.wait(timeout=60)
    os.close(master)
    return out.decode()


def test_a_terminal_gets_a_coloured_table_and_no_color_takes_the_colours_away() -> None:
    coloured = re.compile(r"\x1b\[[0-9;]*3[0-9]m")

    assert coloured.search(terminal("list"))
    assert not coloured.search(terminal("list", NO_COLOR="1"))
    assert "description" in terminal("list", NO_COLOR="1")


def test_nothing_is_coloured_when_piped() -> None:
    for arguments in (["list"], ["doctor"], ["search", "faiss"], ["--help"]):
        assert b"\x1b" not in airskills_(*arguments, FORCE_COLOR="1").stdout


# -- load -----------------------------------------------------------------------------------------------------------


def test_load_prints_the_body_and_a_file_byte_for_byte(root: Path) -> None:
    assert run("load", "faiss").stdout.startswith("# Faiss\n\nÜber")
    assert run("load", "faiss", "references/tuning.md").stdout_bytes == b"tuning \xff\xfe bytes\n"
    assert run("load", "faiss", "--raw").stdout_bytes == (root / "faiss" / "SKILL.md").read_bytes()


def test_load_prints_one_section_of_it() -> None:
    assert run("load", "faiss", "--section", "symptoms").stdout == "## Symptoms\n\nSlow.\n"


def test_a_missing_section_names_the_others() -> None:
    assert run("load", "faiss", "--section", "Nope").stderr.endswith("help: It has 'Symptoms', 'More'\n")


def test_wrap_names_the_files() -> None:
    text = run("load", "faiss", "--wrap").stdout

    assert text.startswith('<skill_content name="faiss">')
    assert "<file>references/tuning.md</file>" in text


@pytest.mark.parametrize(
    "arguments", [["faiss"], ["faiss", "references/tuning.md"], ["faiss", "SKILL.md"]], ids=shown
)
@pytest.mark.parametrize(
    "environment", [{}, {"PYTHONIOENCODING": "latin-1"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}]
)
def test_the_quick_path_prints_what_the_command_line_prints(
    arguments: list[str], environment: dict[str, str]
) -> None:
    quick = airskills_("load", *arguments, **environment)
    slow = python("-c", "from airskills.cli import cli; cli()", "load", *arguments, **environment)

    assert quick.stdout == slow.stdout
    assert (quick.returncode, slow.returncode) == (0, 0), quick.stderr + slow.stderr


QUICK = """
import json, sys
sys.argv[1:] = {arguments}
from airskills.__main__ import main
main()
loaded = [name for name in {heavy} if name in sys.modules]
print(json.dumps(loaded), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments", [["load", "faiss"], ["load", "faiss", "references/tuning.md"]], ids=shown
)
def test_the_quick_path_imports_nothing_it_does_not_need(arguments: list[str]) -> None:
    done = python("-c", QUICK.format(arguments=arguments, heavy=HEAVY))

    assert json.loads(done.stderr) == []
    assert done.stdout


def test_the_quick_path_leaves_errors_to_the_command_line() -> None:
    for arguments in (["load", "nope"], ["load", "faiss", "nope.md"], ["load", "faiss", ""]):
        done = airskills_(*arguments)

        assert done.returncode == 2
        assert done.stderr.startswith(b"error: ")
        assert done.stdout == b""


COLLECTIONS = """
import atexit, gc, sys
from airskills.__main__ import main
gc.collect()
gc.callbacks.append(lambda phase, info: print(phase, info, file=sys.stderr))
atexit.register(lambda: print(gc.get_freeze_count() > 1000, file=sys.stderr))
sys.argv[1:] = {arguments}
main()
"""


@pytest.mark.parametrize("command", ["check", "verify"])
def test_a_command_that_is_soon_over_looks_for_no_cycles(command: str, root: Path) -> None:
    done = python("-c", COLLECTIONS.format(arguments=[command, str(next(root.iterdir()))]))

    assert done.stderr.decode().splitlines()[-1:] == ["True"], "nor does the interpreter when it ends"
    assert b"start" not in done.stderr


def test_a_reader_that_goes_away_is_no_error(root: Path) -> None:
    (root / "faiss" / "big.md").write_text("x" * 1_000_000, encoding="utf-8")
    command = f'"{sys.executable}" -m airskills load faiss big.md | head -c 1'
    done = subprocess.run(
        command,
        shell=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert (done.stdout, done.stderr) == (b"x", b"")


# -- completion -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_printed(shell: str) -> None:
    text = run("completion", shell).stdout

    assert f"_AIRSKILLS_COMPLETE={shell}_complete" in text
    assert "airskills" in text


@pytest.mark.parametrize(
    ("shell", "words", "expected"),
    [
        ("bash", "airskills load fa", {"faiss"}),
        ("bash", "airskills load faiss ref", {"references/tuning.md"}),
        ("bash", "airskills path pe", {"peft"}),
        ("bash", "airskills doc", {"doctor"}),
        ("zsh", "airskills load fa", {"faiss"}),
        ("fish", "airskills load fa", {"faiss"}),
        ("bash", "airskills load nope x", set()),
    ],
)
def test_names_and_files_are_completed(shell: str, words: str, expected: set[str]) -> None:
    last = words.rpartition(" ")[2]
    done = airskills_(
        _AIRSKILLS_COMPLETE=f"{shell}_complete",
        COMP_WORDS=words if shell != "fish" else words.removesuffix(last),
        COMP_CWORD=last if shell == "fish" else str(len(words.split()) - 1),
    )

    assert done.stderr == b""
    assert {word for word in expected if word not in done.stdout.decode()} == set()
    assert expected or done.stdout.strip() == b""


# -- labs -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Mount `airskills fakelab`, made of the text given."""
    package = tmp_path / "package"
    (package / "fakelab").mkdir(parents=True)
    monkeypatch.setattr(command_line, "__file__", str(package / "cli.py"))
    monkeypatch.setattr(airskills, "__path__", [*airskills.__path__, str(package)])
    monkeypatch.setattr(
        command_line, "_LABS", {"fakelab": ("airskills.fakelab.cli", "fake", "A lab for tests.")}
    )
    for name in ("airskills.fakelab", "airskills.fakelab.cli"):
        monkeypatch.delitem(sys.modules, name, raising=False)

    def write(text: str) -> None:
        (package / "fakelab" / "__init__.py").write_text("", encoding="utf-8")
        (package / "fakelab" / "cli.py").write_text(text, encoding="utf-8")

    return write


LAB = """
import click
@click.group()
def group():
    "The real help."
@group.command()
def go():
    {body}
    click.echo("gone")
"""


def test_a_lab_is_mounted_when_it_is_called_and_not_before(lab: Callable[[str], None]) -> None:
    lab(LAB.format(body="pass"))

    assert re.search(r"fakelab +A lab for tests\.", run("--help").output)
    assert "airskills.fakelab.cli" not in sys.modules
    assert run("fakelab", "go").output == "gone\n"
    assert "The real help." in run("fakelab", "--help").output


@pytest.mark.parametrize(
    "text", ["import no_such_package.part", LAB.format(body="import no_such_package.part")]
)
def test_a_missing_dependency_of_a_lab_names_the_extra(lab: Callable[[str], None], text: str) -> None:
    lab(text)
    result = run("fakelab", "go")

    assert result.exit_code == 2
    assert result.stderr == (
        "error: `airskills fakelab` needs no_such_package, which is not installed\n"
        "help: pip install 'airskills[fake]'\n"
    )


def test_a_fault_of_ours_in_a_lab_is_not_hidden(lab: Callable[[str], None]) -> None:
    lab("import airskills.no_such_module")

    assert isinstance(run("fakelab", "go").exception, ModuleNotFoundError)


@pytest.mark.parametrize(
    "name", sorted(name for name in command_line._LABS if command_line._lab_exists(name))
)
def test_help_for_a_lab_is_given_without_importing_torch(name: str) -> None:
    code = f"import sys; from airskills.cli import cli; cli(['--help'], standalone_mode=False); print('torch' in sys.modules or 'airskills.{name}' in sys.modules)"

    assert python("-c", code).stdout.endswith(b"False\n")


# -- the rest -------------------------------------------------------------------------------------------------------


def test_python_m_airskills_works() -> None:
    done = airskills_("list")

    assert done.returncode == 0
    assert b"\nfaiss\trag\t" in done.stdout


def test_a_name_that_is_not_utf8_is_printed_as_it_is(root: Path, make_skill: MakeSkill) -> None:
    folder = make_skill(root, "cafe", folder="caf\udce9", description="Coffee. Use when tired.")

    assert airskills_("path", "cafe").stdout == os.fsencode(folder) + b"\n"
    assert json.loads(airskills_("path", "cafe", "--json").stdout)["path"] == str(folder)
    assert airskills_("list").returncode == 0
    assert airskills_("doctor").stdout
    assert airskills_("prompt").returncode == 0


def test_trust_is_given_and_taken_back(tmp_path: Path, make_skill: MakeSkill) -> None:
    make_skill(tmp_path / "work" / ".agents" / "skills", "mine")

    assert "1 project skill is not trusted" in run("list").stderr
    assert run("trust").stdout.strip().endswith("/mine")
    assert run("load", "mine").exit_code == 0
    assert run("trust", "--remove").exit_code == 0
    assert "not trusted" in run("load", "mine").stderr
    assert run("load", "mine", "--trust").exit_code == 0


def test_new_makes_a_skill_that_loads(tmp_path: Path) -> None:
    made = run("new", "my-tool", "--dir", str(tmp_path / "own")).stdout.splitlines()

    assert str(tmp_path / "own" / "my-tool" / "SKILL.md") in made
    assert run("load", "my-tool", "--path", str(tmp_path / "own")).exit_code == 0


def test_doctor_says_what_was_scanned_and_how_the_index_is(root: Path) -> None:
    text = run("doctor").stdout

    assert f"env\t{root}\t2" in text
    assert re.search(r"^index: .*\.sqlite3 \(\d+ skills, [\d,]+ bytes, FTS5\)$", text, re.MULTILINE)
