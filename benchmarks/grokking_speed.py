"""Run-steps per second of stacked runs against a plain torch loop, as a ratio that grows with the number of runs.

Variants are interleaved in one process and ratios are medians over rounds, because a shared machine changes speed
from minute to minute: read ratios, not levels. Evaluations on the task's grid are part of every variant.

Run: OMP_NUM_THREADS=1 python benchmarks/grokking_speed.py [--device cuda] [--out FILE]
"""

import argparse
import json
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import nn

from airskills.grokking import benchmark, tasks
from airskills.grokking.config import RunSpec
from airskills.grokking.train import Trainer

TASKS = ("add-31", "digits-mse", "message-31")


class Pairs(nn.Module):
    """The token MLP as one writes it."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.embed = nn.Embedding(net.vocabulary, net.embedding)
        self.hidden = nn.Linear(net.slots * net.embedding, net.width)
        self.head = nn.Linear(net.width, net.classes)

    def forward(self, x: Any) -> Any:
        """Logits of rows."""
        return self.head(self.hidden(self.embed(x).flatten(1)).relu())


class Game(nn.Module):
    """The two agents as one writes them."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.see, self.noise = nn.Embedding(net.states, net.embedding), net.noise
        self.talk = nn.Sequential(
            nn.Linear(net.embedding, net.width), nn.ReLU(), nn.Linear(net.width, net.channel), nn.Tanh()
        )
        self.other = nn.Embedding(net.states, net.embedding)
        self.act = nn.Sequential(
            nn.Linear(net.embedding + net.channel, net.width), nn.ReLU(), nn.Linear(net.width, net.classes)
        )

    def forward(self, x: Any) -> Any:
        """Logits of rows."""
        message = self.talk(self.see(x[:, 0]))
        if self.training:
            message = message + self.noise * torch.randn_like(message)
        return self.act(torch.cat([self.other(x[:, 1]), message], 1))


def images(net: Any) -> Any:
    """Return the vector MLP as one writes it."""
    sizes = (net.features, *net.widths)
    layers = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], net.classes))


class Loop:
    """One model, one torch optimizer, one step after the other."""

    def __init__(self, name: Any, device: Any) -> None:
        self.task = tasks.get(name)
        make = {"add-31": Pairs, "digits-mse": images, "message-31": Game}[name]
        self.model = make(self.task.network).to(device)
        method = self.task.card.reference
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=method.lr, weight_decay=method.weight_decay, betas=(0.9, 0.98)
        )
        self.data, self.step = self.task.make(100).to(torch.device(device)), 0

    def loss(self, logits: Any, targets: Any) -> Any:
        """Loss of the task."""
        if self.task.card.loss == "mse":
            return nn.functional.mse_loss(logits, nn.functional.one_hot(targets, logits.shape[1]).float())
        return nn.functional.cross_entropy(logits, targets)

    def advance(self) -> None:
        """One step, and an evaluation when one is due."""
        self.step += 1
        self.model.train()
        loss = self.loss(self.model(self.data.train.inputs), self.data.train.targets)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        if self.step % self.task.card.every == 0:
            self.measure()

    @torch.no_grad()
    def measure(self) -> None:
        """Accuracy and loss of both parts."""
        self.model.eval()
        for part in (self.data.train, self.data.test):
            logits = self.model(part.inputs)
            (logits.argmax(1) == part.targets).float().mean().item()
            self.loss(logits, part.targets).item()


class Stack:
    """The same as one batch of runs."""

    def __init__(self, name: Any, runs: Any, device: Any) -> None:
        task = tasks.get(name)
        specs = [RunSpec(task=name, method=task.card.reference, seed=100 + i) for i in range(runs)]
        self.trainer = Trainer(task, specs, device=device, keep_going=True)

    def advance(self) -> None:
        """One step, and an evaluation when one is due."""
        self.trainer.advance()
        if self.trainer.step % self.trainer.task.card.every == 0:
            self.trainer.evaluate()


def speed(variant: Any, runs: Any, steps: Any, device: Any) -> Any:
    """Run-steps per second."""
    start = time.perf_counter()
    for _ in range(steps):
        variant.advance()
    if device != "cpu":
        torch.cuda.synchronize()
    return runs * steps / (time.perf_counter() - start)


def rounds(name: Any, sizes: Any, steps: Any, count: Any, device: Any) -> Any:
    """Medians of the ratios to the plain loop, one per number of runs."""
    plain, stacks = Loop(name, device), {n: Stack(name, n, device) for n in sizes}
    least = 5 if device == "cpu" else 20  # a GPU needs as long for a step of one run as of many
    for variant, n in ((plain, 1), *((stack, n) for n, stack in stacks.items())):
        speed(variant, n, 5 if device == "cpu" else 10, device)
    found: Any = {n: [] for n in sizes}
    levels = []
    for _ in range(count):
        base = speed(plain, 1, steps, device)
        levels.append(base)
        for n, stack in stacks.items():
            found[n].append(speed(stack, n, max(steps // n, least), device) / base)
    return {
        "plain_steps_per_s": round(median(levels)),
        "ratio": {n: round(median(r), 2) for n, r in found.items()},
    }


def worker(name: Any, runs: Any, steps: Any) -> Any:
    """Run-steps done by one process, and from when to when."""
    torch.set_num_threads(1)
    stack = Stack(name, runs, "cpu")
    speed(stack, runs, 2, "cpu")
    start = time.time()
    return runs * steps, start, (speed(stack, runs, steps, "cpu"), time.time())[1]


def two_workers(name: Any, runs: Any, steps: Any, pool: Any) -> Any:
    """Run-steps per second of two one-thread processes over the time in which both were at work."""
    parts = [future.result() for future in [pool.submit(worker, name, runs, steps) for _ in range(2)]]
    return sum(p[0] for p in parts) / (max(p[2] for p in parts) - min(p[1] for p in parts))


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    sizes = (1, 2, 4, 8, 16, 32) if options.device == "cpu" else (1, 8, 64, 256, 1_024)
    result = {"hardware": benchmark.hardware(), "device": options.device, "tasks": {}}
    for name in TASKS:
        result["tasks"][name] = rounds(name, sizes, options.steps, options.rounds, options.device)
        print(name, json.dumps(result["tasks"][name]), flush=True)
    if options.device == "cpu":
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(2, mp_context=context) as pool:
            for name in TASKS:
                ratios = []
                for _ in range(options.rounds):
                    base = speed(Loop(name, "cpu"), 1, options.steps, "cpu")
                    ratios.append(two_workers(name, 8, options.steps // 2, pool) / base)
                result["tasks"][name]["two_workers_of_8_runs"] = round(median(ratios), 2)
                print(name, "two workers of 8 runs", round(median(ratios), 2), flush=True)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
