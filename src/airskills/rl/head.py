"""An output layer for TRL's trainers: on-policy its gradients are formed in the forward pass.

Theirs computes the logits a second time, and on CPU at every position, prompts included.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor

from airskills.rl.fused import Kept
from airskills.rl.linear import Head, Slopes, token_logps

SCALED = (
    "final_logit_softcapping",
    "logit_scale",
    "output_multiplier",
    "lm_head_multiplier",
    "logits_scaling",
)
IGNORED = -100  # label of a position that is not scored


class FusedHead:
    """Scores completions by `linear.token_logps` in a model that TRL has given a fused head."""

    def __init__(self, output: Callable[..., Any], temperature: float, *, exact: bool = False) -> None:
        """Prepare.

        Args:
            output: TRL's class of what a fused head returns.
            temperature: divisor of the logits.
            exact: take the products in the type of the weight under autocast too.
        """
        self.output, self.temperature, self.exact = output, temperature, exact
        self._expected: Slopes | None = None

    def attach(self, model: Any) -> bool:
        """Take the place of TRL's head in calls with `fused_lm_head=True`; all others are unchanged.

        A model that scales or caps its logits, returns router logits, or lies on several devices, keeps TRL's head,
        and so does one whose output layer is sharded when it is called.

        Returns:
            Whether the head was replaced.
        """
        config = model.config.get_text_config()
        scaled = any(getattr(config, name, None) is not None for name in SCALED)
        apart = len(set((getattr(model, "hf_device_map", None) or {}).values())) > 1
        if scaled or apart or getattr(config, "output_router_logits", False):
            return False
        theirs, head = model.forward, self

        @functools.wraps(type(model).forward)
        def forward(
            self: Any, *args: Any, fused_lm_head: bool = False, labels: Tensor | None = None, **options: Any
        ) -> Any:
            ours = fused_lm_head and "shift_labels" not in options and not options.get("output_router_logits")
            if not ours or labels is None or not head.serves(self.get_output_embeddings().weight):
                return theirs(*args, fused_lm_head=fused_lm_head, labels=labels, **options)
            hidden = self.base_model(*args, **{**options, "use_cache": False}).last_hidden_state[:, :-1]
            return head.score(hidden, self.get_output_embeddings(), labels[:, 1:])

        model.forward = types.MethodType(forward, model)
        return True

    def serves(self, weight: Tensor) -> bool:
        """Whether ours is the faster one: on CPU, and on CUDA where the gradient is known beforehand.

        Not if the weight has to be gathered first (FSDP, ZeRO-3).
        """
        whole = type(weight) is torch.nn.Parameter and not hasattr(weight, "ds_id")
        return whole and (weight.device.type == "cpu" or (weight.is_cuda and self._expected is not None))

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
        kept = Kept(keep)
        head = Head(layer.weight, layer.bias, self.temperature)
        expected = self._expected_at(kept)
        with torch.autocast(hidden.device.type, enabled=False) if self.exact else nullcontext():
            scores = token_logps(kept.of(hidden), head, kept.of(labels), expected=expected)
        logp, entropy = (kept.back(score) for score in scores)
        loss = -logp.sum() / keep.sum().clamp(min=1)
        return self.output(loss=loss, log_probs=logp, entropy=entropy, label_mask=keep)

    def _expected_at(self, kept: Kept) -> Slopes | None:
        rows, length = kept.shape
        if self._expected is None or len(self._expected.logp) != rows:
            return None
        before = length - self._expected.logp.shape[1]
        return Slopes(*(kept.of(torch.nn.functional.pad(grid, (before, 0))) for grid in self._expected))
