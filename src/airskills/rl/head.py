"""An output layer for TRL's trainers on CPU, where theirs computes every position, prompts included."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from airskills.rl.fused import scattered
from airskills.rl.linear import Head, Slopes, token_logps

SCALED = (
    "final_logit_softcapping",
    "logit_scale",
    "output_multiplier",
    "lm_head_multiplier",
    "logits_scaling",
)
IGNORED = -100  # label of a position that is not scored


class CpuHead:
    """Scores completions by `linear.token_logps` in a model that TRL has given a fused head."""

    def __init__(self, output: Callable[..., Any], temperature: float) -> None:
        """Prepare.

        Args:
            output: TRL's class of what a fused head returns.
            temperature: divisor of the logits.
        """
        self.output, self.temperature = output, temperature
        self._expected: Slopes | None = None

    def attach(self, model: Any) -> bool:
        """Take the place of TRL's head in calls with `fused_lm_head=True`; all others are unchanged.

        A model that scales or caps its logits, or returns router logits, keeps TRL's head, and so does every other
        device.

        Returns:
            Whether the head was replaced.
        """
        config = model.config.get_text_config()
        scaled = any(getattr(config, name, None) is not None for name in SCALED)
        if scaled or getattr(config, "output_router_logits", False) or model.device.type != "cpu":
            return False
        theirs, head = model.forward, self

        @functools.wraps(type(model).forward)
        def forward(
            self: Any, *args: Any, fused_lm_head: bool = False, labels: Tensor | None = None, **options: Any
        ) -> Any:
            ours = fused_lm_head and "shift_labels" not in options and not options.get("output_router_logits")
            if not ours or labels is None or labels.device.type != "cpu":
                return theirs(*args, fused_lm_head=fused_lm_head, labels=labels, **options)
            hidden = self.base_model(*args, **{**options, "use_cache": False}).last_hidden_state[:, :-1]
            return head.score(hidden, self.get_output_embeddings(), labels[:, 1:])

        model.forward = types.MethodType(forward, model)
        return True

    @contextmanager
    def expecting(self, slopes: Slopes | None) -> Iterator[None]:
        """Form gradients in forward passes within, for slopes `[B, T]` of the last `T` positions."""
        self._expected = slopes
        try:
            yield
        finally:
            self._expected = None

    def score(self, hidden: Tensor, layer: Any, labels: Tensor) -> Any:
        """Log-probabilities and entropies `[B, L]` at states `[B, L, H]`, 0 where the label is -100."""
        keep = labels != IGNORED
        logp, entropy = (
            scattered(score, keep)
            for score in token_logps(
                hidden[keep],
                Head(layer.weight, layer.bias, self.temperature),
                labels[keep],
                expected=self._expected_at(keep),
            )
        )
        loss = -logp.sum() / keep.sum().clamp(min=1)
        return self.output(loss=loss, log_probs=logp, entropy=entropy, label_mask=keep)

    def _expected_at(self, keep: Tensor) -> Slopes | None:
        if self._expected is None or len(self._expected.logp) != len(keep):
            return None
        before = keep.shape[1] - self._expected.logp.shape[1]
        return Slopes(*(torch.nn.functional.pad(grid, (before, 0))[keep] for grid in self._expected))
