"""DPO stage. Runs on TRL 1.16, transformers 5.23."""

from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig, DPOTrainer


def build(model_dir, rows, out):
    """Trainer over rows with the strings prompt, chosen, rejected."""
    tokenizer = AutoTokenizer.from_pretrained(model_dir)
    config = DPOConfig(
        output_dir=out,
        beta=0.1,
        loss_type=["sigmoid", "sft"],
        label_smoothing=0.2,  # conservative DPO: a fifth of our preferences are wrong
        loss_weights=[1.0, 0.5],
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
        train_dataset=Dataset.from_list(rows).map(lambda row: {"prompt": tokenizer.decode(tokenizer(row["prompt"])["input_ids"][-48:])}),
        processing_class=tokenizer,
    )
