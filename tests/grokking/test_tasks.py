from collections import Counter
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from airskills.grokking import tasks
from airskills.grokking.data import split_groups
from airskills.grokking.errors import GrokkingError
from airskills.grokking.tasks import algorithmic, language, vision

MAKERS = {
    "modular": lambda seed: algorithmic.modular(seed, operation="add", modulus=7, fraction=0.5),
    "random": lambda seed: algorithmic.modular(
        seed, operation="add", modulus=7, fraction=0.5, random_labels=True
    ),
    "composition": lambda seed: algorithmic.composition(seed, degree=3, fraction=0.5),
    "parity": lambda seed: algorithmic.parity(seed, bits=8, relevant=3, train=40, held=40),
    "two_hop": lambda seed: language.two_hop(seed, entities=6, relations=4, fraction=0.8),
    "retrieval": lambda seed: language.retrieval(seed, pairs=3, keys=5, values=4, train=20, held=20),
    "digits": lambda seed: vision.digits(seed, train=20, held=40),
}


def rows(data: Any) -> Any:
    parts = (data.train, data.validation, data.test)
    return [(tuple(x), y) for p in parts for x, y in zip(p.inputs.tolist(), p.targets.tolist(), strict=True)]


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_seed_fixes_the_data_and_another_seed_changes_it(make: Any) -> None:
    assert rows(make(3)) == rows(make(3))
    assert rows(make(3)) != rows(make(4))


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_all_seeds_have_parts_of_the_same_size(make: Any) -> None:
    sizes = {tuple(len(p.targets) for p in (d.train, d.validation, d.test)) for d in map(make, range(4))}

    assert len(sizes) == 1


@pytest.mark.parametrize("name", ["modular", "composition", "two_hop"])
def test_no_row_is_in_two_parts(name: Any) -> None:
    data = MAKERS[name](0)
    inputs = [x for x, _ in rows(data)]

    assert max(Counter(inputs).values()) == 1


@pytest.mark.parametrize("name", ["modular", "random", "composition"])
def test_both_orders_of_a_pair_are_in_the_same_part(name: Any) -> None:
    data = MAKERS[name](0)
    train = {tuple(pair) for pair in data.train.inputs.tolist()}
    held = {tuple(pair) for part in (data.validation, data.test) for pair in part.inputs.tolist()}

    assert not {(b, a) for a, b in held} & train


@pytest.mark.parametrize(
    ("operation", "a", "b", "result"),
    [
        ("add", 5, 4, 2),
        ("subtract", 2, 5, 4),
        ("multiply", 3, 5, 1),
        ("divide", 3, 5, 2),  # 5 * 2 = 10 = 3 (mod 7)
        ("squares", 2, 4, 6),  # 4 + 16 = 20 = 6
        ("quadratic", 2, 4, 0),  # 4 + 8 + 16 = 28 = 0
        ("cubic", 2, 4, 2),  # 8 + 8 = 16 = 2
    ],
)
def test_operation_modulo_seven_by_hand(operation: Any, a: Any, b: Any, result: Any) -> None:
    data = algorithmic.modular(0, operation=operation, modulus=7, fraction=0.5)

    assert dict(rows(data))[a, b] == result


def test_composition_applies_the_second_permutation_first() -> None:
    # Lexicographic S3: 0=012 1=021 2=102 3=120 4=201 5=210. (1 after 2)(i) = p1(p2(i)): p2=102, p1=021 -> 201 = 4.
    data = algorithmic.composition(0, degree=3, fraction=0.5)

    assert dict(rows(data))[1, 2] == 4
    assert dict(rows(data))[2, 1] == 3


def test_parity_depends_on_the_relevant_bits_only() -> None:
    data = algorithmic.parity(0, bits=6, relevant=2, train=32, held=32)
    table = dict(rows(data))
    matters = [bit for bit in range(6) if any(table[x] != table[flip(x, bit)] for x in table)]

    assert len(table) == 64
    assert len(matters) == 2


def flip(row: Any, bit: Any) -> Any:
    return tuple(-v if i == bit else v for i, v in enumerate(row))


def test_two_hop_targets_follow_the_one_hop_facts() -> None:
    data = language.two_hop(0, entities=6, relations=4, fraction=0.8)
    facts = {(h, r): y for (pad, h, r), y in rows(data) if pad == 10}

    assert len(facts) == 24
    assert all(y == facts[facts[h, r], s] for (h, r, s), y in rows(data) if h != 10)


def test_two_hop_counts_memorization_on_two_hop_rows_only() -> None:
    data: Any = language.two_hop(0, entities=6, relations=4, fraction=0.8)

    assert torch.equal(data.counted, data.train.inputs[:, 0] != 10)


def test_retrieval_target_is_the_value_after_the_asked_key() -> None:
    data = language.retrieval(0, pairs=3, keys=5, values=4, train=20, held=20)

    for tokens, target in rows(data):
        bound = dict(zip(tokens[:-1:2], tokens[1:-1:2], strict=True))
        assert len(bound) == 3
        assert bound[tokens[-1]] == target + 5


def test_the_digits_are_those_of_scikit_learn() -> None:
    bunch = load_digits()

    assert np.array_equal(vision.images()[:, :-1], bunch.data)
    assert np.array_equal(vision.images()[:, -1], bunch.target)


def test_selection_sees_validation_rows_in_the_place_of_test_rows() -> None:
    data = MAKERS["modular"](0)

    assert data.for_selection().test is data.validation
    assert not {x for x, _ in rows(data.for_selection())} & {tuple(x) for x in data.test.inputs.tolist()}


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: algorithmic.modular(0, operation="plus", modulus=7, fraction=0.5), "there are: add"),
        (lambda: algorithmic.modular(0, operation="divide", modulus=8, fraction=0.5), "8 is not prime"),
        (lambda: algorithmic.modular(0, operation="add", modulus=7, fraction=1.5), "between 0 and 1"),
        (lambda: algorithmic.modular(0, operation="add", modulus=2, fraction=0.99), "held-out rows"),
        (lambda: algorithmic.parity(0, bits=4, relevant=2, train=10, held=10), "there are 16 vectors"),
        (lambda: language.retrieval(0, pairs=9, keys=5, values=4, train=2, held=2), "9 distinct keys"),
        (lambda: vision.digits(0, train=1_000, held=1_000), "there are 1797"),
        (lambda: tasks.get("add-32"), "did you mean 'add-31'"),
        (lambda: tasks.get("zzzz"), "there are: add-31"),
    ],
)
def test_an_impossible_task_says_what_and_what_to_do(make: Any, said: Any) -> None:
    with pytest.raises(GrokkingError, match=said):
        make()


@given(st.integers(2, 12), st.floats(0.05, 0.95), st.integers(0, 2**31))
def test_split_keeps_groups_whole_and_loses_no_row(side: Any, fraction: Any, seed: Any) -> None:
    keys = [(min(p), max(p)) for p in product(range(side), repeat=2)]
    try:
        train, held = split_groups(keys, fraction, np.random.default_rng(seed))
    except GrokkingError:
        return

    assert sorted([*train, *held]) == list(range(len(keys)))
    assert not {keys[i] for i in train} & {keys[i] for i in held}


@pytest.mark.parametrize("name", tasks.names())
def test_every_task_makes_data_that_its_network_answers(name: Any) -> None:
    task = tasks.get(name)
    data = task.make(0)
    params = {n: t.unsqueeze(0) for n, t in task.network.init(torch.Generator().manual_seed(0)).items()}
    output = task.network.forward(params, data.test.inputs[:5].unsqueeze(0), None)

    assert output.logits.shape == (1, 5, task.card.classes)
    assert int(data.train.targets.max()) < task.card.classes


def test_a_task_name_cannot_be_taken_by_another_card() -> None:
    task = tasks.get("add-31")
    other = tasks.Task(task.card.model_copy(update={"budget": 7}), task.network, task.make)

    assert tasks.register(task) is task
    with pytest.raises(GrokkingError, match="exists with another card"):
        tasks.register(other)
