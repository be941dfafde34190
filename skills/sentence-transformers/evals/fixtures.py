"""Models of a few hundred weights, a training call and sets of vectors for the facts, blocks and checks of this skill."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from datasets import Dataset
from sentence_transformers import (
    CrossEncoder,
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertForSequenceClassification, BertModel, PreTrainedTokenizerFast

os.environ.setdefault("TQDM_DISABLE", "1")
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *(f"w{number}" for number in range(200))]
gc.freeze()  # the trainer collects garbage at its end: seconds over all that the imports made
PAIRS = {"anchor": [f"w{i}" for i in range(8)], "positive": [f"w{i + 50}" for i in range(8)]}


def tokenizer() -> PreTrainedTokenizerFast:
    """Whole words w0 to w199."""
    core = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, "[UNK]"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    core.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=core, model_max_length=32, **special)


def checkpoint(kind: Any = BertModel, **settings: Any) -> str:
    """A folder with two random BERT layers and the tokenizer."""
    folder = tempfile.mkdtemp()
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        **settings,
    )
    kind(config).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


def static(width: int = 16, **settings: Any) -> SentenceTransformer:
    """A mean of word vectors."""
    torch.manual_seed(0)
    module = StaticEmbedding(tokenizer(), embedding_dim=width)
    return SentenceTransformer(modules=[module], device="cpu", **settings)


def reranker(labels: int = 1, **settings: Any) -> CrossEncoder:
    """A random cross-encoder."""
    torch.manual_seed(0)
    folder = checkpoint(BertForSequenceClassification, num_labels=labels)
    return CrossEncoder(folder, device="cpu", **settings)


def losses_of(
    model: SentenceTransformer, rows: dict[str, list[Any]], loss: Any, evaluator: Any = None, **settings: Any
) -> list[float]:
    """The losses of two steps (or of max_steps)."""
    defaults = {
        "max_steps": 2,
        "per_device_train_batch_size": 4,
        "learning_rate": 0.05,
        "save_strategy": "no",
    }
    args = SentenceTransformerTrainingArguments(
        output_dir=tempfile.mkdtemp(),
        report_to="none",
        disable_tqdm=True,
        logging_steps=1,
        dataloader_pin_memory=False,
        **(defaults | settings),
    )
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = SentenceTransformerTrainer(
            model=model, args=args, train_dataset=Dataset.from_dict(rows), loss=loss, evaluator=evaluator
        )
        trainer.train()
    return [row["loss"] for row in trainer.state.log_history if "loss" in row]


def vectors(kind: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """5,000 unit vectors of 64 dimensions and 200 queries near some of them: round, in clusters, or with unequal dimensions."""
    draw = np.random.default_rng(seed)
    noise = draw.standard_normal((5000, 64))
    made = {
        "round": lambda: noise,
        "clusters": lambda: draw.standard_normal((50, 64))[draw.integers(50, size=5000)] + 0.7 * noise,
        "unequal": lambda: noise * np.linspace(2, 0.2, 64) + 0.5,
    }[kind]()
    corpus = (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)
    near = corpus[:200] + 0.06 * draw.standard_normal((200, 64))
    return corpus, (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32)


def recall(found: Any, corpus: np.ndarray, queries: np.ndarray, top: int = 10) -> float:
    """Share of the true nearest that was found; `found` holds numbers or what semantic_search returns."""
    exact = np.argsort(-(queries @ corpus.T))[:, :top]
    numbers = [[hit["corpus_id"] if isinstance(hit, dict) else hit for hit in row] for row in found]
    return float(np.mean([np.isin(true, got[:top]).mean() for got, true in zip(numbers, exact, strict=True)]))


def folder_of(model: Any) -> str:
    """Where the model was saved."""
    folder = tempfile.mkdtemp()
    with contextlib.redirect_stdout(io.StringIO()):
        model.save_pretrained(folder)
    return str(Path(folder))
