"""The engine: many runs as one stacked model, with hyperparameters, data and noise of their own.

The batch is a memory layout and nothing else: a run's result does not depend on its neighbors beyond float
rounding, and a run that ended (grokked with its tail seen, diverged, or stopped) leaves the batch.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from airskills.grokking import data as datasets
from airskills.grokking import losses, signals
from airskills.grokking.config import Loss, RunSpec
from airskills.grokking.data import Data, Split
from airskills.grokking.draws import BATCH, INIT, Draw, generator
from airskills.grokking.errors import GrokkingError
from airskills.grokking.models.network import Output
from airskills.grokking.monitor import NEVER, Monitor
from airskills.grokking.optim import surge
from airskills.grokking.optim.group import Group
from airskills.grokking.optim.layout import Layout, flatten
from airskills.grokking.outcome import Curve, Outcome, judge
from airskills.grokking.tasks.registry import Task

ALWAYS = ("train_accuracy", "test_accuracy", "train_loss", "test_loss")
CORE = ("weight_norm", "last_layer_norm", "zero_loss_share")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One point of the grid: the runs still going (as positions in the specs) and their signals, [runs] each."""

    step: int
    runs: tuple[int, ...]
    values: dict[str, Tensor]


class Callback(Protocol):
    """Sees every evaluation; may return a [runs] bool tensor of the runs to stop."""

    def on_evaluation(self, trainer: "Trainer", seen: Evaluation) -> Tensor | None:
        """Look, record, and perhaps stop runs."""
        ...


@dataclass(frozen=True, slots=True)
class RunResult:
    """What one run left."""

    spec: RunSpec
    outcome: Outcome
    curve: Curve
    events: tuple[int, ...]
    cpu_s: float


class Trainer:
    """A batch of runs of one task with equal budgets.

    Args:
        task: What is trained on what.
        specs: One per run; results come back in this order.
        selection: Judge on the validation rows: for tuning and early stopping.
        extra: Names from `signals.EXTRA` to record as well.
        device: Where the tensors live; random numbers are always made on the CPU.
        keep_going: Do not end runs after their tail (for experiments on late relapse).

    Raises:
        GrokkingError: for runs of different tasks or budgets, an unknown signal, or StableMax without softmax.
    """

    def __init__(
        self,
        task: Task,
        specs: Sequence[RunSpec],
        *,
        selection: bool = False,
        extra: Sequence[str] = (),
        device: str = "cpu",
        keep_going: bool = False,
    ) -> None:
        _check(task, specs, extra)
        self.task, self.specs, self.extra, self.keep_going = task, tuple(specs), tuple(extra), keep_going
        self.device = torch.device(device)
        self.budget = specs[0].budget or task.card.budget
        order = sorted(range(len(specs)), key=lambda i: repr(specs[i].method.structure))
        self.runs = tuple(order)
        self.data = _data(task, [specs[i].seed for i in order], selection=selection).to(self.device)
        self.layout, self.param = self._init()
        self.groups = self._group()
        self.grad = torch.zeros_like(self.param)
        self.monitor = Monitor.start(len(order))
        self.step, self.epoch, self.offset = 0, 0, 0
        self._shuffled: tuple[object, Tensor] | None = None
        self.names = ("step", *ALWAYS, *CORE, *self.extra)
        self.log: list[list[list[float]]] = [[] for _ in specs]
        self.events: list[list[int]] = [[] for _ in specs]
        self.cpu = [0.0] * len(specs)
        self.ended: dict[int, str] = {}

    def _init(self) -> tuple[Layout, Tensor]:
        params = []
        for i in self.runs:
            one = self.task.network.init(generator(self.specs[i].seed, INIT))
            scale = self.specs[i].method.init_scale
            weights = {n: t if n.endswith(("bias", "gain")) else t * scale for n, t in one.items()}
            params.append(weights)
        return Layout.of(params[0]), flatten(params).to(self.device)

    def _group(self) -> list[tuple[slice, Group]]:
        groups: list[tuple[slice, Group]] = []
        start = 0
        methods = [self.specs[i].method for i in self.runs]
        while start < len(methods):
            stop = start
            while stop < len(methods) and methods[stop].structure == methods[start].structure:
                stop += 1
            groups.append((slice(start, stop), Group.of(methods[start:stop], self.layout, self.device)))
            start = stop
        return groups

    @property
    def draw(self) -> Draw:
        """Random numbers of the current step for the runs still going."""
        return Draw(tuple(self.specs[i].seed for i in self.runs), self.step, self.device)

    def train(self, callbacks: Sequence[Callback] = (), *, until: int | None = None) -> list[RunResult]:
        """Train to the budget, to step `until`, or until every run has ended."""
        last = self.budget if until is None else min(until, self.budget)
        began = time.process_time()
        while self.runs and self.step < last:
            self.advance()
            if self.step % self.task.card.every == 0 or self.step == self.budget:
                seen = self.evaluate()
                now = time.process_time()
                self._charge(now - began)
                began = now
                self._retire(seen, callbacks)
        return self.results()

    def advance(self) -> None:
        """One step of all runs."""
        self.step += 1
        leaf = self.param.detach().requires_grad_()
        rows = self._batch()
        output = self.task.network.forward(self.layout.views(leaf), rows.inputs, self.draw)
        loss = self._losses(output.logits, rows.targets)
        (self.grad,) = torch.autograd.grad(loss.sum(), leaf)
        with torch.no_grad():
            for part, group in self.groups:
                self._update(part, group, output)

    def _losses(self, logits: Tensor, targets: Tensor) -> Tensor:
        kinds = [(part, self._kind(group)) for part, group in self.groups]
        if len({kind for _, kind in kinds}) == 1:
            return losses.per_run(logits, targets, kinds[0][1])
        parts = [losses.per_run(logits[part], targets[part], kind).double() for part, kind in kinds]
        return torch.cat(parts)

    def _kind(self, group: Group) -> Loss:
        return "stablemax" if group.method.stablemax else self.task.card.loss

    def _update(self, part: slice, group: Group, output: Output) -> None:
        param, draw, plan = self.param[part], self.draw.part(part), group.method.surge
        active = None
        if plan:
            always = plan.trigger == "schedule"
            active = (
                (torch.ones_like(self.monitor.t_mem[part]) > 0)
                if always
                else self.monitor.t_mem[part] != NEVER
            )
            active = active.to(self.device)
        group.step(param, self.grad[part], self.step, self.budget, draw, active)
        if plan and active is not None and surge.due(plan, self.step) and bool(active.any()):
            firing = (output.hidden[part] > 0).float().mean(1) if plan.collapse == "activation" else None
            damaged = surge.collapse(plan, param, self.grad[part], self.layout, draw, firing)
            param.copy_(torch.where(active.unsqueeze(1), damaged, param))
            for run, fired in zip(self.runs[part], active.tolist(), strict=True):
                if fired:
                    self.events[run].append(self.step)

    def rows_now(self) -> int | None:
        """Rows per batch at this step, by the card's schedule; None is all of them."""
        sizes = [rows for start, rows in self.task.card.batch if self.step >= start]
        return sizes[-1] if sizes and sizes[-1] < self.data.train.targets.shape[1] else None

    def _batch(self) -> Split:
        """Next rows of each run in its own shuffled order; a rest smaller than a batch is skipped."""
        rows, train = self.rows_now(), self.data.train
        if rows is None:
            return train
        total = train.targets.shape[1]
        if self.offset + rows > total:
            self.epoch, self.offset = self.epoch + 1, 0
        pick = self._order(total)[:, self.offset : self.offset + rows]
        self.offset += rows
        line = torch.arange(len(pick), device=self.device).unsqueeze(1)
        return Split(train.inputs[line, pick], train.targets[line, pick])

    def _order(self, total: int) -> Tensor:
        key = (self.epoch, self.runs)
        if self._shuffled is None or self._shuffled[0] != key:
            seeds = [self.specs[i].seed for i in self.runs]
            orders = [torch.randperm(total, generator=generator(s, BATCH, self.epoch)) for s in seeds]
            self._shuffled = key, torch.stack(orders).to(self.device)
        return self._shuffled[1]

    @torch.no_grad()
    def evaluate(self) -> Evaluation:
        """Measure all runs on all train rows and on the held-out rows, without noise."""
        train, test = self.data.train, self.data.test
        params = self.layout.views(self.param)
        both = self.task.network.forward(params, torch.cat([train.inputs, test.inputs], 1), None)
        cut = train.targets.shape[1]
        parts = (
            Output(both.logits[:, :cut], both.hidden[:, :cut]),
            Output(both.logits[:, cut:], both.hidden[:, cut:]),
        )
        kind = self.task.card.loss
        values = {
            "train_accuracy": signals.accuracy(parts[0].logits, train.targets, self.data.counted),
            "test_accuracy": signals.accuracy(parts[1].logits, test.targets),
            "train_loss": losses.per_run(parts[0].logits, train.targets, kind),
            "test_loss": losses.per_run(parts[1].logits, test.targets, kind),
        }
        moment = signals.Moment(
            params, self.layout.views(self.grad), parts[0], train.targets, parts[1], test.targets
        )
        values |= signals.core(moment) | {name: signals.EXTRA[name](moment) for name in self.extra}
        seen = Evaluation(self.step, self.runs, values)
        self._record(seen)
        return seen

    def _record(self, seen: Evaluation) -> None:
        table = torch.stack([v.double() for v in seen.values.values()], 1).cpu()  # one wait for the device
        for run, row in zip(seen.runs, table.tolist(), strict=True):
            self.log[run].append([float(seen.step), *row])
        train, test = (table[:, ALWAYS.index(name)] for name in ("train_accuracy", "test_accuracy"))
        self.monitor.update(self.task.card, seen.step, train, test)

    def _charge(self, seconds: float) -> None:
        for run in self.runs:
            self.cpu[run] += seconds / len(self.runs)

    def _retire(self, seen: Evaluation, callbacks: Sequence[Callback]) -> None:
        """Take out the runs that diverged, finished their tail, or were stopped by a callback."""
        broken = ~torch.isfinite(seen.values["train_loss"]).cpu()
        done = self.monitor.finished(self.step) & (not self.keep_going)
        stop = torch.zeros_like(done)
        for callback in callbacks:
            wish = callback.on_evaluation(self, seen)
            stop |= torch.zeros_like(done) if wish is None else wish.cpu()
        for place, run in enumerate(self.runs):
            if broken[place]:
                self.ended[run] = "diverged"
            elif stop[place] and not done[place]:
                self.ended[run] = "stopped"
        self.keep(~(broken | done | stop))

    def keep(self, keep: Tensor) -> None:
        """Go on with some of the runs, [runs] bool."""
        if bool(keep.all()):
            return
        chosen = keep.nonzero().flatten().to(self.device)
        counts = [int(keep[part].sum()) for part, _ in self.groups]
        groups = [(part, g.runs(keep[part].nonzero().flatten().to(self.device))) for part, g in self.groups]
        starts = np.concatenate([[0], np.cumsum(counts)]).tolist()
        packed = zip(groups, counts, starts[:-1], strict=True)
        self.groups = [(slice(start, start + n), g) for (_, g), n, start in packed if n]
        self.param, self.grad = self.param[chosen], self.grad[chosen]
        self.data, self.monitor = self.data.runs(chosen), self.monitor.runs(keep)
        self.runs = tuple(run for run, kept in zip(self.runs, keep.tolist(), strict=True) if kept)

    def curve(self, run: int) -> Curve:
        """Curve of a run so far: one array per signal."""
        table = np.array(self.log[run], dtype=np.float64).reshape(-1, len(self.names))
        return {name: table[:, i] for i, name in enumerate(self.names)}

    def results(self) -> list[RunResult]:
        """Verdicts of all runs, in the order of the specs."""
        return [self.result(i) for i in range(len(self.specs))]

    def result(self, run: int) -> RunResult:
        """Verdict on one run so far, by its place in the specs."""
        curve, why = self.curve(run), self.ended.get(run)
        outcome = judge(self.task.card, curve, diverged=why == "diverged", stopped=why == "stopped")
        return RunResult(self.specs[run], outcome, curve, tuple(self.events[run]), self.cpu[run])


def _check(task: Task, specs: Sequence[RunSpec], extra: Sequence[str]) -> None:
    if not specs:
        raise GrokkingError("No runs given: pass at least one RunSpec")
    if len({(s.task, s.budget) for s in specs}) > 1 or specs[0].task != task.card.id:
        found = sorted({f"{s.task} ({s.budget} steps)" for s in specs})
        raise GrokkingError(
            f"One batch trains one task with one budget; got {', '.join(found)} for {task.card.id}"
        )
    unknown = sorted(set(extra) - set(signals.EXTRA))
    if unknown:
        raise GrokkingError(f"Unknown signals {', '.join(unknown)}; there are: {', '.join(signals.EXTRA)}")
    if task.card.loss != "cross_entropy" and any(s.method.stablemax for s in specs):
        raise GrokkingError(
            f"StableMax replaces a softmax, and {task.card.id} has the loss {task.card.loss}: leave it out here"
        )


def _data(task: Task, seeds: Sequence[int], *, selection: bool) -> Data:
    made = {seed: task.make(seed) for seed in set(seeds)}
    parts = [made[seed].for_selection() if selection else made[seed] for seed in seeds]
    return datasets.stack(parts)
