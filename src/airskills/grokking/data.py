"""Labeled rows, their three-way split, and the stacking of several seeds."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from airskills.grokking.errors import GrokkingError

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Split:
    """Rows of one part: inputs [rows, slots] int64 tokens or [rows, features] float32; targets [rows]."""

    inputs: Tensor
    targets: Tensor

    def to(self, device: torch.device) -> "Split":
        """Copy to a device."""
        return Split(self.inputs.to(device), self.targets.to(device))

    def runs(self, keep: Tensor) -> "Split":
        """Keep some runs of a stacked split."""
        return Split(self.inputs[keep], self.targets[keep])


@dataclass(frozen=True, slots=True)
class Data:
    """A task for one seed, or stacked for several (every tensor then starts with a [runs] axis).

    `validation` and `test` halve the held-out rows: whatever *selects* (tuning, early stopping) may look at
    `validation` only; results are reported on `test`. `counted` marks the train rows on which memorization is
    judged (all of them, if None).
    """

    train: Split
    validation: Split
    test: Split
    counted: Tensor | None = None

    def to(self, device: torch.device) -> "Data":
        """Copy to a device."""
        counted = None if self.counted is None else self.counted.to(device)
        return Data(self.train.to(device), self.validation.to(device), self.test.to(device), counted)

    def runs(self, keep: Tensor) -> "Data":
        """Keep some runs of stacked data."""
        counted = None if self.counted is None else self.counted[keep]
        return Data(self.train.runs(keep), self.validation.runs(keep), self.test.runs(keep), counted)

    def for_selection(self) -> "Data":
        """Return the same data with the validation rows in the place of the test rows."""
        return Data(self.train, self.validation, self.validation, self.counted)


def stack(parts: Sequence[Data]) -> Data:
    """Stack the data of several seeds on a new first axis; all seeds must have equal sizes."""
    counted = [part.counted for part in parts if part.counted is not None]
    return Data(
        _stack([part.train for part in parts]),
        _stack([part.validation for part in parts]),
        _stack([part.test for part in parts]),
        torch.stack(counted) if counted else None,
    )


def _stack(splits: Sequence[Split]) -> Split:
    return Split(torch.stack([s.inputs for s in splits]), torch.stack([s.targets for s in splits]))


def split_groups(keys: Sequence[object], fraction: float, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Split rows so that rows with equal keys stay together.

    Held-out (a, b) whose mirror (b, a) is in the train part is answered by symmetry and not by the rule, so a
    table of a commutative operation is split with the unordered pair as the key. Groups are drawn per group
    size, so that the sizes of both parts are the same for every seed.

    Returns:
        Row numbers of the train part and of the held-out part.

    Raises:
        GrokkingError: if `fraction` is outside (0, 1) or a part would be empty.
    """
    if not 0 < fraction < 1:
        raise GrokkingError(f"Train fraction is {fraction}; it must lie between 0 and 1")
    groups: dict[object, list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        groups[key].append(row)
    train: list[int] = []
    held: list[int] = []
    for size in sorted({len(rows) for rows in groups.values()}):
        same = [rows for rows in groups.values() if len(rows) == size]
        order = rng.permutation(len(same))
        cut = round(fraction * len(same))
        train += [row for i in order[:cut] for row in same[i]]
        held += [row for i in order[cut:] for row in same[i]]
    if not train or len(held) < 2:
        raise GrokkingError(
            f"Train fraction {fraction} of {len(keys)} rows leaves {len(train)} train and {len(held)} held-out rows; "
            "at least 1 and 2 are needed: change the fraction or make the task larger"
        )
    return np.array(train), np.array(held)


def build(inputs: Tensor, targets: Tensor, train: Rows, held: Rows, rng: np.random.Generator) -> Data:
    """Make the three parts: `train`, and `held` cut into validation and test halves."""
    held = rng.permutation(held)
    half = len(held) // 2
    validation, test = _take(inputs, targets, held[:half]), _take(inputs, targets, held[half:])
    return Data(_take(inputs, targets, train), validation, test)


def _take(inputs: Tensor, targets: Tensor, rows: Rows) -> Split:
    pick = torch.from_numpy(rows)
    return Split(inputs[pick], targets[pick])
