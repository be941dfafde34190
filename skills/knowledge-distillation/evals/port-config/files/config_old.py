"""Our settings, written for TRL 1.8."""

from trl.experimental.distillation import DistillationConfig


def settings(folder):
    return DistillationConfig(
        output_dir=folder,
        lmbda=1.0,
        beta=0.0,
        loss_top_k=0,
        max_completion_length=256,
        num_generations=1,
        per_device_train_batch_size=4,
        gradient_accumulation_steps=8,
        max_steps=1000,
        use_cpu=True,
        bf16=False,
        report_to="none",
    )
