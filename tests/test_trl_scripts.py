"""The scripts of the skill trl-fine-tuning: planted faults are named, clean data and logs are not blamed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from skill_module import skill_module

SKILL = Path(__file__).resolve().parent.parent / "skills" / "trl-fine-tuning"
LOGS = SKILL / "evals" / "planted-logs"
CAUSES = json.loads((LOGS / "reference" / "answer.json").read_text(encoding="utf-8"))
# Two rows that huggingface/trl#1236 shows, from the middle of a run at learning rate 6e-5.
THREAD = """
{'loss': 0.0, 'learning_rate': 6.019e-05, 'rewards/chosen': 3.876, 'rewards/rejected': -11.44, 'rewards/accuracies': 1.0,
'rewards/margins': 15.317, 'logps/rejected': -783.4, 'logps/chosen': -781.2, 'epoch': 0.46}
{'loss': 0.0, 'learning_rate': 5.955e-05, 'rewards/chosen': 4.219, 'rewards/rejected': -19.06, 'rewards/accuracies': 1.0,
'rewards/margins': 23.277, 'logps/rejected': -733.0, 'logps/chosen': -765.3, 'epoch': 0.47}
""".replace(",\n", ", ")


def diagnosis(path: Path) -> tuple[int, list[str]]:
    """Exit status and names that the log's diagnosis gives."""
    command = [sys.executable, str(SKILL / "scripts" / "diagnose_log.py"), str(path), "--json"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run.returncode, [
        finding["code"] for finding in json.loads(run.stdout)["findings"]
    ] if run.stdout else []


@pytest.mark.parametrize("log", sorted(CAUSES))
def test_the_planted_cause_of_a_log_is_named_and_no_other(log: str) -> None:
    status, codes = diagnosis(LOGS / "files" / f"{log}.jsonl")

    assert status == 1
    assert [code for code in codes if code != "saturated"] == [CAUSES[log]]


def test_a_log_of_a_thread_that_starts_in_the_middle_is_saturated(tmp_path: Path) -> None:
    (tmp_path / "train.log").write_text(THREAD, encoding="utf-8")

    assert diagnosis(tmp_path / "train.log") == (1, ["saturated"])


def test_a_healthy_log_has_no_finding(tmp_path: Path) -> None:
    rows = [
        {"loss": 0.6931 - 0.04 * i, "rewards/margins": 0.1 * i, "rewards/chosen": 0.05 * i}
        | {
            "rewards/rejected": -0.05 * i,
            "rewards/accuracies": min(1.0, 0.3 * i),
            "grad_norm": 2.0,
            "epoch": 0.1 * (i + 1),
        }
        for i in range(10)
    ]
    (tmp_path / "trainer_state.json").write_text(json.dumps({"log_history": rows}), encoding="utf-8")

    assert diagnosis(tmp_path / "trainer_state.json") == (0, [])


def test_a_file_without_a_log_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "empty.log").write_text("nothing here\n", encoding="utf-8")

    assert diagnosis(tmp_path / "empty.log") == (2, [])


TALK = [{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"}]}] * 4
PAIR = {
    "prompt": [{"role": "user", "content": "hi"}],
    "chosen": [{"role": "assistant", "content": "z" * 40 + "yes"}],
    "rejected": [{"role": "assistant", "content": "z" * 40 + "no"}],
}
CALLS = [
    {
        "messages": [
            {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": n, "arguments": a}}]}
        ]
    }
    for n, a in (("f", {"x": 1, "y": None}), ("g", {"x": None, "y": "b"}))
]


@pytest.mark.parametrize(
    ("stage", "rows", "settings", "starts", "codes"),
    [
        ("sft", TALK, {}, "", {"prompt-trained"}),
        ("sft", TALK, {"assistant_only_loss": True}, "", set()),
        ("sft", [{"prompt": "q", "completion": "a" * 60}] * 4, {"max_length": 40}, "", {"end-cut"}),
        # huggingface/trl#1400: text that a template has rendered, on a tokenizer that adds BOS
        ("sft", [{"text": "<|begin|><|im_start|>x<|im_end|>\n"}] * 4, {}, "bos", {"double-bos", "double-end"}),
        ("sft", [{"prompt": "q" * 60, "completion": "a"}, {"prompt": "q", "completion": "a"}], {"max_length": 30}, "", {"rows-dropped"}),
        ("sft", CALLS, {}, "", {"null-arguments", "prompt-trained"}),
        ("dpo", [PAIR], {}, "", set()),
        ("dpo", [PAIR], {"max_length": 50}, "", {"end-cut", "equal-pairs"}),
        ("dpo", [PAIR | {key: PAIR["prompt"] + PAIR[key] for key in ("chosen", "rejected")}], {}, "", {"prompt-repeated", "prompt-is-no-prefix"}),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_data_is_named(
    tmp_path: Path,
    stage: str,
    rows: list[dict[str, Any]],
    settings: dict[str, Any],
    starts: str,
    codes: set[str],
) -> None:
    check, fixtures = skill_module(SKILL.name, "check_data"), skill_module(SKILL.name, "fixtures")
    template = fixtures.shipped("qwen2_5") if "assistant_only_loss" in settings else fixtures.CHATML
    fixtures.tiny_tokenizer(template=template, bos=bool(starts)).save_pretrained(tmp_path)
    (tmp_path / "rows.json").write_text(json.dumps(rows), encoding="utf-8")

    data = check.load(tmp_path / "rows.json", tmp_path, stage, settings)

    assert {finding["code"] for finding in check.report(data, 1)["findings"]} == codes
