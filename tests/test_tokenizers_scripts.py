"""The scripts of the skill huggingface-tokenizers: planted faults are named, a clean folder is not blamed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Regex, Tokenizer, pre_tokenizers

from skill_module import skill_module

SKILL = Path(__file__).resolve().parent.parent / "skills" / "huggingface-tokenizers"


CHECK, COMPARE, MADE = (
    skill_module(SKILL.name, "check_tokenizer"),
    skill_module(SKILL.name, "compare_tokenizers"),
    skill_module(SKILL.name, "fixtures"),
)


def codes(folder: str, texts: tuple[str, ...] = ()) -> list[str]:
    """Names of what is found in a folder."""
    read = CHECK.load(Path(folder), [*CHECK.PROBES, *texts])
    return [finding["code"] for finding in CHECK.report(read)["findings"]]


def test_a_clean_folder_is_not_blamed_and_its_open_tokens_are_listed() -> None:
    read = CHECK.load(Path(MADE.folder(MADE.chat())), list(CHECK.PROBES))

    assert CHECK.report(read)["findings"] == []
    assert CHECK.report(read)["open_to_text"] == ["<tool_call>"]


def test_sentencepiece_like_and_listed_control_tokens_are_clean() -> None:
    tokenizer = MADE.chat(MADE.sentencepiece_like())
    tokenizer.chat_control_tokens = list(tokenizer.get_added_vocab())
    read = CHECK.load(Path(MADE.folder(tokenizer)), list(CHECK.PROBES))

    assert CHECK.report(read)["findings"] == []
    assert CHECK.report(read)["open_to_text"] == []


@pytest.mark.parametrize("model_type", [None, "gpt2"])
def test_the_class_of_transformers_45812_that_splits_numbers_otherwise_is_named(
    model_type: str | None,
) -> None:
    """`tokenizer.json` splits digits by threes, `GPT2Tokenizer` keeps them together."""
    splitter = pre_tokenizers.Split(Regex(r"\p{N}{1,3}"), "isolated")
    folder = MADE.folder(MADE.chat(MADE.core(splitter=splitter)), name="GPT2Tokenizer", model_type=model_type)

    assert codes(folder, ("in 2024",)) == ["pipeline-rebuilt"]


@pytest.mark.parametrize("name", ["đem", "ilÖveyou"])
def test_the_words_of_tokenizers_1915_and_1392_do_not_decode_to_themselves(name: str) -> None:
    tokenizer = MADE.chat()
    tokenizer.add_tokens([name])

    assert codes(MADE.folder(tokenizer)) == ["added-token-text"]


def test_settings_of_one_call_that_were_saved_are_named() -> None:
    tokenizer = MADE.chat()
    tokenizer(["a", "hello world"], truncation=True, max_length=2, padding=True)
    tokenizer.backend_tokenizer.model.dropout = 0.25

    assert codes(MADE.folder(tokenizer)) == ["truncation-saved", "padding-saved", "dropout-saved"]


def test_places_of_a_template_that_changed_are_named() -> None:
    tokenizer = MADE.chat()
    tokenizer.chat_template = tokenizer.chat_template.replace(
        "{{ m['content'] }}", "{% if m['content'] is none %}(none){% else %}{{ m['content'] }}{% endif %}"
    )
    assert codes(MADE.folder(tokenizer)) == ["template-none"]

    tokenizer.chat_template = "{% set ns = namespace(_n=0) %}" + MADE.TEMPLATE
    assert codes(MADE.folder(tokenizer)) == ["template-fails", "template-underscore"]


def test_a_begin_token_that_the_template_writes_too_is_doubled() -> None:
    tokenizer = MADE.chat(bos_token="<|im_start|>")
    tokenizer.add_bos_token = True

    assert codes(MADE.folder(tokenizer)) == ["special-tokens-twice"]


def test_an_end_of_turn_at_which_generation_does_not_stop_is_named() -> None:
    folder = MADE.folder(MADE.chat())
    (Path(folder) / "generation_config.json").write_text('{"eos_token_id": 0}', encoding="utf-8")

    assert codes(folder) == ["end-token"]


def test_a_model_with_fewer_rows_than_ids_and_a_pad_token_that_is_the_end_are_named() -> None:
    tokenizer = MADE.chat()
    tokenizer.pad_token = tokenizer.eos_token
    folder = MADE.folder(tokenizer)
    (Path(folder) / "config.json").write_text('{"model_type": "llama", "vocab_size": 100}', encoding="utf-8")

    assert codes(folder) == ["pad-is-eos", "embedding-rows"]


def test_a_response_template_whose_text_is_overwritten_is_named() -> None:
    fields: dict[str, dict[str, Any]] = {"tool_calls": {"open": "<c>", "close": "</c>"}, "content": {}}
    tokenizer = MADE.chat(response_template={"start_anchor": "x", "fields": fields})
    assert codes(MADE.folder(tokenizer)) == ["content-overwritten"]

    fields["content"] = {"repeats": True, "join": "\n"}
    assert codes(MADE.folder(tokenizer)) == []


def test_bytes_without_a_token_are_lost() -> None:
    core = MADE.core()
    state = json.loads(core.to_str())
    gone = [token for token in state["model"]["vocab"] if token == "Ĳ"]
    state["model"]["vocab"] = {t: i for t, i in state["model"]["vocab"].items() if t not in gone}

    assert gone
    assert codes(MADE.folder(MADE.chat(Tokenizer.from_str(json.dumps(state)))), ("😐",)) == ["round-trip"]


def test_figures_of_a_comparison_are_those_counted_by_hand(tmp_path: Path) -> None:
    """`ab ab` is a, b, space-a, b for letters alone and ab, space-ab for merges."""
    letters, merges = (MADE.core(size, texts=["ab ab ab"]) for size in (259, 263))
    for name, core in (("a", letters), ("b", merges)):
        core.save(str(tmp_path / f"{name}.json"))
    result = COMPARE.compare(tmp_path / "a.json", tmp_path / "b.json", ["ab ab"])

    assert (result["a"]["tokens"], result["b"]["tokens"]) == (5, 2)
    assert (result["a"]["characters_per_token"], result["b"]["characters_per_token"]) == (1.0, 2.5)
    assert result["lines_that_differ"] == 1
    assert result["first"] == {"line": 1, "token": 1, "a": ["a", "b", "Ġ", "a", "b"], "b": ["ab", "Ġab"]}


def run(script: str, *arguments: str) -> tuple[int, str, str]:
    """Exit status and what a script wrote."""
    command = [sys.executable, str(SKILL / "scripts" / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_the_command_line_prints_json_and_says_what_is_missing(tmp_path: Path) -> None:
    folder = MADE.folder(MADE.chat())
    status, out, _ = run("check_tokenizer.py", folder, "--json")
    assert (status, json.loads(out)["findings"]) == (0, [])

    assert run("check_tokenizer.py", str(tmp_path))[2].startswith("check_tokenizer: FileNotFoundError: ")
    (tmp_path / "text").write_text("hello\nworld\n", encoding="utf-8")
    status, out, _ = run("compare_tokenizers.py", folder, f"{folder}/tokenizer.json", str(tmp_path / "text"))
    assert (status, out.splitlines()[-1]) == (0, "0 of 2 lines have other ids")
