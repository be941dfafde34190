"""Our training loop. Workers are killed at any time and started again with the same folder."""

from pathlib import Path

import torch
from accelerate import Accelerator, skip_first_batches
from accelerate.utils import DataLoaderConfiguration, set_seed
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Progress:
    def __init__(self):
        self.epoch = 0
        self.batches = 0

    def state_dict(self):
        return {"epoch": self.epoch, "batches": self.batches}

    def load_state_dict(self, state):
        self.__dict__.update(state)


def run(folder, kill_at=None):
    """Train 3 epochs, return the weights as a list; stop (and return None) after kill_at batches of this run."""
    set_seed(0)
    accelerator = Accelerator(
        cpu=True,
        gradient_accumulation_steps=2,
        dataloader_config=DataLoaderConfiguration(use_seedable_sampler=True, data_seed=0),
    )
    inputs = torch.randn(28, 3)
    model = nn.Linear(3, 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.05)
    loader = DataLoader(TensorDataset(inputs, inputs.sum(1, keepdim=True)), batch_size=2, shuffle=True)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    progress = Progress()
    accelerator.register_for_checkpointing(progress)
    state = Path(folder) / "state"
    if state.exists():
        accelerator.load_state(str(state))
        loader.set_epoch(progress.epoch)
    seen = 0
    for epoch in range(progress.epoch, 3):
        progress.epoch = epoch
        for x, y in skip_first_batches(loader, progress.batches):
            with accelerator.accumulate(model):
                accelerator.backward(nn.functional.mse_loss(model(x), y))
                optimizer.step()
                optimizer.zero_grad()
            progress.batches += 1
            seen += 1
            if seen % 3 == 0:
                accelerator.save_state(str(state))
            if seen == kill_at:
                return None
        progress.batches = 0
    return [value for weight in model.parameters() for value in weight.flatten().tolist()]
