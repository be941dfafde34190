"""Shell blocks as command lines, and command lines against what programs take."""

import json
import time
import zipfile
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airskills.markdown import Markdown
from airskills.pins import Pin
from airskills.verify import shapes
from airskills.verify import tools as programs
from airskills.verify.arguments import Rest, Verdict, judge
from airskills.verify.commands import check_commands
from airskills.verify.flags import Command, Option, from_json, to_json
from airskills.verify.invocations import invocation
from airskills.verify.ledger import Entry
from airskills.verify.releases import Package, of_wheels
from airskills.verify.shell import command_lines
from airskills.verify.tools import Tools
from airskills.wheels import Wheel
from wheelhouse import make_wheel

# --- shell


def split(text: str, *, prompts: bool = False) -> list[list[str]]:
    return [[word.text for word in line.words] for line in command_lines(text, prompts=prompts)]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a --x 1 && b | c; d & e", [["a", "--x", "1"], ["b"], ["c"], ["d"], ["e"]]),
        ("a \\\n  --x 1 \\\n  --y 2\nb", [["a", "--x", "1", "--y", "2"], ["b"]]),
        ("a 'x y' \"z $HOME\" w\\ v", [["a", "x y", "z $HOME", "w v"]]),
        ("a # --x\n# b\nc --d#e", [["a"], ["c", "--d#e"]]),
        ("cat > f.yaml <<'EOF'\na --b\nEOF\nc", [["cat"], ["c"]]),
        ("a <<-X 2>&1 >out\n\tb\n\tX\nc", [["a"], ["c"]]),
        ("a $(b --c d) `e --f` ${G:-h i}", [["a", "$(b --c d)", "`e --f`", "${G:-h i}"]]),
        ("$ a --x\n$ b", [["a", "--x"], ["b"]]),
        ("(cd x && a)", [["cd", "x"], ["a"]]),
        ("serve <model> --port 1", [["serve", "<model>", "--port", "1"]]),
        ("a '", [["a", ""]]),
        ("a \\", [["a", ""]]),
        ("", []),
    ],
)
def test_a_block_is_split_as_a_shell_would(text: str, lines: list[list[str]]) -> None:
    assert split(text) == lines


def test_a_console_block_shows_output_between_commands() -> None:
    text = "$ tool --x \\\n    --y\nOutput --z\n(env) user@host:~$ other\n"
    assert split(text, prompts=True) == [["tool", "--x", "--y"], ["other"]]


def test_words_know_where_they_stand_and_whether_they_are_known() -> None:
    line = command_lines("\na  --b \\\n   $C 'd'")[0]
    assert [(w.line, w.column, w.opaque, w.quoted) for w in line.words] == [
        (2, 1, False, False),
        (2, 4, False, False),
        (3, 4, True, False),
        (3, 7, False, True),
    ]


@pytest.mark.parametrize(
    ("text", "kind", "name", "words"),
    [
        ("A=1 B=$C tool --x", "command", "tool", ["--x"]),
        ("sudo -E -u root tool", "command", "tool", []),
        ("uv run --with a --extra b tool x", "command", "tool", ["x"]),
        ("uvx --from pkg tool x", "command", "tool", ["x"]),
        ("poetry run python3.11 -u -m pkg.cli --y", "module", "pkg.cli", ["--y"]),
        ("timeout -s KILL 60 nohup tool", "command", "tool", []),
        ("env A=1 python scripts/run.py --z", "file", "scripts/run.py", ["--z"]),
        ("if tool --x; then", "command", "tool", ["--x"]),
        ("do ./run.py 1", "file", "./run.py", ["1"]),
    ],
)
def test_the_program_is_found_behind_what_launches_it(
    text: str, kind: str, name: str, words: list[str]
) -> None:
    found = invocation(command_lines(text)[0])
    assert found is not None
    assert (found.kind, found.name, [word.text for word in found.words]) == (kind, name, words)


@pytest.mark.parametrize("text", ["for x in a b", "A=1", "$TOOL --x", "done", "sudo"])
def test_nothing_is_run_where_no_program_is_named(text: str) -> None:
    found = invocation(command_lines(text)[0])
    assert found is None


@given(st.text(alphabet=st.sampled_from("ab$`'\"\\\n <>|&;()#-{}EOF=~\t"), max_size=200))
def test_any_text_is_split_without_a_crash(text: str) -> None:
    for line in command_lines(text):
        assert line.words
        invocation(line)
        list(judge("tool", TOOL, line.words))


@pytest.mark.parametrize(
    "unit", ["a ", "'", '"', "$(", "`", "\\\n", "<<X\n", "a;", "{", "${", "<a", "#\n", "$ a\n"]
)
def test_splitting_takes_linear_time(unit: str) -> None:
    def seconds(size: int) -> float:
        start = time.process_time()
        command_lines(unit * (size // len(unit)))
        return time.process_time() - start

    seconds(1_000)
    assert seconds(200_000) < 40 * max(seconds(20_000), 0.01)


# --- words against a command

TOOL = Command(
    (Option(("--verbose", "-v"), 0),),
    {
        "serve": Command(
            (
                Option((), "?"),
                Option(("--port", "-p"), 1, "int"),
                Option(("--max-length", "-m"), 1, "int"),
                Option(("--rate",), 1, "float"),
                Option(("--mode",), 1, "", ("fast", "slow")),
                Option(("--tags",), "+"),
                Option(("--flag", "-f"), 0),
                Option(("--quick", "-q"), 0),
            ),
            dashes=True,
        ),
        "run": Command(
            (Option(("--workers",), 1, "int"), Option(("-m", "--module"), 0), Option(), Option((), "..."))
        ),
        "open": Command(
            (
                Option(
                    ("--x",),
                ),
            ),
            open="it is computed",
        ),
        "dotted": Command((Option(("--train",)), Option(("--train.lr",)), Option(("--data",))), dotted=True),
    },
)


def verdicts(text: str) -> tuple[list[Verdict], Rest | None]:
    words = command_lines(text)[0].words[1:]
    said = list(judge("tool", TOOL, words))
    return [v for v in said if not isinstance(v, Rest)], next((v for v in said if isinstance(v, Rest)), None)


@pytest.mark.parametrize(
    "text",
    [
        "tool -v serve model --port 8000 --mode=fast --tags a b c --flag",
        "tool serve --max_length 5 -p5 -fq --rate 1e-3 --rate=-1",
        "tool serve --port $PORT --mode <mode> --tags a -- --anything",
        "tool serve --port '8000'",
        "tool run --workers 2 script.py --anything",
        "tool dotted --train.lr 1",
    ],
)
def test_right_command_lines_are_proven(text: str) -> None:
    said, _ = verdicts(text)
    assert said
    assert {verdict.state for verdict in said} == {"proven"}


@pytest.mark.parametrize(
    ("text", "message", "help"),
    [
        ("tool serve --prot 1", "tool serve has no flag --prot", "Did you mean --port?"),
        ("tool serve --max-len 1", "abbreviation", "Write --max-length"),
        ("tool serve --port eighty", "--port takes a whole number, not 'eighty'", ""),
        ("tool serve --rate=x", "--rate takes a number, not 'x'", ""),
        ("tool serve --mode fats", "--mode does not take 'fats'", "Write fast"),
        ("tool serve --flag=1", "--flag takes no value", "Write --flag alone"),
        ("tool serve --port --flag", "--port needs a value", "Write --port VALUE"),
        ("tool serve --mode", "--mode needs a value", "Write --mode VALUE"),
        ("tool serve -fx", "has no flag -fx", "Did you mean -f?"),
        ("tool serv", "tool has no subcommand 'serv'", "Write serve"),
        ("tool serve --verbose", "it belongs before the subcommand", "Move --verbose"),
        ("tool run --worker 2 script.py", "abbreviation", "Write --workers"),
        ("tool dotted --train.lt 1", "has no flag --train.lt", "Did you mean --train.lr?"),
    ],
)
def test_wrong_command_lines_are_dead_with_a_hint(text: str, message: str, help: str) -> None:
    said, _ = verdicts(text)
    (dead,) = [verdict for verdict in said if verdict.state == "dead"]
    assert message in dead.message
    assert dead.help == help


@pytest.mark.parametrize(
    "text",
    [
        "tool $COMMAND --x",
        "tool serve [--port PORT]",
        "tool open --y",
        "tool serve --$NAME 1",
        "tool dotted --data.path x",
    ],
)
def test_what_cannot_be_known_is_said_to_be_unproven(text: str) -> None:
    said, _ = verdicts(text)
    assert [verdict.state for verdict in said if verdict.state != "proven"] == ["unproven"]


def test_a_launcher_ends_where_the_script_begins() -> None:
    said, rest = verdicts("tool run --workers 2 train.py --learning-rate 1")
    assert [verdict.word.text for verdict in said] == ["run", "--workers"]
    assert rest is not None
    assert [word.text for word in rest.words] == ["train.py", "--learning-rate", "1"]
    _, rest = verdicts("tool run -m package.train --x")
    assert rest is not None
    assert rest.module


# --- blocks against packages

LAUNCH = """
import argparse
def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int)
    parser.add_argument("--module", "-m", action="store_true")
    parser.add_argument("script")
    parser.add_argument("args", nargs=argparse.REMAINDER)
    parser.parse_args()
if __name__ == "__main__":
    main()
"""
SCRIPT = """
import argparse
if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int)
    parser.parse_args()
"""


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    folder = tmp_path / "root"
    (folder / "pack").mkdir(parents=True)
    (folder / "pack" / "__init__.py").write_text("")
    (folder / "pack" / "launch.py").write_text(LAUNCH)
    return Tools(
        [Package("pack", "1.0", folder, ("pack",), {"launch": "pack.launch:main"}, "digest")],
        cache=tmp_path / "cache",
    )


def check(text: str, tools: Tools, **scripts: str) -> list[Entry]:
    blocks = Markdown(text, "SKILL.md").blocks
    named = {name.replace("__", "/") + ".py": body for name, body in scripts.items()}
    return check_commands("SKILL.md", blocks, tools, scripts=named)


def test_a_finding_points_at_the_word_in_the_file(tools: Tools) -> None:
    text = "# A\n\n```bash\n# first\nFOO=1 launch \\\n  --wokers 2 \\\n  train.py --x 1\n```\n"
    (found,) = check(text, tools)
    assert str(found.finding()) == (
        "SKILL.md:6:3: AV201 launch has no flag --wokers\n    help: Did you mean --workers?"
    )
    assert found.state == "dead"


def test_only_programs_of_pinned_packages_are_judged(tools: Tools) -> None:
    assert check("```bash\npip install --nonsense\nStep --one of this\nlaunchx --y\n```\n", tools) == []


def test_modules_and_the_skills_own_scripts_are_judged_behind_launchers(tools: Tools) -> None:
    text = "```bash\nlaunch -m pack.launch --workers two x.py\nlaunch scripts/run.py --step 5\npython scripts/run.py --steps 5\n```\n"
    found = check(text, tools, scripts__run=SCRIPT)
    dead = [(entry.line, entry.message) for entry in found if entry.state == "dead"]
    assert dead == [
        (2, "python -m pack.launch: --workers takes a whole number, not 'two'"),
        (
            3,
            "scripts/run.py has no flag --step; it is an abbreviation, which ends with the next flag like it",
        ),
    ]


def test_a_module_that_is_not_there_is_dead(tools: Tools) -> None:
    found = check("```bash\npython -m pack.gone\npython -m pack --x\npython -m unknown\n```\n", tools)
    assert [(entry.line, entry.column, entry.message) for entry in found] == [
        (2, 11, "pack has no module pack.gone"),
        (3, 11, "pack is a package without __main__, which `python -m` cannot run"),
    ]


def test_a_command_that_a_package_no_longer_has_is_dead(tmp_path: Path) -> None:
    hub = Package(
        "huggingface-hub", "2.4.0", tmp_path, ("huggingface_hub",), {"hf": "huggingface_hub.cli:main"}
    )
    (found,) = check("```bash\nhuggingface-cli download gpt2\n```\n", Tools([hub]))
    assert str(found.finding()) == (
        "SKILL.md:2:1: AV201 huggingface-hub 2.4.0 has no command huggingface-cli\n    help: Write hf"
    )


@pytest.mark.parametrize("info", ["python", 'bash {proof="skip: a sketch"}', "text", ""])
def test_other_blocks_are_passed_over(info: str, tools: Tools) -> None:
    assert check(f"```{info}\nlaunch --nonsense\n```\n", tools) == []


def test_the_answer_is_kept_and_depends_on_the_packages(
    tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tools.command("launch")
    (note,) = (tmp_path / "cache" / "commands").glob("*.json")
    again = Tools(tools.packages, cache=tmp_path / "cache")
    package = tools.packages[0]
    (Path(package.root) / "pack" / "launch.py").write_text("")
    assert again.command("launch") == first
    note.write_text("{")
    monkeypatch.setattr(programs, "_FOLLOWED", {})  # as in another process
    damaged = Tools(tools.packages, cache=tmp_path / "cache").command("launch")
    assert damaged is not None
    assert damaged.open == "no parser was found"


# --- wheels


def test_programs_come_from_wheels_and_scripts_from_the_skill(tmp_path: Path) -> None:
    make_wheel(
        tmp_path / "wheels",
        "pack",
        "1.0",
        {"pack/__init__.py": "", "pack/launch.py": LAUNCH},
        scripts={"launch": "pack.launch:main"},
    )
    with zipfile.ZipFile(next((tmp_path / "wheels").glob("*.whl"))) as archive:
        archive.extractall(tmp_path / "root")
    wheel = Wheel(Pin("pack", "1.0"), tmp_path / "root", "0" * 64, ("pack",), {"launch": "pack.launch:main"})
    text = "```bash\nlaunch scripts/run.py --step 5\nlaunch --wokers 2 x.py\n```\n"

    found = check(text, Tools(of_wheels([wheel], [Pin("absent", "1.0")])), scripts__run=SCRIPT)

    assert [(entry.line, entry.code) for entry in found] == [(2, "AV201"), (3, "AV201")]


def test_programs_without_a_wheel_are_known_from_a_recording() -> None:
    tools = Tools(of_wheels([], [Pin("deepspeed", "0.19.8"), Pin("absent", "1.0")]))
    text = "```bash\ndeepspeed --num_gpus 2 --includ x train.py --deepspeed ds.json\n```\n"

    found = check(text, tools)

    assert [(entry.state, entry.message or entry.use) for entry in found] == [
        ("proven", "deepspeed --num_gpus"),
        (
            "dead",
            "deepspeed has no flag --includ; it is an abbreviation, which ends with the next flag like it",
        ),
    ]


@pytest.mark.parametrize(
    "file", sorted(Path(str(files("airskills") / "data" / "captures")).glob("*.json")), ids=str
)
def test_a_recording_can_be_read(file: Path) -> None:
    data = json.loads(file.read_text(encoding="utf-8"))
    assert file.name == f"{data['distribution']}-{data['version']}.json"
    assert data["recorded"] >= "2026-01-01"
    for command in data.get("commands", {}).values():
        assert to_json(from_json(command)) == command
    for schema in data.get("schemas", {}).values():
        assert shapes.to_json(shapes.from_json(schema)) == schema
