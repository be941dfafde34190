r"""Policy losses as pure functions: a term per token, and a way to add the terms up.

Names: `logp` is $\log\pi_\theta(y_t)$, `old_logp` that of the policy that sampled, `ref_logp` that of the reference;
$\rho_t = \exp(\text{logp} - \text{old\_logp})$. All are `[B, T]`, `mask` is `[B, T]` with 1 at completion tokens,
`advantages` are `[B]` or `[B, T]`. Names and numbers of `loss_type` are those of TRL 1.16.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from airskills.rl.errors import RlError

LossType = Literal["grpo", "bnpo", "dr_grpo", "dapo", "luspo", "cispo", "sapo", "vespo"]
Level = Literal["token", "sequence"]
LOG_FLOOR = -18.420680743952367  # log 1e-8: VESPO's smallest sequence log ratio


class ObjectiveError(RlError, ValueError):
    """An objective that is not defined as asked."""


class Terms(NamedTuple):
    """What a loss is made of.

    Attributes:
        logp: `[B, T]`.
        log_ratio: `[B, T]`, logp - old_logp.
        log_weights: `[B, T]` by token, or `[B, 1]` by sequence.
        advantages: `[B, 1]` or `[B, T]`.
        mask: `[B, T]`.
    """

    logp: Tensor
    log_ratio: Tensor
    log_weights: Tensor
    advantages: Tensor
    mask: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """Which loss, with every number that changes it; the defaults are TRL's.

    Attributes:
        loss_type: see `TERMS` and `policy_loss`.
        level: `sequence` takes one weight per completion, the mean of its log ratios (GSPO,
            https://arxiv.org/abs/2507.18071).
        epsilon_low: lower clip of the ratio.
        epsilon_high: upper clip; for `cispo` the largest ratio itself.
        delta: upper bound of the unclipped ratio (INTELLECT-2, https://arxiv.org/abs/2505.07291).
        sapo_temperature_pos: for advantages above 0.
        sapo_temperature_neg: for the others.
        vespo_k_pos: exponent for advantages of 0 and above.
        vespo_lambda_pos: decay for them.
        vespo_k_neg: exponent for negative advantages.
        vespo_lambda_neg: decay for them.
        beta: weight of the divergence from the reference; 0 needs no `ref_logp`.
        bias_corrected_kl: multiply the divergence by the ratio (DeepSeek-V3.2, https://arxiv.org/abs/2512.02556).
        max_completion_length: divisor of `dr_grpo`.
    """

    loss_type: LossType = "dapo"
    level: Level = "token"
    epsilon_low: float = 0.2
    epsilon_high: float = 0.2
    delta: float | None = None
    sapo_temperature_pos: float = 1.0
    sapo_temperature_neg: float = 1.05
    vespo_k_pos: float = 2.0
    vespo_lambda_pos: float = 3.0
    vespo_k_neg: float = 3.0
    vespo_lambda_neg: float = 2.0
    beta: float = 0.0
    bias_corrected_kl: bool = True
    max_completion_length: int | None = None

    def __post_init__(self) -> None:
        if self.loss_type not in TERMS:
            raise ObjectiveError(
                f"No loss_type is called {self.loss_type!r}", help=f"Choose from {', '.join(TERMS)}"
            )
        if self.level not in ("token", "sequence"):
            raise ObjectiveError(f"level is {self.level!r}; it must be token or sequence")
        if self.loss_type == "dr_grpo" and not self.max_completion_length:
            raise ObjectiveError("dr_grpo divides by max_completion_length; none is given")


def clipped_surrogate(terms: Terms, objective: Objective) -> Tensor:
    r"""$-\min(\rho A, \text{clip}(\rho, 1-\epsilon_{low}, 1+\epsilon_{high}) A)$, $\rho$ first bounded by `delta`.

    Schulman et al. 2017 (PPO), https://arxiv.org/abs/1707.06347, equation 7; with two epsilons DAPO,
    https://arxiv.org/abs/2503.14476.
    """
    ratio = terms.log_weights.exp()
    clipped = ratio.clamp(1 - objective.epsilon_low, 1 + objective.epsilon_high)
    bounded = ratio if objective.delta is None else ratio.clamp(max=objective.delta)
    return -torch.min(bounded * terms.advantages, clipped * terms.advantages)


def cispo(terms: Terms, objective: Objective) -> Tensor:
    r"""$-\text{sg}[\min(\rho, \epsilon_{high})] A \log\pi$: the weight is clipped, the gradient never vanishes.

    MiniMax-M1, https://arxiv.org/abs/2506.13585; ScaleRL uses `epsilon_high=5`, https://arxiv.org/abs/2510.13786.
    """
    weight = terms.log_weights.exp().clamp(max=objective.epsilon_high).detach()
    return -weight * terms.advantages * terms.logp


def sapo(terms: Terms, objective: Objective) -> Tensor:
    r"""$-\frac{4}{\tau}\sigma(\tau(\rho - 1)) A$: a soft gate in place of the clip.

    SAPO, https://arxiv.org/abs/2511.20347.
    """
    positive = terms.advantages > 0
    tau = torch.where(positive, objective.sapo_temperature_pos, objective.sapo_temperature_neg)
    return -torch.sigmoid(tau * (terms.log_weights.exp() - 1)) * 4 / tau * terms.advantages


def vespo(terms: Terms, objective: Objective) -> Tensor:
    r"""$-\phi(w) A \log\pi$ with $\phi(w) = e^\lambda w^k e^{-\lambda w}$ of the sequence ratio, without gradient.

    VESPO, https://arxiv.org/abs/2602.10693.
    """
    with torch.no_grad():
        log_w = (terms.log_ratio.clamp(-20.0, 20.0) * terms.mask).sum(-1, keepdim=True).clamp(LOG_FLOOR, 20.0)
        good = terms.advantages >= 0
        k = torch.where(good, objective.vespo_k_pos, objective.vespo_k_neg)
        lam = torch.where(good, objective.vespo_lambda_pos, objective.vespo_lambda_neg).clamp(min=1e-4)
        phi = (lam + k * log_w - lam * log_w.exp()).exp().nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
    return -phi * terms.advantages * terms.logp


TERMS: dict[str, Callable[[Terms, Objective], Tensor]] = {
    "grpo": clipped_surrogate,
    "bnpo": clipped_surrogate,
    "dr_grpo": clipped_surrogate,
    "dapo": clipped_surrogate,
    "luspo": clipped_surrogate,
    "cispo": cispo,
    "sapo": sapo,
    "vespo": vespo,
}


def kl_k3(logp: Tensor, ref_logp: Tensor) -> Tensor:
    r"""$e^{d} - d - 1$ with $d = \text{ref\_logp} - \text{logp}$: never negative, unbiased under the policy.

    Schulman 2020, http://joschu.net/blog/kl-approx.html.
    """
    difference = ref_logp - logp
    return difference.exp() - difference - 1


def off_policy_mask(
    advantages: Tensor, logp: Tensor, sampling_logp: Tensor, mask: Tensor, *, threshold: float
) -> Tensor:
    """Drop bad completions that the policy has moved away from.

    DeepSeek-V3.2, https://arxiv.org/abs/2512.02556.

    Returns:
        `[B, 1]` or `[B, T]`, 1 where the advantage is not negative or the mean of `sampling_logp - logp` over the
        completion is at most `threshold`. A NaN of `sampling_logp` counts as no difference.
    """
    moved = ((sampling_logp - logp.detach()).nan_to_num(nan=0.0) * mask).sum(1, keepdim=True)
    near = moved / mask.sum(1, keepdim=True).clamp(min=1.0) <= threshold
    return ((_columns(advantages) >= 0) | near).to(mask.dtype)


def policy_loss(
    objective: Objective,
    logp: Tensor,
    advantages: Tensor,
    mask: Tensor,
    *,
    old_logp: Tensor | None = None,
    ref_logp: Tensor | None = None,
    token_weights: Tensor | None = None,
    normalizer: Tensor | float | None = None,
) -> Tensor:
    """Add the terms up to a scalar, as TRL does in one step without accumulation.

    `grpo` and `sapo` take the mean over completions of the mean over tokens (DeepSeekMath,
    https://arxiv.org/abs/2402.03300); `bnpo` the mean over tokens; `dr_grpo` divides by `B` times
    `max_completion_length` (https://arxiv.org/abs/2503.20783); `dapo`, `cispo` and `vespo` divide by `normalizer`;
    `luspo` sums each completion and takes the mean (https://arxiv.org/abs/2602.05261).

    Args:
        objective: which loss.
        logp: `[B, T]`, with gradient.
        advantages: `[B]` or `[B, T]`.
        mask: `[B, T]`.
        old_logp: `[B, T]`, or `None` on-policy, where it is `logp` without gradient.
        ref_logp: `[B, T]`, needed if `objective.beta` is not 0.
        token_weights: `[B, T]` or `[B, 1]`, factor of the policy term: importance ratio of the sampler, off-policy
            mask, entropy mask. It does not act on the divergence.
        normalizer: tokens of the whole optimizer step, for `dapo`, `cispo` and `vespo`; those of `mask` if `None`.

    Raises:
        ObjectiveError: for `beta` without `ref_logp`, or shapes that do not fit.
    """
    terms = _terms(objective, logp, old_logp, advantages, mask)
    per_token = TERMS[objective.loss_type](terms, objective)
    if token_weights is not None:
        per_token = per_token * token_weights
    if objective.beta:
        if ref_logp is None:
            raise ObjectiveError(f"beta is {objective.beta} and needs ref_logp; none is given")
        kl = kl_k3(logp, ref_logp)
        per_token = per_token + objective.beta * (
            kl * terms.log_weights.exp() if objective.bias_corrected_kl else kl
        )
    return _aggregate(objective, per_token, terms.mask, normalizer)


def entropy_bonus(entropy: Tensor, mask: Tensor) -> Tensor:
    """Mean entropy of the active tokens, to be subtracted with a coefficient (Skywork-OR1, https://arxiv.org/abs/2505.22312)."""
    return (entropy * mask).sum() / mask.sum().clamp(min=1.0)


def _terms(
    objective: Objective, logp: Tensor, old_logp: Tensor | None, advantages: Tensor, mask: Tensor
) -> Terms:
    advantages = _columns(advantages)
    if logp.ndim != 2 or mask.shape != logp.shape or advantages.shape not in ((len(logp), 1), logp.shape):
        raise ObjectiveError(
            f"logp and mask must be [B, T] and advantages [B] or [B, T], "
            f"not {list(logp.shape)}, {list(mask.shape)} and {list(advantages.shape)}"
        )
    mask = mask.to(logp.dtype)
    log_ratio = logp - (logp.detach() if old_logp is None else old_logp)
    log_weights = log_ratio
    if objective.level == "sequence":
        log_weights = ((log_ratio * mask).sum(-1) / mask.sum(-1).clamp(min=1.0)).unsqueeze(-1)
    return Terms(logp, log_ratio, log_weights, advantages, mask)


def _columns(advantages: Tensor) -> Tensor:
    return advantages.unsqueeze(1) if advantages.ndim == 1 else advantages


def _aggregate(
    objective: Objective, per_token: Tensor, mask: Tensor, normalizer: Tensor | float | None
) -> Tensor:
    masked = per_token * mask
    if objective.loss_type in ("grpo", "sapo"):
        return (masked.sum(-1) / mask.sum(-1).clamp(min=1.0)).mean()
    if objective.loss_type == "luspo":
        return masked.sum(-1).mean()
    if objective.loss_type == "dr_grpo":
        return masked.sum() / (mask.size(0) * (objective.max_completion_length or mask.size(1)))
    if objective.loss_type == "bnpo" or normalizer is None:
        return masked.sum() / mask.sum().clamp(min=1.0)
    return masked.sum() / torch.as_tensor(normalizer).clamp(min=1.0)
