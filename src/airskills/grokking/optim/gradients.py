"""What happens to a gradient before the update: filters, projection and noise, on flat buffers [runs, numbers]."""

import torch
from torch import Tensor

from airskills.grokking.optim.layout import Layout


def grokfast_ema(
    grad: Tensor, average: Tensor | None, *, alpha: Tensor, lamb: Tensor
) -> tuple[Tensor, Tensor]:
    """Grokfast with an exponential average (Lee et al. 2024, arXiv:2405.20233).

    The average starts at the first gradient, as in the authors' code and not at zero:
    h_1 = g_1, h_t = alpha h_{t-1} + (1 - alpha) g_t.

    Returns:
        g_t + lamb h_t, and h_t.
    """
    average = grad.clone() if average is None else average.mul_(alpha).add_(grad * (1 - alpha))
    return grad + lamb * average, average


def grokfast_ma(grad: Tensor, window: Tensor, step: int, *, lamb: Tensor) -> Tensor:
    """Grokfast with a moving average (Lee et al. 2024): g + lamb mean(last w gradients, this one too).

    `window` [w, runs, numbers] is a ring, changed in place; nothing is added before it is full.
    """
    size = len(window)
    window[(step - 1) % size] = grad
    return grad if step < size else grad + lamb * window.mean(0)


def perpendicular(grad: Tensor, param: Tensor, layout: Layout) -> Tensor:
    """Project each tensor's gradient off its weights and restore the norm (Prieto et al. 2025, arXiv:2501.04697).

    g' = g - (w.g / w.w) w, then scaled to |g|. Tensors that are all zero (biases at the start) pass unchanged.
    """
    out = torch.empty_like(grad)
    for name in layout.names:
        part = layout.columns(name)
        g, w = grad[:, part], param[:, part]
        across = g - (w * g).sum(1, keepdim=True) / (w * w).sum(1, keepdim=True).clamp(min=1e-30) * w
        out[:, part] = across * (
            g.norm(dim=1, keepdim=True) / across.norm(dim=1, keepdim=True).clamp(min=1e-30)
        )
    return out


def noise_scale(eta: Tensor, step: int) -> Tensor:
    """Standard deviation sqrt(eta / (1 + t)^0.55) of annealed noise (Neelakantan et al. 2015, arXiv:1511.06807).

    t counts from 0 at the first step.
    """
    return torch.sqrt(eta / float(step) ** 0.55)
