"""Fine-tune a retriever that has prompts, and report how well it finds."""

from datasets import Dataset
from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss


def train(model, rows, folder, steps):
    """Train on rows of (id, positive, anchor, label); label 1 is a right answer, 0 a wrong one."""
    trainer = SentenceTransformerTrainer(
        model=model,
        args=SentenceTransformerTrainingArguments(
            output_dir=folder,
            max_steps=steps,
            per_device_train_batch_size=8,
            learning_rate=0.05,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
        ),
        train_dataset=Dataset.from_list(rows),
        loss=MultipleNegativesRankingLoss(model),
    )
    trainer.train()
    return model


def search(model, question, passages, dimensions):
    """Numbers of the passages, best first, by the dot product of the first dimensions (as our index does)."""
    q = model.encode(question, truncate_dim=dimensions)
    p = model.encode(passages, truncate_dim=dimensions)
    return (-(p @ q)).argsort().tolist()
