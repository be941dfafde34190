# /// script
# requires-python = ">=3.11"
# dependencies = ["accelerate==1.15.0", "torch==2.13.0", "pyyaml==6.0.3"]
# ///
"""Two real processes on a CPU train as one does, stop inside an epoch, and go on as if nothing had happened.

`accelerate launch` with a config file starts this file twice (gloo). Rows have different lengths and the loss counts
tokens, so that a mean of means would differ. Run it as `python two_processes.py [SEED]`; it ends in assertions.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import yaml
from accelerate import Accelerator, debug_launcher, skip_first_batches
from accelerate.utils import DataLoaderConfiguration, set_seed
from torch import Tensor, nn
from torch.utils.data import DataLoader

EPOCHS, BATCH, WINDOW, STOP = 2, 2, 2, (1, 4)  # stop in epoch 1, after 4 batches: between two windows
CONFIG = {
    "compute_environment": "LOCAL_MACHINE",
    "distributed_type": "MULTI_GPU",  # what starts processes; Accelerator(cpu=True) keeps them off the GPU
    "num_machines": 1,
    "num_processes": 2,
    "main_process_port": 0,
}


def rows(seed: int) -> list[tuple[Tensor, Tensor]]:
    """24 sequences of 1 to 6 tokens, with a target for each token."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, 7, (24,), generator=generator).tolist()
    inputs = [torch.randn(length, 4, generator=generator) for length in lengths]
    return [(x, (x.sum(dim=1) > 0).float()) for x in inputs]


def collate(batch: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Padded inputs and targets; -1 marks padding."""
    inputs, targets = zip(*batch, strict=True)
    pad = nn.utils.rnn.pad_sequence
    return pad(list(inputs), batch_first=True), pad(list(targets), batch_first=True, padding_value=-1.0)


def windows(batches: Any, size: int) -> Iterator[list[Any]]:
    """Batches in groups of size, the last one may be shorter."""
    group: list[Any] = []
    for batch in batches:
        group.append(batch)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def update(
    accelerator: Accelerator, model: nn.Module, optimizer: Any, group: list[tuple[Tensor, Tensor]]
) -> None:
    """One step on a window of batches, each token of all processes with the same weight."""
    tokens = torch.stack([(targets >= 0).sum() for _, targets in group]).sum()
    scale = (
        accelerator.num_processes / accelerator.reduce(tokens, reduction="sum").item()
    )  # DDP divides by processes
    for i, (inputs, targets) in enumerate(group):
        with accelerator.no_sync(model) if i + 1 < len(group) else torch.enable_grad():
            losses = nn.functional.binary_cross_entropy_with_logits(
                model(inputs).squeeze(-1), targets.clamp(min=0), reduction="none"
            )
            accelerator.backward((losses * (targets >= 0)).sum() * scale)
    optimizer.step()
    optimizer.zero_grad()


def train(seed: int, folder: Path, *, window: int, batch: int, resume: bool = False) -> Tensor:
    """Weights after EPOCHS; the state at STOP is left in folder, or read from it."""
    set_seed(seed)
    accelerator = Accelerator(
        cpu=True, dataloader_config=DataLoaderConfiguration(use_seedable_sampler=True, data_seed=seed)
    )
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.05)
    loader = DataLoader(rows(seed), batch_size=batch, shuffle=True, collate_fn=collate)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    first, done = STOP if resume else (0, 0)
    if resume:
        accelerator.load_state(str(folder / "state"))
    for epoch in range(first, EPOCHS):
        loader.set_epoch(epoch)  # every epoch: the skipped loader does not advance this one
        skip = done if epoch == first else 0
        for i, group in enumerate(windows(skip_first_batches(loader, skip), window), start=1):
            update(accelerator, model, optimizer, group)
            if not resume and accelerator.num_processes > 1 and (epoch, i * window) == STOP:
                accelerator.save_state(str(folder / "state"))
    weights = torch.cat(
        [weight.detach().flatten() for weight in accelerator.unwrap_model(model).parameters()]
    )
    if accelerator.num_processes > 1:
        name = "resumed" if resume else "straight"
        torch.save((accelerator.num_processes, weights), folder / f"{name}{accelerator.process_index}.pt")
    return weights


def resumed(seed: int, folder: Path) -> None:
    """The second start, in processes of its own."""
    train(seed, folder, window=WINDOW, batch=BATCH, resume=True)


def main(seed: int) -> None:
    """Train in two processes, go on from the middle, train in one; all three must agree."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG), encoding="utf-8")
        launch = [
            sys.executable,
            "-m",
            "accelerate.commands.launch",
            "--config_file",
            str(folder / "config.yaml"),
        ]
        environment = os.environ | {"HF_HOME": name}
        with subprocess.Popen([*launch, __file__, str(seed), name], env=environment) as started:
            importlib.import_module("torch._dynamo")  # each first step needs it: once here, not in each fork
        assert started.returncode == 0
        debug_launcher(resumed, args=(seed, folder), num_processes=2)
        runs = [
            torch.load(folder / f"{kind}{rank}.pt") for kind in ("straight", "resumed") for rank in range(2)
        ]
        one = train(seed, folder, window=1, batch=BATCH * 2 * WINDOW)
    assert {processes for processes, _ in runs} == {2}
    apart = max(float((weights - one).abs().max()) for _, weights in runs)
    assert apart < 1e-5, f"two processes and one differ by {apart}"
    print(
        f"2 processes x {WINDOW} batches of {BATCH} = 1 process x 1 batch of {BATCH * 2 * WINDOW}: {apart:.1e} apart"
    )


if __name__ == "__main__":
    chosen = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    if "LOCAL_RANK" in os.environ and len(sys.argv) > 2:
        train(chosen, Path(sys.argv[2]), window=WINDOW, batch=BATCH)
    else:
        main(chosen)
