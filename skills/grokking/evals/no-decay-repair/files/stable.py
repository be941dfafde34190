"""StableMax cross-entropy and the perpendicular gradient (Prieto et al. 2025), for runs without weight decay."""

import torch


def stablemax_loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean loss of float32 logits [rows, classes] against int64 targets [rows]."""
    x = logits - logits.max(dim=-1, keepdim=True).values
    s = torch.where(x >= 0, x + 1, 1 / (1 - x))
    return -(s / s.sum(-1, keepdim=True)).gather(-1, targets[:, None]).log().mean()


class Perpendicular(torch.optim.Optimizer):
    """Wraps a base optimizer class; every gradient is projected off its weights before the step."""

    def __init__(self, params, base=torch.optim.AdamW, lr=1e-3, weight_decay=0.0, **options):
        self.base = base(params, lr=lr, weight_decay=weight_decay)
        super().__init__(self.base.param_groups, {})

    @torch.no_grad()
    def step(self, closure=None):
        """Project, then let the base optimizer step."""
        every = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        weights = torch.cat([p.flatten() for p in every])
        grads = torch.cat([p.grad.flatten() for p in every])
        across = grads - (weights @ grads) / (weights @ weights) * weights
        start = 0
        for p in every:
            p.grad.copy_(across[start : start + p.numel()].view_as(p))
            start += p.numel()
        return self.base.step(closure)
