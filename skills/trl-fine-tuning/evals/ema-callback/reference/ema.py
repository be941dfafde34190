"""Exponential moving average of the weights during training."""

import copy

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel, TrainerCallback


class EMA(TrainerCallback):
    """Keep an average of the weights in a second model."""

    def __init__(self, decay=0.9):
        self.decay = decay
        self.model = None

    def on_train_begin(self, *_, model: PreTrainedModel, **__):
        """Start from the weights before the first step."""
        # The trainer has patched model.forward; a deep copy would go on calling the patched model's weights.
        average = AutoModelForCausalLM.from_config(copy.deepcopy(model.config), dtype=model.dtype)
        average.to(model.device).load_state_dict(model.state_dict())
        average.generation_config = copy.deepcopy(model.generation_config)
        self.model = average.eval().requires_grad_(requires_grad=False)

    @torch.no_grad()
    def on_step_end(self, *_, model: PreTrainedModel, **__):
        """Move the average towards the weights."""
        for average, weight in zip(self.model.parameters(), model.parameters(), strict=True):
            average.lerp_(weight, 1 - self.decay)
