"""The scripts of the skill lm-evaluation-harness: planted faults are named, sound tasks are not blamed, runs part where they do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from skill_module import skill_module

SKILL = Path(__file__).resolve().parent.parent / "skills" / "lm-evaluation-harness"
SOUND = """
task: quiz
dataset_path: json
dataset_kwargs: {data_files: {train: train.jsonl, test: test.jsonl}}
test_split: test
fewshot_split: train
num_fewshot: 2
doc_to_text: "{{q}}"
doc_to_target: a
generation_kwargs: {until: ["\\n"]}
metric_list: [{metric: !function utils.mine, aggregation: mean, higher_is_better: true}]
"""
# The task that EleutherAI/lm-evaluation-harness#4145 describes: three rows of a test split, two examples, no fewshot_split.
THREAD = SOUND.replace("fewshot_split: train\n", "")


def run(script: str, *args: str) -> tuple[int, Any, str]:
    """Exit status, parsed standard output and standard error of a script with --json."""
    command = [sys.executable, str(SKILL / "scripts" / f"{script}.py"), *args, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


def sample(question: str, **parts: Any) -> dict[str, Any]:
    """A logged row, as lm_eval writes it."""
    held = {
        "doc_id": 0,
        "doc": {"q": question},
        "target": "1",
        "arguments": [[question, {}]],
        "resps": [["1"]],
    }
    return {
        **held,
        "filtered_resps": ["1"],
        "filter": "none",
        "metrics": ["exact_match"],
        "exact_match": 1.0,
        **parts,
    }


def logged(path: Path, *samples: dict[str, Any]) -> str:
    """A samples file."""
    path.write_text("".join(json.dumps(one) + "\n" for one in samples), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("text", "answers", "codes"),
    [
        (SOUND, ["1", "2"], set()),
        (THREAD, ["1", "2", "3"], {"leak"}),
        (SOUND.replace("fewshot_split: train", "fewshot_split: test"), ["1"], set()),
        (
            SOUND.replace("test_split: test", "validation_split: test").replace(
                "split: train", "split: test"
            ),
            [],
            {"leak"},
        ),
        (SOUND + "fewshot_config: {fewshot_indices: [0, 1]}\n", ["1"], {"indices"}),
        (SOUND.replace("num_fewshot: 2", "num_fewshot: 0"), ["1"], {"stays-zero"}),
        (SOUND.replace("doc_to_target: a", 'doc_to_target: "{{ a }}"'), ["[1, 2]", "[3]"], {"list-answer"}),
        (SOUND.replace("doc_to_target: a", 'doc_to_target: "{{a}}"'), ["1", "[3]"], {"list-answer", "mixed"}),
        (SOUND, ["[1, 2]"], set()),
        (SOUND, [["1"], "2"], {"mixed"}),
        (SOUND + "output_type: multiple_choice\ndoc_to_choice: [no, yes]\n", ["A"], {"label"}),
        (SOUND + "repeats: 8\n", ["1"], {"repeats"}),
        (SOUND + "repeats: 8\nfilter_list: [{name: v, filter: [{function: majority_vote}]}]\n", ["1"], set()),
        (SOUND.replace("until:", "max_gen_toks: 3, untill:"), ["1"], {"until"}),
        (SOUND + "fewshot: 3\n", ["1"], {"unknown-key"}),
    ],
)
def test_a_task_is_blamed_for_what_it_does_silently(
    tmp_path: Path, text: str, answers: list[Any], codes: set[str]
) -> None:
    (tmp_path / "quiz.yaml").write_text(text, encoding="utf-8")
    held = [json.dumps({"q": f"Q{n}", "a": answer}) + "\n" for n, answer in enumerate(answers)]
    (tmp_path / "test.jsonl").write_text("".join(held), encoding="utf-8")
    status, printed, _ = run("check_task", str(tmp_path / "quiz.yaml"), "--num-fewshot", "5")
    assert {one["code"] for one in printed["findings"]} == codes
    assert status == bool(codes)


def test_what_a_task_includes_is_read_and_its_own_keys_win(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(THREAD, encoding="utf-8")
    (tmp_path / "own.yaml").write_text("include: base.yaml\nfewshot_split: train\n", encoding="utf-8")
    assert run("check_task", str(tmp_path / "own.yaml")) == (0, {"task": "quiz", "findings": []}, "")
    (tmp_path / "base.yaml").write_text("include: own.yaml\n", encoding="utf-8")
    status, _, error = run("check_task", str(tmp_path / "own.yaml"))
    assert status == 2
    assert "includes itself" in error


@pytest.mark.parametrize("script", ["check_task", "compare_runs"])
def test_an_unreadable_file_is_an_error_and_no_finding(tmp_path: Path, script: str) -> None:
    broken = tmp_path / "broken"
    broken.write_text("[1, 2", encoding="utf-8")
    status, printed, error = run(script, *[str(broken)] * (1 + (script == "compare_runs")))
    assert (status, printed) == (2, None)
    assert error.startswith("error: ")


@pytest.mark.parametrize(
    ("change", "stage"),
    [
        ({}, "nothing"),  # as EleutherAI/lm-evaluation-harness#2715 shows: two models and one response cache
        ({"arguments": [["other", {}]], "resps": [["2"]], "exact_match": 0.0}, "prompts"),
        ({"target": "2", "exact_match": 0.0}, "targets"),
        ({"resps": [["1 "]], "exact_match": 0.0}, "answers"),
        ({"filtered_resps": ["2"], "exact_match": 0.0}, "filtered"),
        ({"exact_match": 0.0}, "scores"),
        ({"doc": {"q": "new row"}}, "rows"),
        ({"doc_id": 7, "exact_match": "1.0"}, "nothing"),  # numbers were logged as text up to 0.4.12
    ],
)
def test_two_runs_part_at_the_first_stage_that_differs(
    tmp_path: Path, change: dict[str, Any], stage: str
) -> None:
    first = logged(tmp_path / "first.jsonl", sample("Q0"), sample("Q1"))
    second = logged(tmp_path / "second.jsonl", sample("Q1"), sample("Q0") | change)
    if stage == "rows":
        second = logged(tmp_path / "second.jsonl", sample("Q1"), sample("Q0"), sample("Q2") | change)
    status, printed, _ = run("compare_runs", first, second)
    assert printed["first_difference"] == stage
    assert status == (stage != "nothing")


def test_the_error_of_a_difference_is_that_of_pairs() -> None:
    paired = skill_module("lm-evaluation-harness", "compare_runs").paired
    # Differences 1, 0, 0, -1: mean 0, sample variance 2/3, over 4 rows.
    assert paired([0.0, 1.0, 0.0, 1.0], [1.0, 1.0, 0.0, 0.0]) == (0.0, pytest.approx((2 / 3 / 4) ** 0.5))
    assert paired([0.0], [1.0]) == (1.0, None)


def test_keys_of_a_task_are_those_of_the_package() -> None:
    config = pytest.importorskip("lm_eval.config.task").TaskConfig
    known = skill_module("lm-evaluation-harness", "check_task").KNOWN
    assert known - {"include", "class", "group", "task_list"} == set(config.__dataclass_fields__)
