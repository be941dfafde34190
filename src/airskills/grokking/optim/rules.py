"""Update rules on flat buffers [runs, numbers]; every hyperparameter is a [runs, 1] tensor.

All are pure arithmetic on their arguments: parameters and state change in place, nothing else does.
"""

import torch
from torch import Tensor


def adamw(
    param: Tensor,
    grad: Tensor,
    state: tuple[Tensor, Tensor],
    step: int,
    *,
    lr: Tensor,
    decay: Tensor,
    betas: tuple[Tensor, Tensor],
    eps: Tensor,
) -> None:
    """AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2), with torch's order of operations.

    Args:
        param: [runs, numbers], changed in place.
        grad: [runs, numbers].
        state: First and second moment, [runs, numbers] each, changed in place.
        step: Number of this step, from 1.
        lr: Learning rate, [runs, 1].
        decay: Decoupled weight decay, [runs, 1].
        betas: Decay rates of the moments, [runs, 1] each.
        eps: Added to the root, [runs, 1].
    """
    first, second = state
    beta1, beta2 = betas
    param.mul_(1 - lr * decay)
    first.lerp_(grad, 1 - beta1)
    second.mul_(beta2).addcmul_(grad, grad * (1 - beta2))
    root = second.sqrt().div_((1 - beta2**step).sqrt()).add_(eps)
    param.sub_(first.div(root).mul_(lr / (1 - beta1**step)))


def sgd(param: Tensor, grad: Tensor, buffer: Tensor, *, lr: Tensor, decay: Tensor, momentum: Tensor) -> None:
    """Gradient descent with heavy-ball momentum (buffer = momentum * buffer + grad) and decoupled decay."""
    param.mul_(1 - lr * decay)
    buffer.mul_(momentum).add_(grad)
    param.sub_(buffer * lr)


def muon(
    param: Tensor,
    grad: Tensor,
    buffer: Tensor,
    *,
    shape: tuple[int, int],
    lr: Tensor,
    decay: Tensor,
    momentum: Tensor,
) -> None:
    """Muon (Jordan et al. 2024) on one hidden matrix with Nesterov momentum.

    The same as `torch.optim.Muon(adjust_lr_fn="match_rms_adamw")`, which scales the update by
    0.2 sqrt(max(m, n)) so that AdamW's learning rates carry over; batched over runs, and in float32 where
    torch orthogonalizes in bfloat16.
    """
    buffer.lerp_(grad, 1 - momentum)
    direction = torch.lerp(grad, buffer, momentum.expand_as(grad))
    update = orthogonalize(direction.view(-1, *shape)).flatten(1)
    param.mul_(1 - lr * decay)
    param.sub_(update * (lr * 0.2 * max(shape) ** 0.5))


def orthogonalize(matrices: Tensor, steps: int = 5) -> Tensor:
    """Push the singular values of [runs, m, n] towards 1 by the quintic Newton-Schulz iteration.

    Coefficients 3.4445, -4.7750, 2.0315: steepest at zero, and not convergent: the values end in about
    [0.5, 1.5], as intended by the authors.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / x.flatten(1).norm(dim=1).clamp(min=1e-7).view(-1, 1, 1)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return torch.transpose(x, 1, 2) if tall else x
