"""GRPO loss and its gradients from hidden states, and GAE, against what TRL, Liger and a torch loop do.

`python benchmarks/rl_losses.py [--write] [--device cuda]`: all contenders in turn in one process; the figure is the
median over rounds of the ratio within a round. Memory is the rise of the peak in a process of its own per contender.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from airskills.rl.advantages import gae
from airskills.rl.fused import linear_policy_loss
from airskills.rl.linear import Head
from airskills.rl.losses import Objective, policy_loss
from measured import conditions, write

SHAPES = {"cpu": (2, 256, 256, 16_384), "cuda": (8, 1024, 2048, 151_936)}  # B, T, H, V
MEMORY_SHAPE = (4, 512, 512, 32_000)
OBJECTIVE = Objective(loss_type="grpo")
Case = dict[str, torch.Tensor]


def case(shape: tuple[int, int, int, int], device: str) -> Case:
    """Random hidden states and head, all positions active."""
    batch, length, width, vocabulary = shape
    rng = torch.Generator().manual_seed(0)
    return {
        "hidden": torch.randn(batch, length, width, generator=rng).to(device).requires_grad_(),
        "weight": (torch.randn(vocabulary, width, generator=rng) * 0.05).to(device).requires_grad_(),
        "targets": torch.randint(0, vocabulary, (batch, length), generator=rng).to(device),
        "advantages": torch.randn(batch, generator=rng).to(device),
        "mask": torch.ones(batch, length, device=device),
    }


def full(c: Case) -> torch.Tensor:
    """All logits at once."""
    logp = (c["hidden"] @ c["weight"].T).log_softmax(-1).gather(-1, c["targets"].unsqueeze(-1)).squeeze(-1)
    return policy_loss(OBJECTIVE, logp, c["advantages"], c["mask"])


def fused(c: Case) -> torch.Tensor:
    """Ours, on-policy: gradient in the forward pass."""
    head = Head(c["weight"])
    return linear_policy_loss(OBJECTIVE, c["hidden"], head, c["targets"], c["advantages"], c["mask"]).loss


def fused_off_policy(c: Case) -> torch.Tensor:
    """Ours, off-policy: two passes."""
    old = torch.full_like(c["mask"], -10.0)
    head = Head(c["weight"])
    return linear_policy_loss(
        OBJECTIVE, c["hidden"], head, c["targets"], c["advantages"], c["mask"], old_logp=old
    ).loss


def trl_chunked(c: Case) -> torch.Tensor:
    """TRL's fused head, with the entropy its trainer asks for, then the same loss."""
    from trl.trainer import utils

    flat = c["hidden"].reshape(-1, c["hidden"].shape[-1])
    outputs = utils._ChunkedLogProbFunction.apply(  # noqa: SLF001 - the function its trainer calls
        flat,
        c["weight"],
        None,
        c["targets"].reshape(-1),
        1.0,
        utils._CHUNKED_LOGPROB_CHUNK_SIZE,  # noqa: SLF001 - as above
        None,
        1.0,
        ("log_probs", "entropy"),
    )
    return policy_loss(OBJECTIVE, outputs[0].view(c["mask"].shape), c["advantages"], c["mask"])


def liger(c: Case) -> torch.Tensor:
    """Liger's fused loss, not compiled on CPU."""
    from liger_kernel.chunked_loss import LigerFusedLinearGRPOLoss

    loss = LigerFusedLinearGRPOLoss(
        beta=0.0, compiled=c["mask"].is_cuda, use_ref_model=False, loss_type="grpo", epsilon_high=0.2
    )
    return loss(c["hidden"], c["weight"], c["targets"], c["mask"], c["advantages"])[0]


CONTENDERS: dict[str, Callable[[Case], torch.Tensor]] = {
    "fused": fused,
    "fused_off_policy": fused_off_policy,
    "full_logits": full,
    "trl_chunked": trl_chunked,
    "liger": liger,
}


def gradients(contender: Callable[[Case], torch.Tensor], c: Case) -> tuple[torch.Tensor, ...]:
    """One step: loss and both gradients."""
    return torch.autograd.grad(contender(c), (c["hidden"], c["weight"]))


def seconds(call: Callable[[], Any], device: str) -> float:
    """Time of one call: of the processor for one thread on a CPU, whoever else wants it; wall time on a GPU."""
    clock = time.perf_counter if device == "cuda" else time.process_time
    start = clock()
    call()
    if device == "cuda":
        torch.cuda.synchronize()
    return clock() - start


def losses(device: str, rounds: int) -> dict[str, Any]:
    """Time of loss and gradients of each contender, and its error against full logits."""
    c = case(SHAPES[device], device)
    exact = gradients(full, c)
    errors = {}
    for name, contender in CONTENDERS.items():
        if name != "fused_off_policy":
            got = gradients(contender, c)
            errors[name] = max(((a - b).norm() / b.norm()).item() for a, b in zip(got, exact, strict=True))
    gradients(fused_off_policy, c)
    times = [
        {name: seconds(lambda f=f: gradients(f, c), device) for name, f in CONTENDERS.items()}  # type: ignore[misc]  # bound now
        for _ in range(rounds)
    ]
    return {
        "shape_BTHV": list(SHAPES[device]),
        "times_slower_than_fused": {
            name: round(statistics.median(t[name] / t["fused"] for t in times), 2) for name in CONTENDERS
        },
        "best_ms": {name: round(min(t[name] for t in times) * 1e3, 2) for name in CONTENDERS},
        "relative_gradient_error": {name: float(f"{error:.2g}") for name, error in errors.items()},
    }


def memory() -> dict[str, Any]:
    """Rise of the peak resident memory, above inputs and their gradients, in a fresh process for each."""
    rises = {}
    for name in ("fused", "fused_off_policy", "full_logits", "trl_chunked", "liger"):
        command = [sys.executable, __file__, "--rise-of", name]
        rises[name] = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return {
        "shape_BTHV": list(MEMORY_SHAPE),
        "peak_rise_mb": rises,
        "share_of_full": round(rises["fused"] / rises["full_logits"], 3),
    }


def rise_of(name: str) -> float:
    """Megabytes; the gradients themselves, which every contender makes, are taken off."""
    c = case(MEMORY_SHAPE, "cpu")
    gradients(CONTENDERS[name], case((1, 2, 8, 16), "cpu"))  # imports and threads
    Path("/proc/self/clear_refs").write_text("5")  # Linux: the peak starts again from what is resident now
    before = peak_mb()
    gradients(CONTENDERS[name], c)
    own = (c["weight"].numel() + c["hidden"].numel()) * 4 / 2**20
    return round(peak_mb() - before - own, 1)


def peak_mb() -> float:
    """Peak resident memory since it was last cleared."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def torch_gae(rewards: torch.Tensor, values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The usual loop over time."""
    after, carried, out = torch.zeros(len(rewards)), torch.zeros(len(rewards)), []
    for t in reversed(range(rewards.shape[1])):
        step = rewards[:, t] + 0.99 * after - values[:, t] + 0.99 * 0.95 * carried
        after = torch.where(mask[:, t], values[:, t], after)
        carried = torch.where(mask[:, t], step, carried)
        out.append(torch.where(mask[:, t], carried, 0.0))
    return torch.stack(out[::-1], 1)


def advantages(rounds: int) -> dict[str, Any]:
    """GAE at two shapes, tensors in and out."""
    found = {}
    for shape in ((64, 512), (256, 2048)):
        rewards, values = torch.randn(2, *shape)
        mask = torch.rand(shape) < 0.8
        torch.testing.assert_close(
            gae(rewards, values, mask, gamma=0.99)[0], torch_gae(rewards, values, mask), rtol=1e-4, atol=1e-4
        )
        ratios, best = [], []
        for _ in range(rounds):
            ours = seconds(lambda: gae(rewards, values, mask, gamma=0.99), "cpu")  # noqa: B023 - called at once
            ratios.append(seconds(lambda: torch_gae(rewards, values, mask), "cpu") / ours)  # noqa: B023 - as above
            best.append(ours)
        found["{}x{}".format(*shape)] = {
            "torch_loop_times_slower": round(statistics.median(ratios), 1),
            "best_ms": round(min(best) * 1e3, 3),
        }
    return found


def main() -> None:
    """Print the figures; store them if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--device", choices=list(SHAPES), default="cpu")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rise-of", choices=list(CONTENDERS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.rise_of:
        print(rise_of(options.rise_of))
        return
    ran = conditions(("torch", "numba", "trl", "liger-kernel"))
    figures: dict[str, Any] = {"grpo_loss": losses(options.device, options.rounds)}
    if options.device == "cpu":
        figures |= {"memory": memory(), "gae": advantages(options.rounds)}
    print(json.dumps(figures, indent=2))
    if options.write:
        store(figures, options.device, ran)


def store(figures: dict[str, Any], device: str, ran: dict[str, Any]) -> None:
    """Write the figures with what they were measured on."""
    gpu = {"machine": torch.cuda.get_device_name()} if device == "cuda" else {}
    path = Path(__file__).parent / "results" / f"rl_losses_{device}.json"
    write(str(path), {**ran, **gpu, "threads": 1, **figures})


if __name__ == "__main__":
    main()
