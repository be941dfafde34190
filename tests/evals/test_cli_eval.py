"""`airskills eval` with a stand-in agent that answers from files."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from airskills.cli import cli

MakeSkill = Callable[..., Path]
CHECK = """
import sys
from pathlib import Path
said = (Path(sys.argv[1]) / "answer.txt").read_text().strip()
if said != "{right}":
    print(f"fail: the answer is {{said!r}}")
    sys.exit(1)
print("pass")
"""
# Knows the answer to the task `easy`, and whatever a skill beside it says; looks around as agents do.
AGENT = """
import json, os, sys, time
from pathlib import Path
prompt = Path(sys.argv[2]).read_text() if len(sys.argv) > 2 else sys.stdin.read()
log = Path(os.environ["AGENT_LOG"])
skills = sorted(str(p) for p in Path(".").rglob("*") if p.is_file())
with log.open("a") as stream:
    stream.write(json.dumps({"prompt": prompt, "sees": skills, "cwd": os.getcwd()}) + "\\n")
task = prompt.split()[-1]
known = {"easy": "4"}
for path in Path(".").glob(".agents/skills/*/SKILL.md"):
    known |= dict(line.split(" is ") for line in path.read_text().splitlines() if " is " in line)
Path("answer.txt").write_text(known.get(task, "?"))
if sys.argv[1] == "hang":
    time.sleep(60)
if sys.argv[1] == "costs":
    print(json.dumps({"type": "result", "total_cost_usd": 0.4, "usage": {"input_tokens": 70, "output_tokens": 30}}))
sys.exit(3 if sys.argv[1] == "fails" else 0)
"""


@pytest.fixture
def skill(tmp_path: Path, make_skill: MakeSkill) -> Path:
    folder = make_skill(tmp_path / "skills", "sums", body="# Sums\n\nhard is 7\neasy is 4\n")
    tasks = []
    for number, (slug, right, ceiling) in enumerate((("hard", "7", False), ("easy", "4", True)), 1):
        base = folder / "evals" / slug
        for part, text in (("reference", right), ("wrong", "0"), ("files", "start")):
            (base / part).mkdir(parents=True)
            (base / part / ("given.txt" if part == "files" else "answer.txt")).write_text(text)
        (base / "check.py").write_text(CHECK.format(right=right))
        files = [f"evals/{slug}/files/given.txt"]
        row = {"id": number, "slug": slug, "prompt": f"Write answer.txt for the task {slug}", "files": files}
        tasks.append({**row, "assertions": ["it is right", "it is one number"], "ceiling": ceiling})
    (folder / "evals" / "evals.json").write_text(json.dumps({"skill_name": "sums", "evals": tasks}))
    return folder


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    script = tmp_path / "agent.py"
    script.write_text(AGENT)
    monkeypatch.setenv("AGENT_LOG", str(tmp_path / "log.jsonl"))
    monkeypatch.chdir(tmp_path)
    return f"{shlex.quote(sys.executable)} {script}"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["eval", *arguments])


def seen(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_checkers_that_tell_right_from_wrong_pass(skill: Path) -> None:
    done = run(str(skill), "--trust")

    assert done.exit_code == 0, done.output
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["easy/reference", "accepted"],
        ["easy/wrong", "refused"],
        ["hard/reference", "accepted"],
        ["hard/wrong", "refused"],
    ]


def test_a_checker_that_accepts_everything_is_found_out(skill: Path) -> None:
    (skill / "evals/hard/check.py").write_text("print('pass')")
    done = run(str(skill), "--trust", "--task", "hard")

    assert done.exit_code == 1
    assert "NOT refused" in done.stdout
    assert "easy" not in done.stdout


def test_code_of_a_stranger_does_not_run_without_trust(skill: Path, agent: str, tmp_path: Path) -> None:
    done = run(str(skill), "--agent", f"{agent} costs")

    assert done.exit_code == 2
    assert "is not trusted, and an eval runs its code" in done.stderr
    assert not (tmp_path / "log.jsonl").exists()


def test_an_agent_is_measured_with_and_without_the_skill(skill: Path, agent: str, tmp_path: Path) -> None:
    done = run(str(skill), "--trust", "--agent", f"{agent} costs", "--json")
    found = json.loads(done.stdout)

    assert done.exit_code == 0, done.output
    assert found["counted"] == ["hard"]
    assert (found["without_skill"]["passed"], found["with_skill"]["passed"]) == (0, 1)
    assert found["gain"]["mean"] == 1.0
    assert found["cost"] == pytest.approx(1.6)
    assert [(row["task"], row["without_skill"]["passed"], row["ceiling"]) for row in found["tasks"]] == [
        ("hard", 0, False),
        ("easy", 1, True),
    ]
    without, with_ = seen(tmp_path)[:2]
    assert without["sees"] == ["given.txt"]
    assert with_["sees"] == [
        ".agents/skills/sums/SKILL.md",
        "given.txt",
    ]  # and no evals: they hold the answers
    assert with_["cwd"] != without["cwd"]
    assert not Path(with_["cwd"]).exists()
    assert without["prompt"] == "Write answer.txt for the task hard"


def test_results_lie_where_the_specification_says(skill: Path, agent: str, tmp_path: Path) -> None:
    run(str(skill), "--trust", "--agent", f"{agent} costs")
    base = tmp_path / "sums-workspace" / "iteration-1"
    one = base / "eval-hard" / "with_skill"

    assert sorted(path.name for path in one.iterdir()) == [
        "grading.json",
        "outputs",
        "timing.json",
        "transcript.txt",
    ]
    assert sorted(path.name for path in (one / "outputs").iterdir()) == ["answer.txt", "given.txt"]
    timing = json.loads((one / "timing.json").read_text())
    assert timing == {"total_tokens": 100, "duration_ms": timing["duration_ms"]}
    grading = json.loads((base / "eval-hard" / "without_skill" / "grading.json").read_text())
    assert grading["assertion_results"] == [
        {"text": text, "passed": False, "evidence": "check.py: fail: the answer is '?'"}
        for text in ("it is right", "it is one number")
    ]
    assert grading["summary"] == {"passed": 0, "failed": 2, "total": 2, "pass_rate": 0.0}
    summary = json.loads((base / "benchmark.json").read_text())["run_summary"]
    assert summary["delta"]["pass_rate"] == 1.0
    assert summary["with_skill"]["tokens"] == {"mean": 100.0, "stddev": 0.0}


def test_samples_and_the_other_dialect_have_numbered_runs(skill: Path, agent: str, tmp_path: Path) -> None:
    options = ("--samples", "2", "--dialect", "skill-creator", "--workspace", "out", "--task", "hard")
    run(str(skill), "--trust", "--agent", f"{agent} costs", *options)
    base = tmp_path / "out" / "iteration-1"
    grading = json.loads((base / "eval-hard/with_skill/run-2/grading.json").read_text())
    found = json.loads((base / "benchmark.json").read_text())

    assert [row["passed"] for row in grading["expectations"]] == [True, True]
    assert [(r["configuration"], r["run_number"]) for r in found["runs"]] == [
        ("without_skill", 1),
        ("with_skill", 1),
        ("without_skill", 2),
        ("with_skill", 2),
    ]
    assert found["metadata"]["runs_per_configuration"] == 2


def test_an_interrupted_measurement_goes_on_where_it_stopped(skill: Path, agent: str, tmp_path: Path) -> None:
    command = (str(skill), "--trust", "--agent", f"{agent} costs")
    first = run(*command, "--max-runs", "3")
    second = run(*command)
    third = run(*command)

    assert first.exit_code == 1
    assert "1 of 4 runs are missing: 3 runs were made, as --max-runs allows" in first.stderr
    assert (second.exit_code, third.exit_code) == (0, 0)
    assert len(seen(tmp_path)) == 4
    assert [path.name for path in (tmp_path / "sums-workspace").iterdir()] == ["iteration-1"]


def test_a_changed_skill_or_fresh_begins_a_new_iteration(skill: Path, agent: str, tmp_path: Path) -> None:
    command = (str(skill), "--trust", "--agent", f"{agent} costs", "--task", "hard")
    run(*command)
    run(*command, "--fresh")
    (skill / "SKILL.md").write_text((skill / "SKILL.md").read_text() + "\nmore\n")
    run(*command)

    names = sorted(path.name for path in (tmp_path / "sums-workspace").iterdir())
    assert names == ["iteration-1", "iteration-2", "iteration-3"]
    assert len(seen(tmp_path)) == 6


def test_the_cost_cap_stops_before_the_next_run(skill: Path, agent: str, tmp_path: Path) -> None:
    done = run(str(skill), "--trust", "--agent", f"{agent} costs", "--cost-cap", "0.7")

    assert done.exit_code == 1
    assert "2 of 4 runs are missing: $0.80 are spent; --cost-cap is 0.7" in done.stderr
    assert len(seen(tmp_path)) == 2


def test_a_cap_that_cannot_be_kept_stops_after_one_run(skill: Path, agent: str, tmp_path: Path) -> None:
    done = run(str(skill), "--trust", "--agent", f"{agent} silent", "--cost-cap", "9")

    assert "the agent reports no cost, so --cost-cap cannot be kept" in done.stderr
    assert len(seen(tmp_path)) == 1


def test_time_can_be_capped(skill: Path, agent: str) -> None:
    done = run(str(skill), "--trust", "--agent", f"{agent} silent", "--max-seconds", "0")

    assert done.exit_code == 1
    assert "--max-seconds is 0" in done.stderr


def test_an_agent_that_hangs_is_stopped_and_has_failed(skill: Path, agent: str) -> None:
    done = run(
        str(skill), "--trust", "--agent", f"{agent} hang", "--timeout", "2", "--task", "easy", "--json"
    )

    assert json.loads(done.stdout)["tasks"][0]["with_skill"]["passed"] == 0
    assert "the agent was stopped after 2 s" in done.stderr


def test_an_agent_that_fails_is_judged_by_what_it_left(skill: Path, agent: str) -> None:
    done = run(str(skill), "--trust", "--agent", f"{agent} fails", "--task", "hard")

    assert "exit code 3" in done.stderr
    assert done.exit_code == 0


def test_the_prompt_can_be_a_file_or_an_argument(skill: Path, agent: str, tmp_path: Path) -> None:
    run(str(skill), "--trust", "--agent", f"{agent} costs {{prompt_file}}", "--task", "hard")

    assert seen(tmp_path)[0]["prompt"] == "Write answer.txt for the task hard"
    echo = f"{shlex.quote(sys.executable)} -c 'import sys; print(sys.argv[1:])' {{prompt}}"
    run(str(skill), "--trust", "--agent", echo, "--task", "hard", "--workspace", "echoed")
    said = (tmp_path / "echoed/iteration-1/eval-hard/with_skill/transcript.txt").read_text()
    assert said == "['Write answer.txt for the task hard']\n"


def test_links_in_an_answer_are_left_behind(
    skill: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    secret = tmp_path / "secret.txt"
    secret.write_text("7")
    run(str(skill), "--trust", "--agent", f"ln -s {secret} answer.txt", "--task", "hard", "--workspace", "w")

    assert not (tmp_path / "w/iteration-1/eval-hard/with_skill/outputs/answer.txt").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--agent", "no-such-agent-here"), "The agent 'no-such-agent-here' cannot be started"),
        (("--agent", "'unclosed"), "No closing quotation"),
        (("--agent", " "), "--agent is empty"),
        (("--task", "heavy"), "sums has no task 'heavy'"),
        (("--triggers",), "eval_queries.json is missing"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_two(
    skill: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(str(skill), "--trust", *arguments)

    assert done.exit_code == 2
    assert message in done.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read: JSONDecodeError"),
        ('{"evals": []}', "it holds no task"),
        ('{"evals": [{"id": 1}]}', "KeyError: 'prompt'"),
        ('{"evals": [{"id": "../x", "prompt": "p"}]}', "is no name of a folder"),
        ('{"evals": [{"id": 1, "prompt": "p"}, {"id": 1, "prompt": "p"}]}', "two tasks are called '1'"),
        ('{"evals": [{"id": 1, "prompt": "p", "files": ["../../etc/passwd"]}]}', "does not exist"),
    ],
)
def test_tasks_that_cannot_be_read_say_why(skill: Path, text: str, message: str) -> None:
    (skill / "evals/evals.json").write_text(text)
    done = run(str(skill), "--trust")

    assert done.exit_code == 2
    assert message in done.stderr


def test_requests_are_measured_by_split(tmp_path: Path, make_skill: MakeSkill) -> None:
    folder = make_skill(
        tmp_path,
        "kettles",
        description="Boil water in copper kettles. Use when the kettle leaks or whistles.",
    )
    make_skill(tmp_path, "stoves", description="Light gas stoves. Use when the flame of the stove is yellow.")
    queries = [
        {"query": "my copper kettle leaks", "should_trigger": True, "split": "train"},
        {"query": "the stove has a yellow flame", "should_trigger": False, "split": "train"},
        {"query": "the kettle whistles too loudly", "should_trigger": True, "split": "validation"},
        {"query": "copper kettle for my stove museum", "should_trigger": False, "split": "validation"},
    ]
    (folder / "evals").mkdir()
    (folder / "evals/eval_queries.json").write_text(json.dumps(queries))
    found = json.loads(run(str(folder), "--triggers", "--json").stdout)

    rows = [(r["split"], r["should_trigger"], r["requests"], r["right"]) for r in found["summary"]]
    assert rows[:3] == [("train", True, 1, 1), ("train", False, 1, 1), ("validation", True, 1, 1)]
    assert [row["first"] for row in found["queries"][:3]] == ["kettles", "stoves", "kettles"]
    text = run(str(folder), "--triggers").stdout
    assert text.startswith("kettles among ")
