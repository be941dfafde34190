"""The script of the skill knowledge-distillation: pairs that cannot be taught are named, a good pair is not blamed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = (
    Path(__file__).resolve().parent.parent / "skills" / "knowledge-distillation" / "scripts" / "check_pair.py"
)
WORDS = ("a", "b", "c", "<|end|>")


def folder(path: Path, *, size: int = 4, words: tuple[str, ...] = WORDS, **more: Any) -> Path:
    """A folder as `save_pretrained` leaves it, without weights."""
    path.mkdir()
    files: dict[str, Any] = {
        "config.json": {"vocab_size": size, "eos_token_id": 3},
        "tokenizer.json": {
            "model": {"vocab": {w: i for i, w in enumerate(words[:-1])}},
            "added_tokens": [{"id": len(words) - 1, "content": words[-1]}],
        },
        "tokenizer_config.json": {"chat_template": "{{ messages }}"},
    }
    for name, content in (files | {f"{k}.json": v for k, v in more.items()}).items():
        (path / name).write_text(json.dumps(content), encoding="utf-8")
    return path


def codes(student: Path, teacher: Path) -> tuple[int, list[str]]:
    """Exit status and names of what was found."""
    command = [sys.executable, str(SCRIPT), str(student), str(teacher), "--json"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run.returncode, [f["code"] for f in json.loads(run.stdout)["findings"]] if run.stdout else []


def test_a_pair_of_one_family_is_not_blamed(tmp_path: Path) -> None:
    assert codes(folder(tmp_path / "s"), folder(tmp_path / "t")) == (0, [])


def test_the_padding_of_qwen_is_told_from_another_vocabulary(tmp_path: Path) -> None:
    # huggingface/trl#2215 and #3028: Qwen2.5-0.5B has 151,936 rows, the 7B 152,064, and both one tokenizer.
    student = folder(tmp_path / "s", size=151_936)

    assert codes(student, folder(tmp_path / "t", size=152_064)) == (1, ["padded-vocabulary"])
    assert codes(student, folder(tmp_path / "u", size=9, words=("x", *WORDS))) == (
        1,
        ["vocabulary-sizes", "other-tokens"],
    )


def test_two_tokenizers_of_one_size_are_told_apart(tmp_path: Path) -> None:
    teacher = folder(tmp_path / "t", words=("b", "a", "c", "<|end|>"))

    assert codes(folder(tmp_path / "s"), teacher) == (1, ["other-tokens"])


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"generation_config": {"eos_token_id": [2, 3]}}, "end-tokens"),
        ({"tokenizer_config": {"chat_template": "other"}}, "chat-templates"),
        ({"config": {"text_config": {"vocab_size": 5}, "eos_token_id": 3}}, "padded-vocabulary"),
    ],
)
def test_other_differences_are_named(tmp_path: Path, more: Any, code: str) -> None:
    assert codes(folder(tmp_path / "s"), folder(tmp_path / "t", **more)) == (1, [code])


def test_a_model_taught_by_itself_is_named_and_a_missing_folder_too(tmp_path: Path) -> None:
    student = folder(tmp_path / "s")

    assert codes(student, student) == (1, ["same-folder"])
    assert codes(student, tmp_path / "nothing") == (2, [])
