"""Distil off-policy at a temperature: GKDTrainer's loss knows none, so it is given one."""

from datasets import Dataset
from trl.experimental.gkd import GKDConfig, GKDTrainer


class Softened(GKDTrainer):
    """Divides the logits of both models, and multiplies the loss by the square."""

    def generalized_jsd_loss(self, student_logits, teacher_logits, **rest):
        loss = GKDTrainer.generalized_jsd_loss(
            student_logits, teacher_logits, **rest, temperature=self.temperature
        )
        return self.temperature**2 * loss


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
    return Softened(
        model=student,
        teacher_model=teacher,
        args=args,
        processing_class=tokenizer,
        train_dataset=Dataset.from_list(rows),
    )
