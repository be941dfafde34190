"""Evidence and calibration, with numbers worked by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airskills.ranking import (
    FEATURES,
    FIELDS,
    Term,
    is_coined,
    probability,
    rarity,
    read_request,
    vocabulary,
    vocabulary_forms,
    weigh,
)
from airskills.terms import data, terms

WEIGHTS = data("ranking")["fields"]


def fields(**given_: str) -> dict[str, frozenset[str]]:
    return {name: frozenset(terms(given_.get(name, ""))) for name in FIELDS}


def nowhere(_stem: str) -> int:
    return 0


def test_rarity_of_a_stem_in_no_skill_is_one() -> None:
    assert rarity(0, 99) == 1.0


def test_rarity_by_hand() -> None:
    # log(100 / 9.5) / log(100 / 0.5) = 2.3539 / 5.2983
    assert rarity(9, 99) == pytest.approx(0.44427, abs=1e-5)


def test_a_stem_in_every_skill_still_counts_a_little() -> None:
    assert rarity(50, 50) == 0.1


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_rarity_lies_between_the_floor_and_one(frequency: int, more: int) -> None:
    total = frequency + more

    assert 0.1 <= rarity(frequency, total) <= 1.0
    assert rarity(frequency, total) >= rarity(frequency + 1, total + 1) - 1e-9 or more == 0


def test_a_request_is_its_terms_once_without_stop_words() -> None:
    found = read_request("please merge the adapter, then merge it again", nowhere, 10)

    assert [term.stem for term in found] == ["merg", "adapt"]


def test_single_letters_are_left_out_but_for_the_languages() -> None:
    assert [term.stem for term in read_request("x y c r 4", nowhere, 10)] == ["c", "r"]


def test_synonyms_of_a_phrase_belong_to_each_of_its_words() -> None:
    found = {term.stem: term for term in read_request("out of memory", nowhere, 10)}

    assert ("oom",) in found["memori"].synonyms


def test_every_term_of_the_vocabulary_has_a_form() -> None:
    assert {stem for form in vocabulary_forms() for stem in terms(form)} >= vocabulary()


def test_the_best_field_counts_once() -> None:
    evidence = weigh([Term("lora", 0.5)], fields(description="lora", body="lora"))

    assert evidence.score == pytest.approx(0.5 * WEIGHTS["description"])
    assert evidence.best == {"lora": "description"}


def test_a_rare_term_of_the_name_earns_the_bonus() -> None:
    rare, common = WEIGHTS["rare"] + 0.1, WEIGHTS["rare"] - 0.1

    assert weigh([Term("faiss", rare)], fields(name="faiss")).score == pytest.approx(
        rare * (WEIGHTS["name"] + WEIGHTS["bonus"])
    )
    assert weigh([Term("faiss", common)], fields(name="faiss")).score == pytest.approx(
        common * WEIGHTS["name"]
    )


def test_a_synonym_is_worth_less_than_the_word_itself() -> None:
    term = Term("adapt", 0.5, (("lora",),))

    assert weigh([term], fields(tags="lora")).score == pytest.approx(
        0.5 * WEIGHTS["tags"] * data("ranking")["synonym"]
    )
    assert weigh([term], fields(tags="adapter lora")).score == pytest.approx(0.5 * WEIGHTS["tags"])


def test_a_phrase_counts_only_when_all_of_it_is_in_one_field() -> None:
    term = Term("sft", 0.5, (("supervis", "tune"),))

    assert weigh([term], fields(tags="supervised", body="tune")).score == 0
    assert weigh([term], fields(tags="supervised tune")).score > 0


def test_no_terms_are_no_evidence() -> None:
    evidence = weigh([], fields(name="faiss"))

    assert evidence.score == 0
    assert evidence.features == (0.0,) * len(FEATURES)


def test_a_tool_name_is_coined_and_an_everyday_word_is_not() -> None:
    assert is_coined("faiss", "name") == 1.0
    assert is_coined("context", "name") < 1.0


def test_calibration_is_the_logistic_function_of_the_features() -> None:
    fitted = data("ranking")["calibration"]
    nothing = (0.0,) * len(FEATURES)

    assert len(fitted["coefficients"]) == len(FEATURES)
    assert probability(nothing) == pytest.approx(1 / (1 + math.exp(-fitted["intercept"])))


@given(st.lists(st.floats(-1e6, 1e6), min_size=len(FEATURES), max_size=len(FEATURES)))
def test_a_probability_is_one(features: list[float]) -> None:
    assert 0.0 <= probability(features) <= 1.0
