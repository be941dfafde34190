"""Distil off-policy at a temperature, trusting the configuration."""

from datasets import Dataset
from trl.experimental.gkd import GKDConfig, GKDTrainer


def build(student, teacher, tokenizer, rows, temperature, folder):
    args = GKDConfig(
        output_dir=folder,
        lmbda=0.0,
        beta=0.0,
        temperature=temperature,
        max_length=64,
        per_device_train_batch_size=8,
        max_steps=1,
        logging_steps=1,
        report_to="none",
        save_strategy="no",
        use_cpu=True,
        bf16=False,
    )
    return GKDTrainer(
        model=student,
        teacher_model=teacher,
        args=args,
        processing_class=tokenizer,
        train_dataset=Dataset.from_list(rows),
    )
