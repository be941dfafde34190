r"""Log-probabilities and losses straight from hidden states: the logits of the whole batch never exist.

The output layer is applied to `rows` positions at a time. With $z = Wh/\tau$, $p = \text{softmax}(z)$ and $H$ the
entropy, $\partial \log p_y / \partial z = e_y - p$ and $\partial H / \partial z_j = -p_j (\log p_j + H)$, so the
gradient needs nothing but what a chunk has. Only unmasked positions are computed.

Two ways: where the gradient at each token is known beforehand (on-policy, no divergence) it is formed in the forward
pass, with three products of matrices; otherwise the backward pass computes the chunk's logits again, with four.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from airskills.rl.errors import RlError
from airskills.rl.losses import Objective, entropy_bonus, policy_loss

ROWS = 256  # positions per chunk: measured best on CPU at V 16k, where 128 is 4 % slower and 512 14 %


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


class FusedLoss(NamedTuple):
    """Result of `linear_policy_loss`.

    Attributes:
        loss: scalar, with gradient to hidden states, weight and bias.
        logp: `[B, T]`, 0 at masked positions, without gradient.
        entropy: `[B, T]`, in nats, as `logp`.
    """

    loss: Tensor
    logp: Tensor
    entropy: Tensor


class FusedError(RlError, ValueError):
    """Hidden states, head and targets do not fit together."""


def token_logps(hidden: Tensor, head: Head, targets: Tensor, *, rows: int = ROWS) -> tuple[Tensor, Tensor]:
    """Log-probability of each target, and entropy of its distribution, both with gradient.

    Args:
        hidden: `[N, H]`.
        head: the output layer.
        targets: `[N]`, indices below `V`.
        rows: positions per chunk.

    Returns:
        `[N]` and `[N]`, in float32 at least.

    Raises:
        FusedError: for shapes that do not fit.
    """
    _check(hidden, head, targets)
    with _full_precision(hidden):
        logp, entropy = _LogProbs.apply(  # type: ignore[no-untyped-call]  # torch leaves apply untyped
            hidden.to(head.weight.dtype), head.weight, head.bias, targets, head.temperature, rows
        )
    return logp, entropy


def linear_policy_loss(  # noqa: PLR0913 - those of policy_loss, and the head in place of logp
    objective: Objective,
    hidden: Tensor,
    head: Head,
    targets: Tensor,
    advantages: Tensor,
    mask: Tensor,
    *,
    old_logp: Tensor | None = None,
    ref_logp: Tensor | None = None,
    token_weights: Tensor | None = None,
    normalizer: Tensor | float | None = None,
    entropy_coef: float = 0.0,
    rows: int = ROWS,
) -> FusedLoss:
    """Compute `losses.policy_loss` minus `entropy_coef` times the mean entropy, without logits.

    Args:
        objective: which loss.
        hidden: `[B, T, H]`, the state from which each completion token is predicted.
        head: the output layer.
        targets: `[B, T]`, completion tokens; not read where masked.
        advantages: `[B]` or `[B, T]`.
        mask: `[B, T]`.
        old_logp: `[B, T]`, or `None` on-policy.
        ref_logp: `[B, T]`, if `objective.beta` is not 0.
        token_weights: as in `policy_loss`.
        normalizer: as in `policy_loss`.
        entropy_coef: weight of the entropy bonus.
        rows: positions per chunk.
    """
    keep = mask.bool()
    states, wanted = hidden[keep], targets[keep]
    _check(states, head, wanted)

    def loss_of(logp: Tensor, entropy: Tensor) -> Tensor:
        grid_logp, grid_entropy = _grid(logp, keep), _grid(entropy, keep)
        loss = policy_loss(
            objective,
            grid_logp,
            advantages,
            mask,
            old_logp=old_logp,
            ref_logp=ref_logp,
            token_weights=token_weights,
            normalizer=normalizer,
        )
        return (
            loss - entropy_coef * entropy_bonus(grid_entropy, mask.to(logp.dtype)) if entropy_coef else loss
        )

    if old_logp is None and not objective.beta:
        slopes = _slopes(loss_of, len(wanted), states)
        with _full_precision(states):
            logp, entropy, surrogate = _Slope.apply(  # type: ignore[no-untyped-call]  # torch leaves apply untyped
                states.to(head.weight.dtype), head.weight, head.bias, wanted, head.temperature, rows, *slopes
            )
        loss = surrogate + (loss_of(logp.detach(), entropy.detach()) - surrogate.detach())
    else:
        logp, entropy = token_logps(states, head, wanted, rows=rows)
        loss = loss_of(logp, entropy)
    return FusedLoss(loss, _grid(logp.detach(), keep), _grid(entropy.detach(), keep))


def _full_precision(states: Tensor) -> torch.autocast:
    """Switch autocast off: the chunks choose their own types."""
    return torch.autocast(states.device.type, enabled=False)


def _check(hidden: Tensor, head: Head, targets: Tensor) -> None:
    if hidden.shape[-1] != head.weight.shape[-1] or hidden.shape[:-1] != targets.shape:
        raise FusedError(
            f"hidden {list(hidden.shape)}, weight {list(head.weight.shape)} and targets {list(targets.shape)} "
            "must be [N, H], [V, H] and [N]"
        )
    vocabulary = head.weight.shape[0]
    if targets.numel() and not 0 <= int(targets.min()) <= int(targets.max()) < vocabulary:
        raise FusedError(
            f"targets lie in {int(targets.min())} to {int(targets.max())}; they must be 0 to {vocabulary - 1}"
        )


def _grid(values: Tensor, keep: Tensor) -> Tensor:
    """`[N]` back to `[B, T]`, with gradient."""
    return values.new_zeros(keep.shape).masked_scatter(keep, values)


def _slopes(loss_of: Any, count: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Gradient of the loss at each token; where the ratio is 1 it does not depend on the log-probability."""
    dtype = torch.promote_types(like.dtype, torch.float32)
    with torch.enable_grad():
        logp = torch.zeros(count, dtype=dtype, device=like.device, requires_grad=True)
        entropy = torch.zeros_like(logp, requires_grad=True)
        slopes = torch.autograd.grad(loss_of(logp, entropy), (logp, entropy), allow_unused=True)
    return tuple(torch.zeros_like(logp) if slope is None else slope for slope in slopes)  # type: ignore[return-value]  # two


class _Softmax:
    """The distribution at the positions of a chunk; two buffers `[rows, V]` serve all chunks.

    Attributes:
        log_p: `[n, V]`.
        p: `[n, V]`.
    """

    def __init__(self, head: Head, count: int, rows: int) -> None:
        self.head = head
        shape = (min(count, rows), head.weight.shape[0])
        self._logits = head.weight.new_empty(shape)
        exact = torch.promote_types(head.weight.dtype, torch.float32)
        self._p = self._logits if exact == self._logits.dtype else torch.empty_like(self._logits, dtype=exact)
        self._log_p = torch.empty_like(self._p)

    def at(self, states: Tensor) -> _Softmax:
        """Compute the distribution at `states`, `[n, H]`."""
        n = len(states)
        z = torch.mm(states, self.head.weight.T, out=self._logits[:n])
        if self._p is not self._logits:
            z = self._p[:n].copy_(z)
        if self.head.bias is not None:
            z += self.head.bias
        if self.head.temperature != 1.0:
            z /= self.head.temperature
        self.log_p = torch.log_softmax(z, -1, out=self._log_p[:n])
        self.p = torch.exp(self.log_p, out=z)
        return self

    def logp(self, targets: Tensor) -> Tensor:
        """`[n]`, of one token per position."""
        return self.log_p.gather(1, targets[:, None]).squeeze(1)

    def entropy(self) -> Tensor:
        """`[n]`, in nats."""
        entropy: Tensor = -torch.linalg.vecdot(self.p, self.log_p)
        return entropy

    def slope(self, targets: Tensor, g_logp: Tensor, g_entropy: Tensor, entropy: Tensor) -> Tensor:
        """Gradient `[n, V]` of the scaled logits; uses up `log_p` and `p`."""
        if g_entropy.any():  # -p (g_logp + g_entropy (log p + H))
            factor = self.log_p.add_(entropy[:, None]).mul_(g_entropy[:, None]).add_(g_logp[:, None])
            slope = self.p.mul_(factor).neg_()
        else:
            slope = self.p.mul_(-g_logp[:, None])
        return slope.scatter_add_(1, targets[:, None], g_logp[:, None])


class _Gradients:
    """Gradients of states, weight and bias, added up chunk by chunk."""

    def __init__(self, states: Tensor, head: Head, needs: tuple[bool, bool, bool]) -> None:
        self.head = head
        self.states = torch.empty_like(states) if needs[0] else None
        exact = torch.promote_types(head.weight.dtype, torch.float32)
        self.weight = torch.zeros_like(head.weight, dtype=exact) if needs[1] else None
        self.bias = torch.zeros_like(head.bias) if needs[2] and head.bias is not None else None

    def add(self, at: slice, states: Tensor, slope: Tensor) -> None:
        """Take the gradient `[n, V]` of a chunk's scaled logits."""
        if self.head.temperature != 1.0:
            slope /= self.head.temperature
        slope = slope.to(states.dtype)
        if self.states is not None:
            torch.mm(slope, self.head.weight, out=self.states[at])
        if self.weight is not None:
            self._add_weight(slope, states)
        if self.bias is not None:
            self.bias += slope.sum(0)

    def _add_weight(self, slope: Tensor, states: Tensor) -> None:
        assert self.weight is not None  # noqa: S101 - asked for by the caller
        if self.weight.dtype == slope.dtype:
            self.weight.addmm_(slope.T, states)
        else:
            self.weight += slope.T @ states

    def all(self) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        """Of states, weight and bias, in their own types."""
        weight = None if self.weight is None else self.weight.to(self.head.weight.dtype)
        return self.states, weight, self.bias


def _chunks(count: int, rows: int) -> list[slice]:
    return [slice(start, min(start + rows, count)) for start in range(0, count, rows)]


class _LogProbs(torch.autograd.Function):
    """Forward keeps states and targets only; backward computes the logits again."""

    @staticmethod
    def forward(
        ctx: Any,
        states: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        temperature: float,
        rows: int,
    ) -> tuple[Tensor, Tensor]:
        head = Head(weight, bias, temperature)
        logp = states.new_empty(len(targets), dtype=torch.promote_types(states.dtype, torch.float32))
        entropy = torch.empty_like(logp)
        softmax = _Softmax(head, len(targets), rows)
        for at in _chunks(len(targets), rows):
            logp[at] = softmax.at(states[at]).logp(targets[at])
            entropy[at] = softmax.entropy()
        ctx.save_for_backward(states, weight, bias, targets, entropy)
        ctx.temperature, ctx.rows = temperature, rows
        return logp, entropy

    @staticmethod
    def backward(ctx: Any, g_logp: Tensor, g_entropy: Tensor) -> tuple[Tensor | None, ...]:
        states, weight, bias, targets, entropy = ctx.saved_tensors
        head = Head(weight, bias, ctx.temperature)
        gradients = _Gradients(states, head, ctx.needs_input_grad[:3])
        softmax = _Softmax(head, len(targets), ctx.rows)
        for at in _chunks(len(targets), ctx.rows):
            slope = softmax.at(states[at]).slope(targets[at], g_logp[at], g_entropy[at], entropy[at])
            gradients.add(at, states[at], slope)
        return *gradients.all(), None, None, None


class _Slope(torch.autograd.Function):
    """Forward forms the gradient at once, of the scalar `sum(g_logp * logp + g_entropy * entropy)`."""

    @staticmethod
    def forward(  # noqa: PLR0913, PLR0917 - torch passes what apply was given
        ctx: Any,
        states: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        temperature: float,
        rows: int,
        g_logp: Tensor,
        g_entropy: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        head = Head(weight, bias, temperature)
        gradients = _Gradients(states, head, ctx.needs_input_grad[:3])
        logp, entropy = torch.empty_like(g_logp), torch.empty_like(g_logp)
        softmax = _Softmax(head, len(targets), rows)
        for at in _chunks(len(targets), rows):
            logp[at] = softmax.at(states[at]).logp(targets[at])
            entropy[at] = softmax.entropy()
            gradients.add(at, states[at], softmax.slope(targets[at], g_logp[at], g_entropy[at], entropy[at]))
        ctx.gradients = gradients.all()
        ctx.mark_non_differentiable(logp, entropy)
        return logp, entropy, torch.dot(g_logp, logp) + torch.dot(g_entropy, entropy)

    @staticmethod
    def backward(ctx: Any, _logp: Any, _entropy: Any, g_loss: Tensor) -> tuple[Tensor | None, ...]:
        if ctx.gradients is None:
            raise FusedError("The gradient of this loss was already taken", help="Compute the loss again")
        gradients, ctx.gradients = ctx.gradients, None  # used up, so that a weight's gradient exists once
        scaled = [None if gradient is None else gradient.mul_(g_loss) for gradient in gradients]
        return *scaled, None, None, None, None, None
