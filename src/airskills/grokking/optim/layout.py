"""Where each parameter lies in the flat buffer [runs, numbers] that the optimizers update in a few operations."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Layout:
    """Names and shapes (without the [runs] axis) of the parameters, in order."""

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, params: dict[str, Tensor]) -> "Layout":
        """Take the layout of one run's parameters."""
        return cls(tuple(params), tuple(tuple(t.shape) for t in params.values()))

    @property
    def sizes(self) -> list[int]:
        """Numbers per parameter."""
        return [prod(shape) for shape in self.shapes]

    def views(self, flat: Tensor) -> dict[str, Tensor]:
        """Cut [runs, numbers] into named views [runs, *shape]; differentiable."""
        pieces = torch.split(flat, self.sizes, dim=1)
        triples = zip(self.names, self.shapes, pieces, strict=True)
        return {name: piece.view(len(flat), *shape) for name, shape, piece in triples}

    def columns(self, name: str) -> slice:
        """Columns of one parameter in the flat buffer."""
        place = self.names.index(name)
        start = sum(self.sizes[:place])
        return slice(start, start + self.sizes[place])

    def matrices(self) -> list[str]:
        """Parameters that are matrices and not a bias or gain."""
        return [
            name
            for name, shape in zip(self.names, self.shapes, strict=True)
            if len(shape) == 2 and not name.endswith(("bias", "gain"))
        ]

    def hidden(self) -> list[str]:
        """Matrices that are neither embedding nor head: those Muon is for."""
        return [name for name in self.matrices() if not name.startswith(("embed", "head"))]


def flatten(runs: Sequence[dict[str, Tensor]]) -> Tensor:
    """Stack the parameters of several runs as [runs, numbers]."""
    return torch.stack([torch.cat([t.reshape(-1) for t in params.values()]) for params in runs])
