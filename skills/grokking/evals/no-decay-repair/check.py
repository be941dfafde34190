"""StableMax by hand-worked numbers and slopes, the wrapper by the steps that its base optimizer takes."""

import importlib.util
import sys
from pathlib import Path

import torch


def load(folder: Path):
    """Import stable.py from a folder."""
    spec = importlib.util.spec_from_file_location("stable", folder / "stable.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def loss_faults(loss) -> list[str]:
    """s(1), s(0), s(-1) = 2, 1, 1/2; slopes at 1 are finite; a lead of 1e8 still has a gradient."""
    faults = []
    logits, target = torch.tensor([[1.0, 0.0, -1.0]]), torch.tensor([0])
    if abs(float(loss(logits, target)) - float(torch.tensor(7 / 4).log())) > 1e-5:
        faults.append(f"loss of (1, 0, -1) is {float(loss(logits, target)):.4f}, not log(7/4)")
    x = torch.tensor([[1.0, 1.0], [0.5, -2.0]], requires_grad=True)
    (grad,) = torch.autograd.grad(loss(x, torch.tensor([0, 1])), x)
    if not bool(torch.isfinite(grad).all()):
        faults.append("NaN gradient at a logit of 1")
    x = torch.tensor([[1e8, 0.0]], requires_grad=True)
    (grad,) = torch.autograd.grad(loss(x, torch.tensor([0])), x)
    if not 0 < abs(float(grad[0, 0])) < 1e-12:
        faults.append(f"a lead of 1e8 has the slope {float(grad[0, 0]):.1e} on the right logit, not -1e-16")
    return faults


def expected(weight: torch.Tensor, grad: torch.Tensor) -> torch.Tensor:
    """Projected gradient with its norm restored, in float64."""
    w, g = weight.double().flatten(), grad.double().flatten()
    across = g - (w @ g) / (w @ w) * w if bool((w != 0).any()) else g
    return (across / across.norm() * g.norm()).view_as(grad)


def wrapper_faults(wrapper) -> list[str]:
    """Plain SGD shows what was given to the base; options must reach it."""
    torch.manual_seed(0)
    weights = [
        torch.nn.Parameter(torch.randn(4, 3)),
        torch.nn.Parameter(torch.zeros(3)),
        torch.nn.Parameter(5 * torch.randn(6)),
    ]
    before, grads = [w.detach().clone() for w in weights], [torch.randn_like(w) for w in weights]
    optimizer = wrapper(weights, base=torch.optim.SGD, lr=1.0)
    for w, g in zip(weights, grads, strict=True):
        w.grad = g.clone()
    optimizer.step()
    faults = []
    for number, (w, b, g) in enumerate(zip(weights, before, grads, strict=True)):
        if not torch.allclose((b - w.detach()).double(), expected(b, g), atol=1e-4):
            faults.append(f"tensor {number}: the step is not the projected gradient at its old norm")
    options = wrapper([torch.nn.Parameter(torch.ones(2))], betas=(0.9, 0.98), eps=1e-6).base.defaults
    if options["betas"] != (0.9, 0.98) or options["eps"] != 1e-6:
        faults.append(f"betas {options['betas']}, eps {options['eps']}: the options were dropped")
    return faults


def main() -> int:
    """Exit 0 when both are as published."""
    module = load(Path(sys.argv[1]))
    faults = [*loss_faults(module.stablemax_loss), *wrapper_faults(module.Perpendicular)]
    print("; ".join(faults) or "loss and wrapper are as published")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
