"""Names of tools survive the way from text to search terms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airskills.terms import edits, forms, stem, stop_words, terms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vLLM", ["vllm"]),
        ("llama.cpp", ["llamacpp", "llama", "cpp"]),
        ("4-bit", ["4bit", "bit"]),
        ("LoRA+", ["loraplus", "lora"]),
        ("LoRA", ["lora"]),
        ("c++", ["cplusplus"]),
        ("C++17", ["cplusplus", "17"]),
        ("(c++),", ["cplusplus"]),
        ("C#", ["csharp"]),
        ("a+b", ["a", "b"]),
        ("GRPOTrainer", ["grpotrain", "grpo", "trainer"]),
        ("max_seq_length", ["maxseqlength", "max", "seq", "length"]),
        ("MAX_SEQ_LENGTH", ["maxseqlength", "max", "seq", "length"]),
        ("__init__", ["init"]),
        ("flash-attn", ["flashattn", "flash", "attn"]),
        ("don't", ["don"]),
        ("vLLM\u2019s", ["vllm"]),
        ("\ufb01ne", ["fine"]),  # the ligature fi
        ("e\u0301t\u00e9", ["\u00e9t\u00e9"]),  # composed and decomposed letters agree
        ("adapters", ["adapt"]),
        ("...", []),
        ("", []),
    ],
)
def test_a_name_gives_itself_joined_and_its_parts(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("vllm", "vLLM"),
        ("max-seq-length", "max_seq_length"),
        ("Grpo-Trainer", "GRPOTrainer"),
        ("llamacpp", "llama.cpp"),
    ],
)
def test_spellings_of_one_name_share_a_term(left: str, right: str) -> None:
    assert set(terms(left)) & set(terms(right))


def test_lora_plus_is_more_than_lora() -> None:
    assert set(terms("LoRA+")) > set(terms("LoRA"))


@pytest.mark.parametrize(
    ("word", "expected"),
    [("training", "train"), ("its", "its"), ("h100s", "h100s"), ("\u00e9t\u00e9s", "\u00e9t\u00e9s")],
)
def test_only_longer_ascii_words_are_stemmed(word: str, expected: str) -> None:
    assert stem(word) == expected


def test_a_form_is_the_word_before_stemming() -> None:
    assert list(forms("Merging adapters")) == [("merging", "merg"), ("adapters", "adapt")]


def test_stop_words_are_stems() -> None:
    assert stop_words()
    assert all(stem(word) in stop_words() for word in ("the", "please", "using"))


LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def test_edits_are_all_words_at_distance_one() -> None:
    deleted, swapped = {"a", "b"}, {"ba"}
    substituted = {c + "b" for c in LETTERS} | {"a" + c for c in LETTERS}
    inserted = {c + "ab" for c in LETTERS} | {"a" + c + "b" for c in LETTERS} | {"ab" + c for c in LETTERS}

    assert set(edits("ab")) == deleted | swapped | substituted | inserted


@given(st.text())
def test_any_text_gives_lower_case_terms_without_separators(text: str) -> None:
    for term in terms(text):
        assert term
        assert term == term.casefold()
        assert not set(term) & set(" \t\n_-.'\"*+#")


@given(st.text(), st.text())
def test_terms_of_two_lines_are_the_terms_of_each(first: str, second: str) -> None:
    assert terms(f"{first}\n{second}") == terms(first) + terms(second)
