"""SFT on texts that the data team rendered with the model's chat template. TRL 1.16."""

from datasets import Dataset
from trl import SFTConfig, SFTTrainer


def build(model, tokenizer, rows, out):
    """Trainer over rows with the column text, each a whole conversation with all special tokens."""
    # Text would get the tokenizer's BOS and an EOS on top (dataset_kwargs is no longer read): tokenize here.
    tokens = Dataset.from_list(rows).map(
        lambda row: {"input_ids": tokenizer(row["text"], add_special_tokens=False)["input_ids"]},
        remove_columns=["text"],
    )
    config = SFTConfig(
        output_dir=out,
        max_length=512,
        per_device_train_batch_size=4,
        max_steps=2,
        report_to="none",
        save_strategy="no",
        use_cpu=True,
        bf16=False,
    )
    return SFTTrainer(model=model, args=config, train_dataset=tokens, processing_class=tokenizer)
