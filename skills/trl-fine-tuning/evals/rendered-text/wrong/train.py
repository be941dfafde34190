"""SFT on texts that the data team rendered with the model's chat template. TRL 1.16."""

from datasets import Dataset
from trl import SFTConfig, SFTTrainer


def build(model, tokenizer, rows, out):
    """Trainer over rows with the column text, each a whole conversation with all special tokens."""
    config = SFTConfig(
        output_dir=out,
        dataset_kwargs={"add_special_tokens": False},  # the texts have them already
        max_length=512,
        per_device_train_batch_size=4,
        max_steps=2,
        report_to="none",
        save_strategy="no",
        use_cpu=True,
        bf16=False,
    )
    return SFTTrainer(
        model=model,
        args=config,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
