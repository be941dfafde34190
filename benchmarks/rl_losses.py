"""GRPO loss and its gradients from hidden states, and GAE, against what TRL, Liger and a torch loop do.

`python benchmarks/rl_losses.py [--write] [--device cuda]`: all contenders in turn in one process; the figure is the
median over rounds of the ratio within a round. Memory is the rise of the peak, on a CPU in a process of its own per
contender; the gradients themselves are taken off. On CUDA the errors are against float64, sequence by sequence.
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

Shape = tuple[int, int, int, int]
SHAPES: dict[str, Shape] = {"cpu": (2, 256, 256, 16_384), "cuda": (8, 1024, 2048, 151_936)}  # B, T, H, V
MEMORY_SHAPE = (4, 512, 512, 32_000)
LARGE_SHAPE = (16, 4096, 4096, 151_936)  # float32 logits of 40 GB
OBJECTIVE = Objective(loss_type="grpo")
Case = dict[str, torch.Tensor]


def case(shape: Shape, device: str, dtype: torch.dtype = torch.float32) -> Case:
    """Random hidden states and head, all positions active."""
    batch, length, width, vocabulary = shape
    rng = torch.Generator(device).manual_seed(0)
    here: dict[str, Any] = {"generator": rng, "device": device}
    return {
        "hidden": torch.randn(batch, length, width, **here).to(dtype).requires_grad_(),
        "weight": (torch.randn(vocabulary, width, **here) * 0.05).to(dtype).requires_grad_(),
        "targets": torch.randint(0, vocabulary, (batch, length), **here),
        "advantages": torch.randn(batch, **here),
        "mask": torch.ones(batch, length, device=device),
    }


def full(c: Case) -> torch.Tensor:
    """All logits at once; the softmax of half precision in float32, as models do it."""
    logits = c["hidden"] @ c["weight"].T
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    logp = logits.log_softmax(-1).gather(-1, c["targets"].unsqueeze(-1)).squeeze(-1)
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
    """Liger's fused loss, compiled on CUDA."""
    from liger_kernel.chunked_loss import LigerFusedLinearGRPOLoss

    loss = LigerFusedLinearGRPOLoss(
        beta=0.0, compiled=c["mask"].is_cuda, use_ref_model=False, loss_type="grpo", epsilon_high=0.2
    )
    return loss(c["hidden"], c["weight"], c["targets"], c["mask"], c["advantages"])[0]


Contender = Callable[[Case], torch.Tensor]
CONTENDERS: dict[str, Contender] = {
    "fused": fused,
    "fused_off_policy": fused_off_policy,
    "full_logits": full,
    "trl_chunked": trl_chunked,
    "liger": liger,
}


def gradients(contender: Contender, c: Case) -> tuple[torch.Tensor, ...]:
    """One step: loss and both gradients."""
    return torch.autograd.grad(contender(c), (c["hidden"], c["weight"]))


def exact(c: Case) -> tuple[torch.Tensor, ...]:
    """Gradients of full logits in float64, one sequence at a time: the loss is the mean over sequences."""
    wide = {name: c[name].detach().double().requires_grad_() for name in ("hidden", "weight")}
    for row in range(len(c["mask"])):
        one = {name: tensor[row : row + 1] for name, tensor in {**c, **wide}.items() if name != "weight"}
        (full({**one, "weight": wide["weight"]}) / len(c["mask"])).backward()
    found = tuple(wide[name].grad for name in ("hidden", "weight"))
    return tuple(grad for grad in found if grad is not None)


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
    right = gradients(full, c)
    errors = {
        name: error(gradients(f, c), right) for name, f in CONTENDERS.items() if f is not fused_off_policy
    }
    gradients(fused_off_policy, c)
    return {
        "shape_BTHV": list(SHAPES[device]),
        **timed(c, CONTENDERS, rounds, device),
        "relative_gradient_error": errors,
    }


def error(got: tuple[torch.Tensor, ...], right: tuple[torch.Tensor, ...]) -> float:
    """The larger of both gradients' relative errors."""
    found = max(((a.to(b) - b).norm() / b.norm()).item() for a, b in zip(got, right, strict=True))
    return float(f"{found:.2g}")


def timed(c: Case, contenders: dict[str, Contender], rounds: int, device: str) -> dict[str, Any]:
    """Contenders in turn: medians of the ratios within a round, and the best times."""
    times = [
        {name: seconds(lambda f=f: gradients(f, c), device) for name, f in contenders.items()}  # type: ignore[misc]  # bound now
        for _ in range(rounds)
    ]
    return {
        "times_slower_than_fused": {
            name: round(statistics.median(t[name] / t["fused"] for t in times), 2) for name in contenders
        },
        "best_ms": {name: round(min(t[name] for t in times) * 1e3, 2) for name in contenders},
    }


def autocast(contender: Contender) -> Contender:
    """The forward pass in bfloat16, as `bf16=True` does it."""

    def cast(c: Case) -> torch.Tensor:
        with torch.autocast("cuda", torch.bfloat16):
            return contender(c)

    return cast


def on_cuda(
    shape: Shape, dtype: torch.dtype, rounds: int, contenders: dict[str, Contender]
) -> dict[str, Any]:
    """Times, peaks of memory and errors of each contender on a GPU; what does not fit says so."""
    c = case(shape, "cuda", dtype)
    right = exact(c) if shape == SHAPES["cuda"] else None
    peaks: dict[str, float | str] = {}
    errors = {}
    for name, contender in contenders.items():
        try:
            gradients(contender, c)  # compiles
            peaks[name] = cuda_rise(contender, c)
            if right is not None and name != "fused_off_policy":
                errors[name] = error(gradients(contender, c), right)
        except torch.cuda.OutOfMemoryError:
            peaks[name] = "out of memory"
        torch.cuda.empty_cache()
    fits = {name: f for name, f in contenders.items() if peaks[name] != "out of memory"}
    for contender in fits.values():
        gradients(contender, c)
    figures = timed(c, fits, rounds, "cuda")
    return {"shape_BTHV": list(shape), **figures, "peak_rise_mb": peaks, "relative_gradient_error": errors}


def cuda_rise(contender: Contender, c: Case) -> float:
    """Megabytes that a step takes above its inputs and the gradients that it returns."""
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    own = sum(gradient.nbytes for gradient in gradients(contender, c))
    return round((torch.cuda.max_memory_allocated() - before - own) / 2**20, 1)


def cuda_parts(rounds: int) -> dict[str, Callable[[], dict[str, Any]]]:
    """What is measured on a GPU, by name: weights and states in bfloat16, in float32 with and without autocast."""
    shape, half = SHAPES["cuda"], torch.bfloat16
    cast = {name: autocast(contender) for name, contender in CONTENDERS.items()}
    return {
        "bfloat16": lambda: on_cuda(shape, half, rounds, CONTENDERS),
        "float32_autocast": lambda: on_cuda(shape, torch.float32, rounds, cast),
        "bfloat16_large": lambda: on_cuda(LARGE_SHAPE, half, min(rounds, 3), CONTENDERS),
        "float32": lambda: on_cuda(shape, torch.float32, rounds, CONTENDERS),
        "gae": lambda: advantages(rounds, "cuda"),
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
    after, carried, out = rewards.new_zeros(len(rewards)), rewards.new_zeros(len(rewards)), []
    for t in reversed(range(rewards.shape[1])):
        step = rewards[:, t] + 0.99 * after - values[:, t] + 0.99 * 0.95 * carried
        after = torch.where(mask[:, t], values[:, t], after)
        carried = torch.where(mask[:, t], step, carried)
        out.append(torch.where(mask[:, t], carried, 0.0))
    return torch.stack(out[::-1], 1)


def advantages(rounds: int, device: str) -> dict[str, Any]:
    """GAE at two shapes, tensors in and out."""
    found = {}
    for shape in ((64, 512), (256, 2048)):
        rewards, values = torch.randn(2, *shape, device=device)
        mask = torch.rand(shape, device=device) < 0.8
        torch.testing.assert_close(
            gae(rewards, values, mask, gamma=0.99)[0], torch_gae(rewards, values, mask), rtol=1e-4, atol=1e-4
        )
        ratios, best = [], []
        for _ in range(rounds):
            ours = seconds(lambda: gae(rewards, values, mask, gamma=0.99), device)  # noqa: B023 - called at once
            ratios.append(seconds(lambda: torch_gae(rewards, values, mask), device) / ours)  # noqa: B023 - as above
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
    parser.add_argument("--part", action="append", help="of what is measured on CUDA; all if not given")
    parser.add_argument("--out", help="file to write in place of the one under results/")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.rise_of:
        print(rise_of(options.rise_of))
        return
    ran = conditions(("torch", "numba", "trl", "liger-kernel", "triton"))
    default = Path(__file__).parent / "results" / f"rl_losses_{options.device}.json"
    path = options.out or (str(default) if options.write else None)
    if options.device == "cuda":
        ran["machine"] = torch.cuda.get_device_name()
        figures = {}
        for part, measure in cuda_parts(options.rounds).items():
            if part in (options.part or [part]):
                figures[part] = measure()
                print(part, json.dumps(figures[part]), flush=True)
                write(path, {**ran, "threads": 1, **figures})
                torch.cuda.empty_cache()
    else:
        figures = {
            "grpo_loss": losses("cpu", options.rounds),
            "memory": memory(),
            "gae": advantages(options.rounds, "cpu"),
        }
        print(json.dumps(figures, indent=2))
        write(path, {**ran, "threads": 1, **figures})


if __name__ == "__main__":
    main()
