"""The settings of config_old.py for TRL 1.16: what was a default is said."""

from trl import DistillationConfig


def settings(folder):
    return DistillationConfig(
        output_dir=folder,
        beta=0.0,
        max_completion_length=256,
        top_p=0.95,
        disable_dropout=True,
        per_device_train_batch_size=4,
        gradient_accumulation_steps=8,
        max_steps=1000,
        use_cpu=True,
        bf16=False,
        report_to="none",
    )
