"""Token ids of a batch of completions as two flat arrays: the only way into the kernels."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from operator import index
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from airskills.rl.errors import TokenBatchError

UInt32 = npt.NDArray[np.uint32]
Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

LARGEST_ID = 2**32 - 1


@dataclass(frozen=True, slots=True, eq=False)
class TokenBatch:
    """Completions of different lengths, one after the other.

    Attributes:
        ids: `[N]`, the tokens of all rows.
        offsets: `[B + 1]`; row `i` is `ids[offsets[i]:offsets[i + 1]]`.
    """

    ids: UInt32
    offsets: Int64

    @property
    def lengths(self) -> Int64:
        """`[B]`, tokens of each row."""
        return np.diff(self.offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def row(self, i: int) -> UInt32:
        """Tokens of row `i`."""
        return self.ids[self.offsets[i] : self.offsets[i + 1]]

    @classmethod
    def from_lists(cls, rows: Sequence[Sequence[int]]) -> TokenBatch:
        """Copy rows of Python integers; tuples, arrays and tensors work too, several times slower.

        Raises:
            TokenBatchError: for an id that is not an integer of 0 to 4294967295, naming row and position.

        >>> TokenBatch.from_lists([[5, 7], [], [9]]).offsets.tolist()
        [0, 2, 2, 3]
        """
        flat = array("I")  # this type code converts with PyLong_AsUnsignedLong; "i" is four times slower
        lengths = np.empty(len(rows) + 1, np.int64)
        lengths[0] = 0
        for i, row in enumerate(rows):
            try:
                flat.fromlist(row)  # type: ignore[arg-type]  # not a list: TypeError, and the slow way below
            except (TypeError, OverflowError):
                flat.extend(_ids_of(row, i))
            lengths[i + 1] = len(flat)
        return cls(np.frombuffer(flat, np.uint32) if flat else np.empty(0, np.uint32), lengths)

    @classmethod
    def from_padded(cls, ids: Any, mask: Any) -> TokenBatch:
        """Take the tokens where `mask` is true.

        Args:
            ids: `[B, T]`, array or tensor of integers.
            mask: `[B, T]`, true or 1 at real tokens.

        Raises:
            TokenBatchError: if the shapes differ, or an unmasked id is out of range.
        """
        ids, keep = (np.asarray(given.cpu() if hasattr(given, "cpu") else given) for given in (ids, mask))
        keep = keep.astype(bool)
        if ids.ndim != 2 or ids.shape != keep.shape:
            raise TokenBatchError(f"ids {list(ids.shape)} and mask {list(keep.shape)} must both be [B, T]")
        flat = ids[keep]
        if flat.dtype.kind not in "iu" or (
            flat.size and not 0 <= int(flat.min()) <= int(flat.max()) <= LARGEST_ID
        ):
            raise TokenBatchError(f"ids under the mask must be integers of 0 to {LARGEST_ID}")
        return cls(flat.astype(np.uint32), np.concatenate(([0], keep.sum(1).cumsum())).astype(np.int64))


class _Last(NamedTuple):
    rows: Any
    members: list[int]
    batch: TokenBatch


_last: list[_Last] = []  # at most one: the batch of the training step in progress


def ingest(rows: Any, *, share: bool = False) -> TokenBatch:
    """Make a batch of whatever a reward was handed.

    Args:
        rows: `list[list[int]]`, or a `TokenBatch`, which is returned as it is.
        share: remember the result, and return it again for the same list object. A trainer hands one list to all
            rewards of a step and does not change it; a caller who edits rows in place must not share.
    """
    if isinstance(rows, TokenBatch):
        return rows
    if not share:
        return TokenBatch.from_lists(rows)
    members = [id(row) for row in rows] + [len(row) for row in rows]
    for last in _last:
        if last.rows is rows and last.members == members:
            return last.batch
    batch = TokenBatch.from_lists(rows)
    _last[:] = [_Last(rows, members, batch)]  # holding the list keeps its identity from being reused
    return batch


def _ids_of(row: Any, i: int) -> array[int]:
    """Convert one row that is not a plain list of small integers, or say which item is wrong."""
    items = row.tolist() if hasattr(row, "tolist") else row
    if isinstance(items, str | bytes) or not hasattr(items, "__iter__"):
        raise TokenBatchError(f"completion_ids[{i}] is {type(row).__name__}, not a list of token ids")
    flat = array("I")
    for position, item in enumerate(items):
        flat.append(_id_of(item, i, position))
    return flat


def _id_of(item: Any, i: int, position: int) -> int:
    where = f"completion_ids[{i}][{position}]"
    try:
        number = index(item)
    except TypeError as error:
        raise TokenBatchError(f"{where} is {item!r}, not an integer") from error
    if not 0 <= number <= LARGEST_ID:
        advice = "Leave masked positions out" if number < 0 else ""
        raise TokenBatchError(f"{where} is {number}; token ids are 0 to {LARGEST_ID}", help=advice)
    return number
