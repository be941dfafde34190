"""DPO stage on TRL 1.16, transformers 5.23."""

from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig, DPOTrainer

NOISE = 0.2  # a fifth of our preferences are wrong
PROMPT_TOKENS = 48


def build(model_dir, rows, out):
    """Trainer over rows with the strings prompt, chosen, rejected."""
    tokenizer = AutoTokenizer.from_pretrained(model_dir)

    def last_tokens(row):
        ids = tokenizer(row["prompt"], add_special_tokens=False)["input_ids"]
        return {"prompt": tokenizer.decode(ids[-PROMPT_TOKENS:])}

    config = DPOConfig(
        output_dir=out,
        beta=0.1,
        # "sigmoid" ignores label_smoothing since 0.29. Conservative DPO is 2 (1 - e) sigmoid - (1 - 2 e) robust.
        loss_type=["sigmoid", "robust", "sft"],
        loss_weights=[2 * (1 - NOISE), -(1 - 2 * NOISE), 0.5],
        label_smoothing=NOISE,
        max_length=128,
        per_device_train_batch_size=4,
        learning_rate=1e-3,
        max_steps=8,
        warmup_steps=0.25,
        logging_steps=1,
        report_to="none",
        save_strategy="no",
        activation_checkpointing=False,
        use_cpu=True,
        bf16=False,
    )
    return DPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(model_dir, dtype="float32"),
        args=config,
        train_dataset=Dataset.from_list(rows).map(last_tokens),
        processing_class=tokenizer,
    )
