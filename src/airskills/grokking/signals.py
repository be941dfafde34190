"""Measurements of all runs at once. Each returns [runs] and is defined once, here.

`core` is taken at every evaluation; the others cost more and are asked for by name (`EXTRA`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from airskills.grokking.losses import zero_loss_share
from airskills.grokking.models.network import Output, Params


@dataclass(frozen=True, slots=True)
class Moment:
    """What a signal may look at: parameters and gradients by name, outputs and targets of both parts."""

    params: Params
    grads: Params
    train: Output
    train_targets: Tensor
    test: Output
    test_targets: Tensor


def accuracy(logits: Tensor, targets: Tensor, counted: Tensor | None = None) -> Tensor:
    """Share of rows whose largest logit is the target's, [runs] float64; `counted` restricts the rows.

    In float32 a share of exactly .95 is below .95, and would miss its threshold.
    """
    right = (logits.argmax(-1) == targets).double()
    if counted is None:
        return right.mean(dim=1)
    return (right * counted).sum(1) / counted.sum(1)


def norm(tensors: Mapping[str, Tensor]) -> Tensor:
    """Euclidean norm over all parameters, [runs]."""
    return sum((t.flatten(1).square().sum(1) for t in tensors.values()), torch.zeros(())).sqrt()


def last_layer_norm(params: Params) -> Tensor:
    """Euclidean norm of the head, [runs]."""
    return norm({name: t for name, t in params.items() if name.startswith("head")})


def gradient_weight_cosine(params: Params, grads: Params) -> Tensor:
    """Cosine between all weights and their gradient, [runs]; near 0 when the gradient only turns the weights."""
    inner = sum(((params[n] * g).flatten(1).sum(1) for n, g in grads.items()), torch.zeros(()))
    return inner / (norm(params) * norm(grads)).clamp(min=1e-30)


def effective_rank(weight: Tensor) -> Tensor:
    """Exponential of the entropy of the normalized singular values of [runs, m, n] (Roy & Vetterli 2007)."""
    values = torch.linalg.svdvals(weight)
    share = values / values.sum(-1, keepdim=True).clamp(min=1e-30)
    return torch.exp(torch.special.entr(share).sum(-1))


def mean_effective_rank(params: Params) -> Tensor:
    """Mean effective rank of all matrices, [runs]."""
    ranks = [effective_rank(t) for name, t in params.items() if name.endswith("weight") and t.dim() == 3]
    return torch.stack(ranks).mean(0)


def logit_scale(logits: Tensor) -> Tensor:
    """Mean over rows of the gap between largest logit and mean logit, [runs]."""
    return (logits.amax(-1) - logits.mean(-1)).mean(1)


def activation_entropy(hidden: Tensor, bins: int = 16) -> Tensor:
    """Mean over units of the entropy, over rows, of a unit's binned activation, in nats, [runs].

    0 for a unit that is constant over the rows (a dead one, say), log(bins) for one spread evenly.
    """
    low, high = hidden.amin(1, keepdim=True), hidden.amax(1, keepdim=True)
    place = ((hidden - low) / (high - low).clamp(min=1e-12) * bins).long().clamp(max=bins - 1)
    counts = torch.zeros(len(hidden), bins, hidden.shape[2], device=hidden.device)
    counts.scatter_add_(1, place, torch.ones_like(hidden))
    return torch.mean(torch.special.entr(counts / hidden.shape[1]).sum(1), 1)


def fourier_gini(table: Tensor) -> Tensor:
    """Gini coefficient of the spectrum over tokens of an embedding [runs, tokens, width], [runs].

    0 when all frequencies carry the same power, near 1 when few do: the sparsity that appears on modular tasks
    (Nanda et al. 2023, arXiv:2301.05217). The mean over tokens (frequency 0) is left out.
    """
    power = torch.fft.rfft(table, dim=1).abs().square().sum(2)[:, 1:]
    ordered = power.sort(1).values
    count = ordered.shape[1]
    rank = torch.arange(1, count + 1, device=table.device)
    total = ordered.sum(1).clamp(min=1e-30)
    weighted: Tensor = (rank * ordered).sum(1)
    gini: Tensor = (2 * weighted / total - count - 1) / count
    return gini


def macro(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Precision, recall and F1 as unweighted means over the classes that occur or are predicted, [runs] each."""
    classes = logits.shape[-1]
    made = torch.nn.functional.one_hot(logits.argmax(-1), classes).float()
    true = torch.nn.functional.one_hot(targets, classes).float()
    hits, made_count, true_count = (made * true).sum(1), made.sum(1), true.sum(1)
    precision, recall = hits / made_count.clamp(min=1), hits / true_count.clamp(min=1)
    f1 = 2 * hits / (made_count + true_count).clamp(min=1)
    occurs = ((made_count + true_count) > 0).float()
    count = occurs.sum(1)
    return tuple((m * occurs).sum(1) / count for m in (precision, recall, f1))  # type: ignore[return-value]  # three


def core(moment: Moment) -> dict[str, Tensor]:
    """Return the signals taken at every evaluation besides accuracy and loss."""
    return {
        "weight_norm": norm(moment.params),
        "last_layer_norm": last_layer_norm(moment.params),
        "zero_loss_share": zero_loss_share(moment.train.logits, moment.train_targets),
    }


EXTRA: dict[str, Callable[[Moment], Tensor]] = {
    "gradient_norm": lambda m: norm(m.grads),
    "gradient_weight_cosine": lambda m: gradient_weight_cosine(m.params, m.grads),
    "effective_rank": lambda m: mean_effective_rank(m.params),
    "logit_scale": lambda m: logit_scale(m.train.logits),
    "activation_entropy": lambda m: activation_entropy(m.train.hidden),
    "fourier_gini": lambda m: fourier_gini(m.params["embed.weight"]),
    "precision": lambda m: macro(m.test.logits, m.test_targets)[0],
    "recall": lambda m: macro(m.test.logits, m.test_targets)[1],
    "f1": lambda m: macro(m.test.logits, m.test_targets)[2],
}
