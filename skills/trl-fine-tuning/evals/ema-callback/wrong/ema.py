"""Exponential moving average of the weights during training."""

import copy

import torch
from transformers import TrainerCallback


class EMA(TrainerCallback):
    """Keep an average of the weights in a second model."""

    def __init__(self, decay=0.9):
        self.decay = decay
        self.model = None

    def on_train_begin(self, args, state, control, model=None, **kwargs):
        """Start from the weights before the first step."""
        self.model = copy.deepcopy(model).eval()
        self.model.requires_grad_(False)

    @torch.no_grad()
    def on_step_end(self, args, state, control, model=None, **kwargs):
        """Move the average towards the weights."""
        for average, weight in zip(self.model.parameters(), model.parameters()):
            average.lerp_(weight, 1 - self.decay)
