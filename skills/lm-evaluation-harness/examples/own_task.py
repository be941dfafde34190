# /// script
# requires-python = ">=3.11"
# dependencies = ["lm-eval==0.4.13", "torch==2.13.0", "transformers==5.23.0", "tokenizers==0.23.3", "datasets==5.2.0", "accelerate==1.15.0", "numpy==2.4.6", "pyyaml==6.0.3"]
# ///
"""Two YAML tasks on a tiny random model, and every score again by hand.

Multiple choice: log-likelihoods from the logits, acc, acc_norm, acc_bytes. Generation: greedy decoding step by step, a
registered filter, a metric of one's own. Run it as `python own_task.py [SEED]`; it ends in assertions.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}

import numpy as np
import torch
from datasets.utils.logging import disable_progress_bar
from lm_eval.api.filter import Filter
from lm_eval.api.registry import register_filter
from lm_eval.evaluator import evaluate
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

CHOICE = """
task: sums
dataset_path: json
dataset_kwargs: {data_files: {train: TRAIN, test: TEST}}
test_split: test
fewshot_split: train
num_fewshot: 2
fewshot_config: {sampler: first_n}
output_type: multiple_choice
doc_to_text: "{{question}}"
doc_to_choice: choices
doc_to_target: label
metric_list:
  - {metric: acc, aggregation: mean, higher_is_better: true}
  - {metric: acc_norm, aggregation: mean, higher_is_better: true}
  - {metric: acc_bytes, aggregation: mean, higher_is_better: true}
metadata: {version: 1.0}
"""
GENERATED = """
task: words
dataset_path: json
dataset_kwargs: {data_files: {test: TEST}}
test_split: test
output_type: generate_until
doc_to_text: "{{question}}"
doc_to_target: answer
generation_kwargs: {until: ["0"], max_gen_toks: 8, do_sample: false}
filter_list:
  - name: letters
    filter: [{function: letters_only}, {function: take_first}]
metric_list:
  - {metric: !function utils.overlap, aggregation: mean, higher_is_better: true, scale: 100}
metadata: {version: 1.0}
"""
UTILS = '''
def overlap(predictions, references, scale=1, **kwargs):
    """Share of the reference's letters that the prediction has."""
    have, want = set(predictions[0]), set(references[0])
    return scale * len(have & want) / len(want)
'''


@register_filter("letters_only")
class LettersOnly(Filter):
    """Keeps letters."""

    def apply(self, resps: Any, _docs: Any) -> list[list[str]]:
        return [["".join(filter(str.isalpha, text)) for text in answers] for answers in resps]


def rows(seed: int, count: int) -> list[dict[str, Any]]:
    """Sums with a right, a wrong and a wordy choice; answers of letters."""
    random = np.random.default_rng(seed)
    made = []
    for a, b in random.integers(1, 50, (count, 2)).tolist():
        choices = [str(a + b), str(a + b + 1), f"about {a} é"]
        made.append({"question": f"{a} + {b} =", "choices": choices, "label": 0, "answer": "abcdefghij"})
    return made


def tiny(seed: int) -> tuple[LlamaForCausalLM, PreTrainedTokenizerFast]:
    """A random model of bytes."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=257, show_progress=False, special_tokens=["<end>"], initial_alphabet=alphabet
    )
    core.train_from_iterator(["1 + 2 = 3"], trainer)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=257, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=256, initializer_range=0.3, eos_token_id=0, pad_token_id=0, bos_token_id=0,
    )  # fmt: skip
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, eos_token="<end>", pad_token="<end>")
    return LlamaForCausalLM(config).eval(), tokenizer


@torch.no_grad()
def likelihood(model: Any, tokenizer: Any, context: str, continuation: str) -> float:
    """Summed log-probability of the continuation's tokens."""
    start = len(tokenizer(context)["input_ids"])
    ids = tokenizer(context + continuation)["input_ids"]
    scores = torch.log_softmax(model(torch.tensor([ids])).logits[0], dim=-1)
    return sum(scores[at - 1, ids[at]].item() for at in range(start, len(ids)))


@torch.no_grad()
def greedy(model: Any, tokenizer: Any, prompt: str) -> str:
    """Eight tokens, cut at the stop strings."""
    ids = tokenizer(prompt)["input_ids"]
    start = len(ids)
    for _ in range(8):
        ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
        if ids[-1] == tokenizer.eos_token_id:
            break
    return tokenizer.decode(ids[start:]).split("<end>")[0].split("0")[0]


def check_choices(results: Any, model: Any, tokenizer: Any, train: list[dict[str, Any]]) -> None:
    """Prompts, log-likelihoods and three metrics, from the rows alone."""
    shots = "".join(f"{row['question']} {row['choices'][row['label']]}\n\n" for row in train[:2])
    hits: dict[str, list[bool]] = {"acc": [], "acc_norm": [], "acc_bytes": []}
    for sample in results["samples"]["sums"]:
        doc = sample["doc"]
        context = shots + doc["question"]
        assert [tuple(asked) for asked in sample["arguments"]] == [(context, f" {c}") for c in doc["choices"]]
        scores = np.array([likelihood(model, tokenizer, context, f" {c}") for c in doc["choices"]])
        assert np.abs(scores - [score for score, _ in sample["filtered_resps"]]).max() < 1e-3
        characters = np.array([len(c) for c in doc["choices"]])
        bytes_ = np.array([len(c.encode()) for c in doc["choices"]])
        for name, by in (("acc", 1), ("acc_norm", characters), ("acc_bytes", bytes_)):
            hits[name].append(bool(np.argmax(scores / by) == doc["label"]))
    for name, right in hits.items():
        assert results["results"]["sums"][f"{name},none"] == np.mean(right)
        error = np.std(right, ddof=1) / len(right) ** 0.5
        assert abs(results["results"]["sums"][f"{name}_stderr,none"] - error) < 1e-9


def check_words(results: Any, model: Any, tokenizer: Any) -> None:
    """Generation, filter and metric."""
    values = []
    for sample in results["samples"]["words"]:
        text = greedy(model, tokenizer, sample["doc"]["question"])
        assert sample["resps"] == [[text]]
        letters = "".join(filter(str.isalpha, text))
        assert list(sample["filtered_resps"]) == [letters]
        values.append(100 * len(set(letters) & set("abcdefghij")) / 10)
    assert abs(results["results"]["words"]["overlap,letters"] - np.mean(values)) < 1e-9


def main(seed: int) -> None:
    """Evaluate both tasks and recompute them."""
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    disable_progress_bar()
    model, tokenizer = tiny(seed)
    train, test = rows(seed, 4), rows(seed + 100, 12)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name, held in (("train", train), ("test", test)):
            (folder / f"{name}.jsonl").write_text(
                "".join(json.dumps(row) + "\n" for row in held), encoding="utf-8"
            )
        for name, text in (("sums", CHOICE), ("words", GENERATED)):
            filled = text.replace("TRAIN", str(folder / "train.jsonl")).replace(
                "TEST", str(folder / "test.jsonl")
            )
            (folder / f"{name}.yaml").write_text(filled, encoding="utf-8")
        (folder / "utils.py").write_text(UTILS, encoding="utf-8")
        harness = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=4, device="cpu")
        manager = TaskManager(include_path=place, include_defaults=False)
        results = evaluate(harness, manager.load(["sums", "words"]), bootstrap_iters=100)
    check_choices(results, model, tokenizer, train)
    check_words(results, model, tokenizer)
    accuracy, overlap = results["results"]["sums"]["acc,none"], results["results"]["words"]["overlap,letters"]
    print(
        f"seed {seed}: acc {accuracy:.3f}, overlap {overlap:.1f}; prompts, log-likelihoods and scores recomputed"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
