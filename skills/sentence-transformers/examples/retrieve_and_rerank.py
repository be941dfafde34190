# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "sentence-transformers==6.2.0", "transformers==5.23.0", "torch==2.13.0", "tokenizers==0.23.3",
#   "datasets==5.2.0", "accelerate==1.15.0", "numpy==2.4.6",
# ]
# ///
"""A retriever built from modules and a reranker, both trained here, and what quantized search keeps of them.

A question about a topic (`ask7`) wants the note about it (`say7`): the retriever must learn which words belong together.
Of each topic there are a current and a withdrawn note, which are equally near; the reranker learns from mined hard
negatives to put the withdrawn one last. Run it as `python retrieve_and_rerank.py [SEED]`; it ends in assertions.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers
from datasets import Dataset
from sentence_transformers import (
    CrossEncoder,
    CrossEncoderTrainer,
    CrossEncoderTrainingArguments,
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.base.modules import Normalize, Transformer
from sentence_transformers.base.training_args import BatchSamplers
from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss
from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator
from sentence_transformers.sentence_transformer.losses import MatryoshkaLoss, MultipleNegativesRankingLoss
from sentence_transformers.sentence_transformer.modules import Pooling
from sentence_transformers.util import mine_hard_negatives
from sentence_transformers.util.quantization import quantize_embeddings
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

TOPICS, WIDTH, STATES = 32, 32, ("current", "withdrawn")
QUIET = {
    "report_to": "none",
    "save_strategy": "no",
    "logging_strategy": "no",
    "disable_tqdm": True,
    "dataloader_pin_memory": False,
}


def write_encoder(folder: Path) -> None:
    """A random BERT of one layer and a tokenizer of whole words, as a checkpoint."""
    words = [f"{kind}{topic}" for kind in ("ask", "say") for topic in range(TOPICS)]
    words += ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *STATES, *(f"the{i}" for i in range(20))]
    vocabulary = {word: number for number, word in enumerate(words)}
    core = Tokenizer(models.WordLevel(vocabulary, "[UNK]"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    core.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])],
    )
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=core, model_max_length=24, **special).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=WIDTH,
        num_hidden_layers=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=32,
        pad_token_id=vocabulary["[PAD]"],
    )
    BertModel(config).save_pretrained(folder)


def text(kind: str, topic: int, rng: random.Random, state: str = "") -> str:
    """A question (`ask`) or a note (`say`) with two words that mean nothing."""
    words = [f"{kind}{topic}", *(f"the{rng.randrange(20)}" for _ in range(2)), *state.split()]
    rng.shuffle(words)
    return " ".join(words)


def train_retriever(folder: Path, rng: random.Random, seed: int) -> tuple[SentenceTransformer, list[float]]:
    """The trained model, and ndcg@10 on new texts before, after, and after with 8 of 32 dimensions."""
    encoder = Transformer(str(folder))
    pooling = Pooling(encoder.get_embedding_dimension(), "mean")
    model = SentenceTransformer(modules=[encoder, pooling, Normalize()], device="cpu")
    topics = [topic for topic in range(TOPICS) for _ in range(24)]
    rng.shuffle(topics)
    rows = {
        "anchor": [
            text("ask", topic, rng) for topic in topics
        ],  # the first column is the anchor, whatever its name
        "positive": [text("say", topic, rng, rng.choice(STATES)) for topic in topics],
    }
    queries = {f"q{topic}": text("ask", topic, rng) for topic in range(TOPICS)}
    notes = {f"d{topic}": text("say", topic, rng, STATES[0]) for topic in range(TOPICS)}
    relevant = {f"q{topic}": {f"d{topic}"} for topic in range(TOPICS)}

    def ndcg(dimensions: int | None = None) -> float:
        evaluator = InformationRetrievalEvaluator(queries, notes, relevant, truncate_dim=dimensions)
        return evaluator(model)["cosine_ndcg@10"]

    before = ndcg()
    SentenceTransformerTrainer(
        model=model,
        args=SentenceTransformerTrainingArguments(
            output_dir=str(folder / "retriever"),
            per_device_train_batch_size=32,
            num_train_epochs=2,
            learning_rate=1e-2,
            warmup_steps=0.1,  # a share of the steps; warmup_ratio is deprecated
            seed=seed,
            batch_sampler=BatchSamplers.NO_DUPLICATES,
            **QUIET,
        ),
        train_dataset=Dataset.from_dict(rows),
        loss=MatryoshkaLoss(model, MultipleNegativesRankingLoss(model), [WIDTH, 8]),
    ).train()
    return model, [before, ndcg(), ndcg(8)]


def notes_of(rng: random.Random) -> dict[tuple[int, str], str]:
    """One note for each topic and state."""
    return {(topic, state): text("say", topic, rng, state) for topic in range(TOPICS) for state in STATES}


def hard_pairs(retriever: SentenceTransformer, rng: random.Random) -> tuple[Dataset, float]:
    """Labeled pairs with the nearest wrong note of each question, and how many of those are the topic's withdrawn note."""
    notes = notes_of(rng)
    topics = [topic for topic in range(TOPICS) for _ in range(8)]
    asked = {
        "query": [text("ask", topic, rng) for topic in topics],
        "answer": [notes[topic, "current"] for topic in topics],
    }
    mined = mine_hard_negatives(
        Dataset.from_dict(asked),
        retriever,
        corpus=list(notes.values()),  # else only the positives are candidates
        num_negatives=1,
        output_format="labeled-pair",
        verbose=False,
    )
    where = {note: place for place, note in notes.items()}
    wrong = [row for row in mined if row["label"] == 0]
    same = sum(f"ask{where[row['answer']][0]}" in row["query"].split() for row in wrong)
    return mined, same / len(wrong)


def train_reranker(folder: Path, retriever: SentenceTransformer, pairs: Dataset, seed: int) -> CrossEncoder:
    """A cross-encoder on top of the retriever's encoder."""
    start = folder / "encoder"
    retriever[0].model.save_pretrained(start)
    retriever.tokenizer.save_pretrained(start)
    reranker = CrossEncoder(str(start), num_labels=1, device="cpu")
    CrossEncoderTrainer(
        model=reranker,
        args=CrossEncoderTrainingArguments(
            output_dir=str(folder / "reranker"),
            per_device_train_batch_size=32,
            num_train_epochs=5,
            learning_rate=3e-3,
            seed=seed,
            **QUIET,
        ),
        train_dataset=pairs,
        loss=BinaryCrossEntropyLoss(reranker),
    ).train()
    return reranker


def first_right(
    retriever: SentenceTransformer, reranker: CrossEncoder, rng: random.Random
) -> tuple[float, float]:
    """Share of new questions whose first hit is the current note: retriever alone, and with its two nearest reranked."""
    notes = notes_of(rng)
    places, texts = list(notes), list(notes.values())
    questions = [text("ask", topic, rng) for topic in range(TOPICS)]
    scores = retriever.similarity(retriever.encode_query(questions), retriever.encode_document(texts))
    nearest = scores.topk(2).indices.tolist()
    alone = again = 0
    for topic, (question, hits) in enumerate(zip(questions, nearest, strict=True)):
        best = hits[reranker.rank(question, [texts[hit] for hit in hits])[0]["corpus_id"]]
        alone += places[hits[0]] == (topic, "current")
        again += places[best] == (topic, "current")
    return alone / TOPICS, again / TOPICS


def recalls(seed: int) -> tuple[float, float]:
    """recall@10 of int8 vectors on 5,000 unit vectors whose dimensions differ in width.

    Integers against integers, and with the steps of the dimensions multiplied into a float query.
    """
    generator = np.random.default_rng(seed)
    corpus = generator.standard_normal((5000, 64)) * np.linspace(2, 0.2, 64) + 0.5
    corpus = (corpus / np.linalg.norm(corpus, axis=1, keepdims=True)).astype(np.float32)
    queries = corpus[:200] + 0.06 * generator.standard_normal((200, 64)).astype(np.float32)
    ranges = np.vstack([corpus.min(axis=0), corpus.max(axis=0)])  # one set of ranges for both sides
    small = quantize_embeddings(corpus, "int8", ranges=ranges)
    plain = quantize_embeddings(queries, "int8", ranges=ranges).astype(np.float32) @ small.T.astype(
        np.float32
    )
    steps = (ranges[1] - ranges[0]) / 255
    scaled = (queries * steps) @ small.T.astype(np.float32)
    exact = queries @ corpus.T

    def recall(scores: np.ndarray) -> float:
        pairs = zip(np.argsort(-scores)[:, :10], np.argsort(-exact)[:, :10], strict=True)
        return float(np.mean([np.isin(got, true).mean() for got, true in pairs]))

    return recall(plain), recall(scaled)


def main(seed: int) -> None:
    """Train both, search, and hold the figures against their bounds."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    rng = random.Random(seed)
    torch.manual_seed(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_encoder(folder)
        retriever, (before, after, short) = train_retriever(folder, rng, seed)
        pairs, same = hard_pairs(retriever, rng)
        reranker = train_reranker(folder, retriever, pairs, seed)
        alone, reranked = first_right(retriever, reranker, rng)
    plain, scaled = recalls(seed)
    print(f"ndcg@10: {before:.2f} untrained, {after:.2f} trained, {short:.2f} with 8 of {WIDTH} dimensions")
    print(f"hard negatives that are the withdrawn note: {same:.0%}")
    print(f"current note first: {alone:.0%} retriever, {reranked:.0%} reranked")
    print(f"recall@10 of int8: {plain:.2f} as integers, {scaled:.2f} with the steps in the query")
    assert after > before + 0.5
    assert short > before + 0.4
    assert same > 0.5
    assert reranked > alone + 0.2
    assert scaled > 0.95 > plain


if __name__ == "__main__":
    os.environ["TQDM_DISABLE"] = "1"
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
