"""One optimizer for all runs of a batch that share a structure; numbers differ per run."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import cos, pi

import torch
from torch import Tensor

from airskills.grokking.config import Method
from airskills.grokking.draws import GRADIENT, Draw
from airskills.grokking.optim import gradients, rules, surge
from airskills.grokking.optim.layout import Layout

KNOBS = ("lr", "weight_decay", "beta1", "beta2", "eps", "momentum", "alpha", "lamb", "noise")


def rate(method: Method, step: int, budget: int) -> float:
    """Multiplier of the learning rate at a step (from 1): warm-up, then constant, linear or cosine to 0."""
    if step <= method.warmup:
        return step / method.warmup
    done = (step - method.warmup) / max(budget - method.warmup, 1)
    if method.schedule == "linear":
        return max(1 - done, 0.0)
    if method.schedule == "cosine":
        return 0.5 * (1 + cos(pi * min(done, 1.0)))
    return 1.0


@dataclass(slots=True)
class Group:
    """Runs of equal `Method.structure`: their numbers [runs, 1] and their optimizer state [runs, numbers]."""

    method: Method
    layout: Layout
    knobs: dict[str, Tensor]
    state: dict[str, Tensor] = field(default_factory=dict)

    @classmethod
    def of(cls, methods: Sequence[Method], layout: Layout, device: torch.device) -> "Group":
        """Stack the numbers of the methods (float32, as the parameters)."""
        columns = {k: [getattr(m, k) for m in methods] for k in KNOBS}
        knobs = {k: torch.tensor(v, device=device).unsqueeze(1) for k, v in columns.items()}
        return cls(methods[0], layout, knobs)

    def step(
        self, param: Tensor, grad: Tensor, step: int, budget: int, draw: Draw, surging: Tensor | None
    ) -> None:
        """Change `param` [runs, numbers] in place.

        Args:
            param: Weights.
            grad: Gradient.
            step: Number of this step, from 1.
            budget: Steps of the whole run, for schedules.
            draw: Random numbers of this step for these runs.
            surging: [runs] bool, runs for which surges are on; None if the method has none.
        """
        grad = self._prepare(param, grad, step, draw)
        scale = rate(self.method, step, budget)
        lr = self.knobs["lr"] * scale
        if self.method.surge and surging is not None:
            burst = surge.multiplier(self.method.surge, step)
            lr = torch.where(surging.unsqueeze(1), lr * burst, lr)
        self._update(param, grad, step, lr)

    def _prepare(self, param: Tensor, grad: Tensor, step: int, draw: Draw) -> Tensor:
        """Noise, then filter, then projection."""
        method = self.method
        if method.noise > 0:
            scale = gradients.noise_scale(self.knobs["noise"], step)
            grad = grad + scale * draw.normal(GRADIENT, grad.shape[1])
        if method.filter == "ema":
            average = self.state.get("average")
            alpha, lamb = self.knobs["alpha"], self.knobs["lamb"]
            grad, self.state["average"] = gradients.grokfast_ema(grad, average, alpha=alpha, lamb=lamb)
        elif method.filter == "ma":
            window = self._zeros("window", grad.new_zeros(method.window, *grad.shape))
            grad = gradients.grokfast_ma(grad, window, step, lamb=self.knobs["lamb"])
        return gradients.perpendicular(grad, param, self.layout) if method.perpendicular else grad

    def _update(self, param: Tensor, grad: Tensor, step: int, lr: Tensor) -> None:
        if self.method.optimizer == "sgd":
            rules.sgd(
                param,
                grad,
                self._zeros("buffer", grad),
                lr=lr,
                decay=self.knobs["weight_decay"],
                momentum=self.knobs["momentum"],
            )
            return
        hidden = self.layout.hidden() if self.method.optimizer == "muon" else []
        before = {name: param[:, self.layout.columns(name)].clone() for name in hidden}
        self._adamw(param, grad, step, lr)
        for name in hidden:
            self._muon(name, before[name], param, grad, lr)

    def _adamw(self, param: Tensor, grad: Tensor, step: int, lr: Tensor) -> None:
        knobs = self.knobs
        state = self._zeros("first", grad), self._zeros("second", grad)
        betas = knobs["beta1"], knobs["beta2"]
        rules.adamw(
            param, grad, state, step, lr=lr, decay=knobs["weight_decay"], betas=betas, eps=knobs["eps"]
        )

    def _muon(self, name: str, before: Tensor, param: Tensor, grad: Tensor, lr: Tensor) -> None:
        """Replace AdamW's change of one hidden matrix by Muon's."""
        part = self.layout.columns(name)
        rows, columns = self.layout.shapes[self.layout.names.index(name)]
        buffer = self._zeros("buffer", grad)[:, part]
        decay, momentum = self.knobs["weight_decay"], self.knobs["momentum"]
        rules.muon(
            before, grad[:, part], buffer, shape=(rows, columns), lr=lr, decay=decay, momentum=momentum
        )
        param[:, part] = before

    def _zeros(self, name: str, like: Tensor) -> Tensor:
        """State of a name, made of zeros at the first use."""
        if name not in self.state:
            self.state[name] = torch.zeros_like(like)
        return self.state[name]

    def runs(self, keep: Tensor) -> "Group":
        """Keep some runs; the ring of Grokfast-MA has its [runs] axis second."""
        state = {k: v[:, keep] if k == "window" else v[keep] for k, v in self.state.items()}
        return Group(self.method, self.layout, {k: v[keep] for k, v in self.knobs.items()}, state)
