"""Fine-tune a retriever that has prompts, and report how well it finds."""

from datasets import Dataset
from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.base.training_args import BatchSamplers
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss


def train(model, rows, folder, steps):
    """Train on the right answers of rows of (id, positive, anchor, label)."""
    right = [{"anchor": row["anchor"], "positive": row["positive"]} for row in rows if row["label"] == 1]
    prompts = {"anchor": model.prompts.get("query", ""), "positive": model.prompts.get("document", "")}
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
            batch_sampler=BatchSamplers.NO_DUPLICATES,
            prompts=prompts,
        ),
        train_dataset=Dataset.from_list(right),
        loss=MultipleNegativesRankingLoss(model),
    )
    trainer.train()
    return model


def search(model, question, passages, dimensions):
    """Numbers of the passages, best first, by the dot product of the first dimensions (as our index does)."""
    q = model.encode_query(question, truncate_dim=dimensions, normalize_embeddings=True)
    p = model.encode_document(passages, truncate_dim=dimensions, normalize_embeddings=True)
    return (-(p @ q)).argsort().tolist()
