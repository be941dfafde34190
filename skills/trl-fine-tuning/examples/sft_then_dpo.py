# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "trl==1.16.0", "transformers==5.23.0", "torch==2.13.0", "tokenizers==0.23.3",
#   "datasets==5.2.0", "accelerate==1.15.0",
# ]
# ///
"""SFT, then DPO, on a CPU and offline: a tiny random model learns to answer, then to prefer one style.

Model, tokenizer, template and data are made here; masks, trainers and losses are TRL's own.
Run it as `python sft_then_dpo.py [SEED]`. It ends in assertions, and leaves nothing behind.
"""

from __future__ import annotations

import logging
import os
import string
import sys
import tempfile
import warnings
from typing import Any

import datasets
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, PrinterCallback, Qwen3Config, Qwen3ForCausalLM
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}"
    "{% if m.role == 'assistant' %}{% generation %}{{ m.content + '<|im_end|>' }}{% endgeneration %}{{ '\n' }}"
    "{% else %}{{ m.content + '<|im_end|>\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
ANSWERS = ("yes", "sure")  # SFT teaches both; DPO prefers the second


def make_tokenizer() -> PreTrainedTokenizerFast:
    """One token per character, and a template whose trained part holds the end of the turn."""
    special = ["<|endoftext|>", "<|im_end|>", "<|im_start|>"]
    vocabulary = {token: i for i, token in enumerate([*special, *string.printable])}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token=" "))
    core.add_special_tokens(special)
    core.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    core.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, pad_token=special[0], eos_token=special[1])
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def make_model(size: int) -> Qwen3ForCausalLM:
    """Sixty thousand random float32 weights."""
    sizes = {"hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2, "head_dim": 12}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2}
    return Qwen3ForCausalLM(Qwen3Config(vocab_size=size, eos_token_id=1, pad_token_id=0, **sizes, **heads))


def user(number: int) -> list[dict[str, str]]:
    """The question of a row."""
    return [{"role": "user", "content": f"Is {number} a number?"}]


def assistant(text: str) -> list[dict[str, str]]:
    """An answer."""
    return [{"role": "assistant", "content": text}]


def settings(folder: str, seed: int, steps: int, rate: float) -> dict[str, Any]:
    """What both stages share."""
    return {
        "output_dir": folder,
        "seed": seed,
        "max_steps": steps,
        "learning_rate": rate,
        "lr_scheduler_type": "constant",
        "per_device_train_batch_size": 16,
        "logging_steps": 1,
        "use_cpu": True,
        "bf16": False,
        "activation_checkpointing": False,
        "report_to": "none",
        "save_strategy": "no",
        "disable_tqdm": True,
    }


def quiet(trainer: Any) -> Any:
    """The trainer without its printed log."""
    trainer.remove_callback(PrinterCallback)
    return trainer


def supervise(model: Any, tokenizer: Any, folder: str, seed: int) -> Any:
    """Train on the answers only, half of each kind."""
    rows = [{"messages": user(n) + assistant(ANSWERS[n % 2])} for n in range(64)]
    config = SFTConfig(assistant_only_loss=True, max_length=64, **settings(folder, seed, 40, 1e-2))
    trainer = SFTTrainer(
        model=model,
        args=config,
        train_dataset=datasets.Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    return quiet(trainer)


def prefer(model: Any, tokenizer: Any, folder: str, seed: int) -> Any:
    """Prefer the second answer, against a reference that is computed now, from the weights as SFT left them.

    The term "sft" keeps the chosen answer likely: with "sigmoid" alone margins rise while both answers become
    unlikely, and this model says nothing at all (seed 0).
    """
    rows = [
        {"prompt": user(n), "chosen": assistant(ANSWERS[1]), "rejected": assistant(ANSWERS[0])}
        for n in range(64)
    ]
    config = DPOConfig(
        loss_type=["sigmoid", "sft"],
        precompute_ref_log_probs=True,
        max_length=64,
        **settings(folder, seed, 20, 1e-3),
    )
    trainer = DPOTrainer(
        model=model,
        args=config,
        train_dataset=datasets.Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    return quiet(trainer)


def answer(model: Any, tokenizer: Any, number: int) -> str:
    """Greedy answer, with its end token if there is one."""
    ids = tokenizer.apply_chat_template(user(number), add_generation_prompt=True, return_tensors="pt")[
        "input_ids"
    ]
    with torch.no_grad():
        made = model.eval().generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False
        )
    return tokenizer.decode(made[0, ids.shape[1] :])


def main() -> None:
    """Run both stages, print four lines, assert what they claim."""
    torch.set_num_threads(1)
    os.environ["TQDM_DISABLE"] = "1"  # the bar of the reference pass
    logging.getLogger("transformers").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning)  # TRL's own use of names that changed
    datasets.disable_progress_bars()
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    tokenizer = make_tokenizer()
    model = make_model(len(tokenizer))
    with tempfile.TemporaryDirectory() as folder:
        sft = supervise(model, tokenizer, folder, seed)
        labels = sft.train_dataset[0]["labels"]
        trained = tokenizer.decode([label for label in labels if label != -100])
        sft.train()
        between = answer(model, tokenizer, 70)
        dpo = prefer(model, tokenizer, folder, seed)
        dpo.train()
    losses = [row["loss"] for row in sft.state.log_history if "loss" in row]
    log = [row for row in dpo.state.log_history if "rewards/margins" in row]
    first, last = log[0], log[-1]
    print(
        f"seed {seed}: trained of row 0: {trained!r}, {len(labels) - labels.count(-100)} of {len(labels)} tokens"
    )
    print(f"SFT loss {losses[0]:.2f} -> {losses[-1]:.2f}, answers {between!r}")
    print(f"DPO loss {first['loss']:.2f} -> {last['loss']:.2f}")
    print(
        f"margin {first['rewards/margins']:.2f} -> {last['rewards/margins']:.2f}, answers {answer(model, tokenizer, 70)!r}"
    )
    assert trained == "yes<|im_end|>"
    assert losses[0] > 3
    assert losses[-1] < 0.5
    assert between in {f"{text}<|im_end|>" for text in ANSWERS}
    assert abs(first["rewards/chosen"]) < 1e-4, "the reference is not the model that SFT left"
    assert abs(first["rewards/margins"]) < 1e-4
    assert last["rewards/margins"] > 1
    assert answer(model, tokenizer, 71) == "sure<|im_end|>"


if __name__ == "__main__":
    main()
