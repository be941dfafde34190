"""One GRPO step on given completions, alone or under torchrun: `two_processes.py MODEL OUTPUT`.

Completions are fixed by the prompt, so that one process and two see the same batch.
"""

import json
import os
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, set_seed
from trl.trainer.grpo_config import GRPOConfig

from airskills.rl.rewards import PatternMatch
from airskills.rl.trl import GRPOTrainer

ROWS = 8


class Fixed(GRPOTrainer):
    """Saves its advantages."""

    def _generate_and_score_completions(self, inputs: Any) -> Any:
        batch = super()._generate_and_score_completions(inputs)
        path = Path(self.args.output_dir) / f"advantages{self.accelerator.process_index}.json"
        path.write_text(json.dumps(batch["advantages"].tolist()))
        return batch


def rollout(prompts: Any, trainer: Any) -> Any:
    """Completions that depend on the prompt and the place in its group only."""
    start = trainer.accelerator.process_index * len(prompts)
    ids = [
        [3 + (7 * (start + i) + 5 * k + k * k * (start + i)) % 28 for k in range(6)]
        for i in range(len(prompts))
    ]
    texts = trainer.processing_class(prompts)["input_ids"]
    return {"prompt_ids": texts, "completion_ids": ids, "logprobs": [[-1.0] * 6 for _ in ids]}


def main(model_folder: str, output: str) -> None:
    """Train one step and save."""
    warnings.simplefilter("ignore")  # of the trainer: its rollout function is experimental
    Path(output).mkdir(exist_ok=True)
    set_seed(0)
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    trainer = Fixed(
        model=AutoModelForCausalLM.from_pretrained(model_folder),
        processing_class=AutoTokenizer.from_pretrained(model_folder),
        reward_funcs=PatternMatch([[i] for i in range(3, 13)], value=1 / 6, at_most=6),
        advantage="leave_one_out",
        rollout_func=rollout,
        train_dataset=import_module("datasets").Dataset.from_dict({"prompt": ["1+1=", "2+2="] * 8}),
        args=GRPOConfig(
            output_dir=output,
            use_cpu=True,
            bf16=False,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            per_device_train_batch_size=ROWS // processes,
            num_generations=4,
            max_completion_length=6,
            max_steps=1,
            learning_rate=1e-2,
            lr_scheduler_type="constant",
            optim="sgd",
            gradient_checkpointing=False,
            max_grad_norm=1e9,
            shuffle_dataset=False,
            loss_type="dapo",
        ),
    )
    trainer.train()
    trainer.save_model(output)


if __name__ == "__main__":
    main(*sys.argv[1:])
    torch.distributed.destroy_process_group()
