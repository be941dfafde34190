"""The settings of config_old.py for TRL 1.16: the names that are gone are left out."""

from trl import DistillationConfig


def settings(folder):
    return DistillationConfig(
        output_dir=folder,
        beta=0.0,
        max_completion_length=256,
        per_device_train_batch_size=4,
        gradient_accumulation_steps=8,
        max_steps=1000,
        use_cpu=True,
        bf16=False,
        report_to="none",
    )
