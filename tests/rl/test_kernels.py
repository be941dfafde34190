"""Every kernel of every backend against the plain-Python oracle."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airskills.rl import backends
from airskills.rl.batch import TokenBatch

RNG = np.random.default_rng(0)
ROWS: dict[str, Any] = {
    "empty batch": [],
    "empty rows": [[], [], []],
    "one token": [[3], [3], [4]],
    "all equal": [[7] * 50, [7] * 49, [7] * 3],
    "short": [[1, 2], [2, 1, 2], [1]],
    "huge ids": [[2**32 - 1, 0, 2**32 - 1, 0, 2**31], [2**32 - 2] * 9],
    "small vocabulary": [RNG.integers(0, 5, n).tolist() for n in (40, 0, 200, 1, 33)],
    "large vocabulary": [RNG.zipf(1.2, n).clip(0, 128_000).tolist() for n in (300, 700, 5)],
    "more rows than an epoch": [RNG.integers(0, 3, 4).tolist() for _ in range(1100)],
}
CASES = [
    *(("unique_ngrams", (n,)) for n in (1, 2, 3, 5)),
    ("token_entropy", ()),
    ("pattern_count", (np.array([7, 1, 2, 7, 7], np.uint32), np.array([0, 1, 3, 5], np.int64))),
    *(("self_bleu", (size, n)) for size, n in ((1, 4), (2, 4), (3, 2), (50, 4))),
]
OTHERS = [
    pytest.param(name, marks=pytest.mark.skipif(bool(reason := backend.available()), reason=reason or ""))
    for name, backend in backends.registered().items()
    if name != "python"
]


def both(kernel: Any, batch: Any, parameters: Any, backend: Any) -> Any:
    return [backends.run(kernel, batch, *parameters, backend=name) for name in (backend, "python")]


@pytest.mark.parametrize("backend", OTHERS)
@pytest.mark.parametrize(("kernel", "parameters"), CASES, ids=lambda case: str(case)[:20])
@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS.keys())
def test_kernel_agrees_with_the_oracle(backend: Any, kernel: Any, parameters: Any, rows: Any) -> None:
    got, expected = both(kernel, TokenBatch.from_lists(rows), parameters, backend)

    if kernel in {"unique_ngrams", "pattern_count"}:
        assert got.tolist() == expected.tolist()
    else:
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("backend", OTHERS)
@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.lists(st.integers(0, 2**32 - 1) | st.integers(0, 3), max_size=30), max_size=8),
    n=st.integers(1, 6),
)
def test_counts_of_any_rows_agree_with_the_oracle(backend: Any, rows: Any, n: Any) -> None:
    batch = TokenBatch.from_lists(rows)
    got, expected = both("unique_ngrams", batch, (n,), backend)
    bleu, expected_bleu = both("self_bleu", batch, (3, n), backend)

    assert got.tolist() == expected.tolist()
    np.testing.assert_allclose(bleu, expected_bleu, rtol=1e-12, atol=1e-14)


def test_threads_do_not_change_the_result() -> None:
    batch = TokenBatch.from_lists(ROWS["more rows than an epoch"])

    assert (
        backends.run("unique_ngrams", batch, 2, threads=3).tolist()
        == backends.run("unique_ngrams", batch, 2).tolist()
    )


@pytest.mark.parametrize("backend", OTHERS)
def test_gae_passes_state_over_masked_positions(backend: Any) -> None:
    rewards, values = RNG.normal(size=(2, 6, 9))
    mask = RNG.random((6, 9)) < 0.6
    got, expected = np.empty((6, 9)), np.empty((6, 9))
    backends.resolve("gae", backend)[0](rewards, values, mask, 0.9, 0.8, got)
    backends.resolve("gae", "python")[0](rewards, values, mask, 0.9, 0.8, expected)

    np.testing.assert_allclose(got, expected, rtol=1e-12)


@pytest.mark.parametrize("backend", ["python", *OTHERS])
def test_self_bleu_equals_sacrebleu_on_words(backend: Any) -> None:
    bleu = pytest.importorskip("sacrebleu", reason="oracle only")
    texts = ["a b c d e f", "a b c x e f g", "q r s", "a b c d"]
    vocabulary = {word: i for i, word in enumerate(sorted(set(" ".join(texts).split())))}
    rows = [[vocabulary[word] for word in text.split()] for text in texts]
    expected = [
        bleu.sentence_bleu(text, texts[:i] + texts[i + 1 :], tokenize="none", use_effective_order=True).score
        / 100
        for i, text in enumerate(texts)
    ]

    got = backends.run("self_bleu", TokenBatch.from_lists(rows), 4, 4, backend=backend)

    np.testing.assert_allclose(got, expected, rtol=1e-9)
