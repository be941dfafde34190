"""A guard never hides a match: whatever a guarded pattern matches holds one of its words."""

from __future__ import annotations

import importlib
import pkgutil
import re
import string
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airskills import rules
from airskills.rules.guarded import Guarded, fold


def guarded() -> dict[str, Guarded]:
    """Every guarded pattern of the rules, by the place that names it."""
    found = {}
    for module in pkgutil.iter_modules(rules.__path__, "airskills.rules."):
        names = vars(importlib.import_module(module.name))
        classes = {name: vars(value) for name, value in names.items() if isinstance(value, type)}
        for owner, members in {"": names, **classes}.items():
            for name, value in members.items():
                if isinstance(value, Guarded):
                    found[f"{module.name.rpartition('.')[2]}.{owner}.{name}"] = value
    return found


ALL = guarded()


@pytest.mark.parametrize("place", sorted(ALL))
def test_whatever_matches_holds_a_word(place: str) -> None:
    rule = ALL[place]

    @settings(max_examples=30, suppress_health_check=list(HealthCheck))
    @given(st.from_regex(rule.pattern))
    def holds(text: str) -> None:
        assert rule.may_match(text)

    holds()


@pytest.mark.parametrize("place", sorted(ALL))
def test_words_are_written_as_they_are_looked_for(place: str) -> None:
    rule = ALL[place]
    ignores_case = bool(rule.pattern.flags & re.IGNORECASE)

    assert rule.words
    assert not ignores_case or all(word == word.lower() for word in rule.words)


def test_folding_finds_whatever_matches_a_letter_when_case_is_ignored() -> None:
    letters = {letter: re.compile(letter, re.IGNORECASE) for letter in string.ascii_lowercase}
    everything = "".join(map(chr, range(sys.maxunicode + 1)))

    for letter, pattern in letters.items():
        assert {fold(same) for same in pattern.findall(everything)} == {letter}
