r"""Log-probabilities straight from hidden states: the logits of the whole batch never exist.

The output layer is applied to `rows` positions at a time. With $z = Wh/\tau$, $p = \text{softmax}(z)$ and $H$ the
entropy, $\partial \log p_y / \partial z = e_y - p$ and $\partial H / \partial z_j = -p_j (\log p_j + H)$, so the
gradient needs nothing but what a chunk has.

Two ways: where the caller knows the gradient at each token beforehand, that of states and weight is formed in the
forward pass, with three products of matrices; otherwise the backward pass computes the chunk's logits again, with four.
What comes back is held against what was expected, so a wrong expectation costs time and nothing else.

On CUDA the products are taken in the type of the weight, or of autocast; logits and sums stay in float32.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

import torch
from torch import Tensor

from airskills.rl.errors import RlError

ROWS = 256  # positions to one product: measured best on CPU at V 16k, where 128 is 4 % slower and 512 14 %
CACHED = 2**18  # numbers that stay in a level-2 cache between two operations
CUDA_LOGITS = 2**28  # of a chunk, 1 GiB: on an H200 half as many take 8 % longer, twice as many 3 % less
AGREES = 1e-6  # relative difference of a gradient from the expected one that is rounding


class Head(NamedTuple):
    """The output layer.

    Attributes:
        weight: `[V, H]`.
        bias: `[V]` or `None`.
        temperature: divisor of the logits.
    """

    weight: Tensor
    bias: Tensor | None = None
    temperature: float = 1.0


class Slopes(NamedTuple):
    """Gradient of a loss at each token.

    Attributes:
        logp: `[N]`, by the log-probability.
        entropy: `[N]`, by the entropy.
    """

    logp: Tensor
    entropy: Tensor


class HeadError(RlError, ValueError):
    """Hidden states, head and targets do not fit together."""


def token_logps(
    hidden: Tensor, head: Head, targets: Tensor, *, expected: Slopes | None = None, rows: int | None = None
) -> tuple[Tensor, Tensor]:
    """Log-probability of each target, and entropy of its distribution, both with gradient.

    Args:
        hidden: `[N, H]`.
        head: the output layer.
        targets: `[N]`, indices below `V`.
        expected: gradient that will come back, but for one common factor, if it is known; it saves a quarter of the
            work, and changes no result.
        rows: positions per chunk; by the device if `None`.

    Returns:
        `[N]` and `[N]`, in float32 at least.

    Raises:
        HeadError: for shapes that do not fit, or targets that are not in the vocabulary.
    """
    _check(hidden, head, targets)
    if not torch.is_grad_enabled():
        expected = None
    dtype = _product_dtype(head.weight)
    rows = rows or _rows(len(targets), head.weight)
    with torch.autocast(hidden.device.type, enabled=False):  # the chunks choose their own types
        logp, entropy = _LogProbs.apply(  # type: ignore[no-untyped-call]  # torch leaves apply untyped
            hidden.to(dtype), head.weight, head.bias, targets, head.temperature, rows, expected
        )
    return logp, entropy


def _product_dtype(weight: Tensor) -> torch.dtype:
    """Autocast on a CPU would round where nothing gets faster."""
    autocast = weight.is_cuda and torch.is_autocast_enabled("cuda")
    return torch.get_autocast_dtype("cuda") if autocast else weight.dtype


def _rows(count: int, weight: Tensor) -> int:
    """Positions per chunk: on CUDA chunks of one size, in steps of 128, that the matrix units like."""
    if not weight.is_cuda:
        return ROWS
    most = max(CUDA_LOGITS // len(weight), ROWS)
    chunks = -(-count // most)
    return -(-count // max(chunks, 1) // 128) * 128 or 128


def _check(hidden: Tensor, head: Head, targets: Tensor) -> None:
    if hidden.shape[-1] != head.weight.shape[-1] or hidden.shape[:-1] != targets.shape:
        raise HeadError(
            f"hidden {list(hidden.shape)}, weight {list(head.weight.shape)} and targets {list(targets.shape)} "
            "must be [N, H], [V, H] and [N]"
        )
    if not targets.numel():
        return
    vocabulary = head.weight.shape[0]
    low, high = torch.stack(torch.aminmax(targets)).tolist()  # one wait for the device
    if not 0 <= low <= high < vocabulary:
        raise HeadError(f"targets lie in {low} to {high}; they must be 0 to {vocabulary - 1}")


@cache
def _kernel() -> Any:
    """The module with the kernel for CUDA, `None` where there is no Triton."""
    return import_module("airskills.rl.softmax_kernel") if find_spec("triton") else None


class _Chunk:
    """The distribution at the positions of a chunk, in one buffer `[rows, V]` that serves all chunks.

    On a CPU a few positions at a time go through all operations, so that they stay in its cache.
    """

    def __init__(self, head: Head, count: int, rows: int) -> None:
        self.head = head
        shape = (min(count, rows), head.weight.shape[0])
        exact = torch.promote_types(head.weight.dtype, torch.float32)
        narrow = head.weight.dtype != exact and not head.weight.is_cuda  # CUDA widens within the product
        self._z = head.weight.new_empty(shape, dtype=exact)
        self._logits = torch.empty_like(self._z, dtype=head.weight.dtype) if narrow else self._z
        self._kernel = _kernel() if head.weight.is_cuda and exact == torch.float32 else None
        self._block = rows if head.weight.is_cuda else max(1, CACHED // shape[1])
        self._exp = None if self._kernel else self._z.new_empty(min(self._block, shape[0]), shape[1])

    def score(self, states: Tensor, targets: Tensor, slopes: Slopes | None) -> tuple[Tensor, Tensor, Tensor]:
        """Log-probability `[n]` and entropy `[n]` at states `[n, H]`, and the gradient `[n, V]` of the logits.

        The gradient is one only if slopes are given.
        """
        n = len(states)
        z = _product(states, self.head.weight.T, self._logits[:n])
        if self._kernel:
            bias, temperature = self.head.bias, self.head.temperature
            scores: tuple[Tensor, Tensor, Tensor] = self._kernel.score(
                z, bias, temperature, targets, slopes, states.dtype
            )
            return scores
        if self._z is not self._logits:
            z = self._z[:n].copy_(z)
        logp, entropy = z.new_empty(n), z.new_empty(n)
        for at in _spans(n, self._block):
            own = None if slopes is None else Slopes(slopes.logp[at], slopes.entropy[at])
            logp[at], entropy[at] = self._score_block(z[at], targets[at], own)
        return logp, entropy, z

    def _score_block(self, z: Tensor, targets: Tensor, slopes: Slopes | None) -> tuple[Tensor, Tensor]:
        """As `score`; `z` becomes the gradient in place."""
        if self.head.bias is not None:
            z += self.head.bias
        if self.head.temperature != 1.0:
            z /= self.head.temperature
        z -= z.amax(1, keepdim=True)
        picked = z.gather(1, targets[:, None]).squeeze(1)
        assert self._exp is not None  # noqa: S101 - made where there is no kernel
        p = torch.exp(z, out=self._exp[: len(z)])
        total = p.sum(1)
        log_total = total.log()
        entropy = log_total - torch.linalg.vecdot(p, z) / total
        if slopes is not None:
            if self.head.temperature != 1.0:
                slopes = Slopes(*(slope / self.head.temperature for slope in slopes))
            _slope(z, p, total, entropy, slopes)
            z.scatter_add_(1, targets[:, None], slopes.logp[:, None])
        return picked - log_total, entropy


def _product(a: Tensor, b: Tensor, out: Tensor, *, add: bool = False) -> Tensor:
    """Write the product of two matrices, or add it; on CUDA half precision is widened before, not after, the sum."""
    if out.dtype != a.dtype and add:
        return torch.addmm(out, a, b, out_dtype=out.dtype, out=out)
    if out.dtype != a.dtype:
        return torch.mm(a, b, out_dtype=out.dtype, out=out)
    return out.addmm_(a, b) if add else torch.mm(a, b, out=out)


def _slope(z: Tensor, p: Tensor, total: Tensor, entropy: Tensor, slopes: Slopes) -> None:
    r"""Over shifted logits `z` write the gradient $-p (g_{logp} + g_H (\log p + H))$, all but its term at the target."""
    if slopes.entropy.any():
        z += (entropy - total.log())[:, None]
        z *= slopes.entropy[:, None]
        z += slopes.logp[:, None]
        z *= p.mul_(-1 / total[:, None])
    else:
        torch.mul(p, (-slopes.logp / total)[:, None], out=z)


class _Gradients:
    """Gradients of states, weight and bias, added up chunk by chunk in float32 at least."""

    def __init__(self, states: Tensor, head: Head, needs: tuple[bool, bool, bool]) -> None:
        self.head = head
        exact = torch.promote_types(head.weight.dtype, torch.float32)
        self.states = torch.empty_like(states) if needs[0] else None
        self.weight = torch.zeros_like(head.weight, dtype=exact) if needs[1] else None
        self.bias = torch.zeros_like(head.bias, dtype=exact) if needs[2] and head.bias is not None else None

    def add(self, at: slice, states: Tensor, slope: Tensor) -> None:
        """Take the gradient `[n, V]` of a chunk's logits."""
        slope = slope.to(states.dtype)
        if self.states is not None:
            torch.mm(slope, self.head.weight, out=self.states[at])
        if self.weight is not None:
            self._add_weight(slope, states)
        if self.bias is not None:
            self.bias += slope.sum(0, dtype=self.bias.dtype)

    def _add_weight(self, slope: Tensor, states: Tensor) -> None:
        assert self.weight is not None  # noqa: S101 - asked for by the caller
        if self.weight.is_cuda or self.weight.dtype == slope.dtype:
            _product(slope.T, states, self.weight, add=True)
        else:
            self.weight += slope.T @ states

    def times(self, factor: float, like: Head) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        """Of states, weight and bias, the latter in the types of a head; they are used up."""
        if factor != 1.0:
            for gradient in filter(torch.is_tensor, (self.states, self.weight, self.bias)):
                gradient.mul_(factor)
        weight = None if self.weight is None else self.weight.to(like.weight.dtype)
        bias = None if self.bias is None or like.bias is None else self.bias.to(like.bias.dtype)
        return self.states, weight, bias


def _spans(count: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def _walk(
    states: Tensor, head: Head, targets: Tensor, rows: int, slopes: Slopes | None, into: _Gradients | None
) -> tuple[Tensor, Tensor]:
    """Log-probabilities `[N]` and entropies `[N]`; with slopes the gradients are added up on the way."""
    logp = states.new_empty(len(targets), dtype=torch.promote_types(states.dtype, torch.float32))
    entropy = torch.empty_like(logp)
    chunk = _Chunk(head, len(targets), rows)
    for at in _spans(len(targets), rows):
        own = None if slopes is None else Slopes(slopes.logp[at], slopes.entropy[at])
        logp[at], entropy[at], slope = chunk.score(states[at], targets[at], own)
        if into is not None:
            into.add(at, states[at], slope)
    return logp, entropy


def _factor(came: Slopes, expected: Slopes) -> float | None:
    """What the expected gradient must be multiplied by to be the one that came; `None` if no number does it."""
    got, wanted = torch.cat(came).double(), torch.cat(expected).double()
    sums = torch.stack([wanted.dot(wanted), got.dot(wanted), got.dot(got)])
    power, common, size = sums.tolist()  # one wait for the device
    factor = float(common / power) if power else 0.0
    off = size - 2 * factor * common + factor**2 * power  # squared norm of got - factor * wanted
    return factor if off <= AGREES**2 * size else None


class _LogProbs(torch.autograd.Function):
    """Keeps states and targets; gradients too, if they were formed beforehand."""

    @staticmethod
    def forward(
        ctx: Any,
        states: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        temperature: float,
        rows: int,
        expected: Slopes | None,
    ) -> tuple[Tensor, Tensor]:
        head = Head(weight.to(states.dtype), bias, temperature)
        gradients = None if expected is None else _Gradients(states, head, ctx.needs_input_grad[:3])
        logp, entropy = _walk(states, head, targets, rows, expected, gradients)
        ctx.save_for_backward(states, weight, bias, targets)
        ctx.temperature, ctx.rows, ctx.expected, ctx.gradients = temperature, rows, expected, gradients
        return logp, entropy

    @staticmethod
    def backward(ctx: Any, g_logp: Tensor, g_entropy: Tensor) -> tuple[Tensor | None, ...]:
        came = Slopes(g_logp, g_entropy)
        factor = None if ctx.gradients is None else _factor(came, ctx.expected)
        gradients, ctx.gradients = ctx.gradients, None  # once: they are handed over, not copied
        if factor is None:
            factor, gradients = 1.0, _again(ctx, came)
        head = Head(ctx.saved_tensors[1], ctx.saved_tensors[2])
        return *gradients.times(factor, head), None, None, None, None


def _again(ctx: Any, slopes: Slopes) -> _Gradients:
    """Compute the chunks a second time, for a gradient that is known now."""
    states, weight, bias, targets = ctx.saved_tensors
    head = Head(weight.to(states.dtype), bias, ctx.temperature)
    gradients = _Gradients(states, head, ctx.needs_input_grad[:3])
    _walk(states, head, targets, ctx.rows, slopes, gradients)
    return gradients
