"""DPO stage. Runs on TRL 0.28, transformers 4.57."""

from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig, DPOTrainer


def build(model_dir, rows, out):
    """Trainer over rows with the strings prompt, chosen, rejected."""
    tokenizer = AutoTokenizer.from_pretrained(model_dir)
    config = DPOConfig(
        output_dir=out,
        beta=0.1,
        loss_type="sigmoid",
        label_smoothing=0.2,  # conservative DPO: a fifth of our preferences are wrong
        rpo_alpha=0.5,  # + 0.5 * mean negative log-likelihood of the chosen completion's tokens
        max_prompt_length=48,  # the last 48 tokens of a prompt
        max_length=128,
        per_device_train_batch_size=4,
        learning_rate=1e-3,
        max_steps=8,
        warmup_ratio=0.25,
        logging_steps=1,
        report_to="none",
        save_strategy="no",
        gradient_checkpointing=False,
        use_cpu=True,
        bf16=False,
    )
    return DPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(model_dir),
        args=config,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
