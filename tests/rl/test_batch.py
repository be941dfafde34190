from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from airskills.rl.batch import TokenBatch, ingest
from airskills.rl.errors import TokenBatchError


@given(st.lists(st.lists(st.integers(0, 2**32 - 1), max_size=5), max_size=5))
def test_rows_come_back_as_they_went_in(rows: Any) -> None:
    batch = TokenBatch.from_lists(rows)

    assert [batch.row(i).tolist() for i in range(len(batch))] == rows


@pytest.mark.parametrize(
    "row",
    [(1, 2, 3), np.array([1, 2, 3]), torch.tensor([1, 2, 3]), range(1, 4), [1, np.int64(2), 3]],
    ids=repr,
)
def test_rows_of_other_kinds_are_accepted(row: Any) -> None:
    batch = TokenBatch.from_lists([[9], row])

    assert batch.row(1).tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            [1, -100],
            r"completion_ids\[1\]\[1\] is -100; token ids are 0 to 4294967295. Leave masked positions out",
        ),
        ([2**32], r"completion_ids\[1\]\[0\] is 4294967296"),
        ([1.0], r"completion_ids\[1\]\[0\] is 1.0, not an integer"),
        ([float("nan")], r"is nan, not an integer"),
        (["a"], r"is 'a', not an integer"),
        ([[1]], r"is \[1\], not an integer"),
        ("text", r"completion_ids\[1\] is str, not a list of token ids"),
        (None, r"completion_ids\[1\] is NoneType"),
        (7, r"completion_ids\[1\] is int"),
        (torch.tensor([[1]]), r"is \[1\], not an integer"),
    ],
)
def test_a_bad_row_is_named(row: Any, message: Any) -> None:
    with pytest.raises(TokenBatchError, match=message):
        TokenBatch.from_lists([[1], row])


def test_a_mask_selects_tokens_from_padded_ids() -> None:
    batch = TokenBatch.from_padded(
        torch.tensor([[5, 6, -100], [7, 8, 9]]), torch.tensor([[1, 1, 0], [0, 1, 1]])
    )

    assert [batch.row(0).tolist(), batch.row(1).tolist()] == [[5, 6], [8, 9]]


@pytest.mark.parametrize(
    ("ids", "mask", "message"),
    [
        ([[1, 2]], [[1]], r"ids \[1, 2\] and mask \[1, 1\] must both be \[B, T\]"),
        ([[-1]], [[1]], "under the mask"),
        ([[1.5]], [[1]], "under the mask"),
    ],
)
def test_bad_padded_ids_are_refused(ids: Any, mask: Any, message: Any) -> None:
    with pytest.raises(TokenBatchError, match=message):
        TokenBatch.from_padded(np.array(ids), np.array(mask))


def test_one_list_is_ingested_once_when_it_is_shared() -> None:
    rows = [[1, 2], [3]]

    assert ingest(rows, share=True) is ingest(rows, share=True)
    assert ingest([[1, 2], [3]], share=True) is not ingest(rows, share=True)


def test_an_edited_list_is_ingested_again_when_it_is_not_shared() -> None:
    rows = [[1, 2]]
    ingest(rows)
    rows[0][1] = 9

    assert ingest(rows).row(0).tolist() == [1, 9]


def test_a_shared_list_with_another_row_is_ingested_again() -> None:
    rows = [[1, 2]]
    ingest(rows, share=True)
    rows[0] = [8, 9]

    assert ingest(rows, share=True).row(0).tolist() == [8, 9]
