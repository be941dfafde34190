"""StableMax cross-entropy and the perpendicular gradient (Prieto et al. 2025), for runs without weight decay."""

import torch


def stablemax_loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean loss of float32 logits [rows, classes] against int64 targets [rows], computed in float64."""
    x = logits.double()
    s = (1 + x.clamp(min=0)) / (1 + (-x).relu())
    return (s.sum(-1).log() - s.gather(-1, targets[:, None])[:, 0].log()).mean()


class Perpendicular(torch.optim.Optimizer):
    """Wraps a base optimizer class; every gradient is projected off its weights before the step."""

    def __init__(self, params, base=torch.optim.AdamW, lr=1e-3, weight_decay=0.0, **options):
        self.base = base(params, lr=lr, weight_decay=weight_decay, **options)
        super().__init__(self.base.param_groups, {})
        self.param_groups = self.base.param_groups

    @torch.no_grad()
    def step(self, closure=None):
        """Project tensor by tensor, restore the norm, then let the base optimizer step."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.grad.copy_(project(p, p.grad))
        return self.base.step(closure)


def project(weight: torch.Tensor, grad: torch.Tensor) -> torch.Tensor:
    """Take the part of the gradient along the weights away and restore its norm."""
    w, g = weight.flatten(), grad.flatten()
    across = g - (w @ g) / (w @ w).clamp(min=1e-30) * w
    return (across * (g.norm() / across.norm().clamp(min=1e-30))).view_as(grad)
