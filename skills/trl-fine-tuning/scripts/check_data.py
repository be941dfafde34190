# /// script
# requires-python = ">=3.11"
# dependencies = ["trl==1.16.0", "transformers==5.23.0", "torch==2.13.0", "accelerate==1.15.0", "datasets==5.2.0"]
# ///
"""Show which tokens SFT or DPO would train on, and name what is wrong with the data, before anything trains.

The rows go through the real trainer of the pinned TRL with your tokenizer and a model of a few hundred weights, so
what is shown is what a run would see: masks, end tokens, cut and dropped rows, pairs that truncation makes equal.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast
    from trl import DPOTrainer, SFTTrainer

EXAMPLE = """examples:
  python check_data.py chat.jsonl --tokenizer ./Qwen3-4B --set assistant_only_loss=true --set max_length=2048
  python check_data.py pairs.parquet --tokenizer ./Qwen3-4B --stage dpo --json

exit status: 0 nothing found, 1 something found, 2 wrong usage. --set takes fields of SFTConfig or DPOConfig.
"""
COMMON: dict[str, Any] = {
    "use_cpu": True,
    "bf16": False,
    "activation_checkpointing": False,
    "report_to": "none",
    "save_strategy": "no",
    "max_steps": 1,
    "per_device_train_batch_size": 1,
}


@dataclass(frozen=True)
class Finding:
    """One thing wrong with the data: name, numbers, what to do."""

    code: str
    message: str
    help: str


@dataclass(frozen=True)
class Example:
    """What one row became: token ids, and which of them are trained."""

    ids: list[int]
    trained: list[bool]


@dataclass(frozen=True)
class Data:
    """Everything the rules look at."""

    stage: str
    raw: Dataset
    prepared: Dataset
    examples: list[Example]
    tokenizer: PreTrainedTokenizerFast
    limit: int | None
    said: list[str]


class Ear(logging.Handler):
    """Keep what the trainer warns about."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one message, once."""
        text = record.getMessage()
        if text not in self.heard:
            self.heard.append(text)


def read(path: Path) -> Dataset:
    """Rows of a JSONL, JSON or parquet file as a data set; JSON objects keep their own keys."""
    from datasets import Dataset

    if path.suffix == ".parquet":
        return Dataset.from_parquet(str(path))
    text = path.read_text(encoding="utf-8")
    rows = (
        json.loads(text)
        if path.suffix == ".json"
        else [json.loads(line) for line in text.splitlines() if line]
    )
    return Dataset.from_list(rows, on_mixed_types="use_json")


def tiny(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """A model that fits the tokenizer; its weights play no part."""
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = {"hidden_size": 4, "intermediate_size": 4, "num_hidden_layers": 1, "num_attention_heads": 1}
    return LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), num_key_value_heads=1, **sizes))


def prepare(
    stage: str, rows: Dataset, tokenizer: PreTrainedTokenizerFast, settings: dict[str, Any], out: str
) -> SFTTrainer | DPOTrainer:
    """The real trainer, with its data set prepared."""
    from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

    values = COMMON | settings | {"output_dir": out}
    common: dict[str, Any] = {"processing_class": tokenizer, "train_dataset": rows}
    if stage == "sft":
        return SFTTrainer(model=tiny(tokenizer), args=SFTConfig(**values), **common)
    reference = tiny(tokenizer)
    return DPOTrainer(model=tiny(tokenizer), ref_model=reference, args=DPOConfig(**values), **common)


def examples(trainer: SFTTrainer | DPOTrainer, stage: str) -> list[Example]:
    """Rows as the collator gives them to the model, without padding; of a pair both sides."""
    if stage == "sft":
        table = trainer.train_dataset
        return [
            Example(row["input_ids"], [label != -100 for label in row["labels"]])
            for row in table.select_columns(["input_ids", "labels"])
        ]
    found = []
    for row in trainer.train_dataset:
        batch = trainer.data_collator([row])
        for ids, shown, mask in zip(
            batch["input_ids"], batch["attention_mask"], batch["completion_mask"], strict=True
        ):
            size = int(shown.sum())
            found.append(Example(ids[:size].tolist(), mask[:size].bool().tolist()))
    return found


def marked(data: Data, example: Example) -> str:
    """The row's text, with what is trained in [[ ]]."""
    parts: list[tuple[bool, list[int]]] = []
    for token, trained in zip(example.ids, example.trained, strict=True):
        if not parts or parts[-1][0] != trained:
            parts.append((trained, []))
        parts[-1][1].append(token)
    texts = [(trained, data.tokenizer.decode(ids)) for trained, ids in parts]
    return "".join(f"[[{text}]]" if trained else text for trained, text in texts)


def last_word(data: Data, example: Example) -> int | None:
    """The last trained token that is not white space."""
    for token, trained in zip(reversed(example.ids), reversed(example.trained), strict=True):
        if trained and data.tokenizer.decode([token]).strip():
            return token
    return None


def share(count: int, data: Data) -> str:
    """A count of examples with its percentage."""
    return f"{count} of {len(data.examples)} examples ({count / max(len(data.examples), 1):.0%})"


def rows_dropped(data: Data) -> Iterator[Finding]:
    """Rows whose prompt fills max_length vanish without a word."""
    packed = "seq_lengths" in data.prepared.column_names
    lost = 0 if packed else len(data.raw) - len(data.prepared)
    if lost > 0:
        message = (
            f"{lost} of {len(data.raw)} rows are dropped: their prompt alone fills max_length {data.limit}"
        )
        yield Finding("rows-dropped", message, "Raise max_length, or shorten the prompts yourself.")


def everything_trained(data: Data) -> Iterator[Finding]:
    """Conversations train on user turns too unless the mask is asked for."""
    talk = data.stage == "sft" and "messages" in data.raw.column_names and data.examples
    if talk and all(all(example.trained) for example in data.examples):
        yield Finding(
            "prompt-trained",
            "every token is trained, the user's too (completion_only_loss does nothing for messages)",
            "assistant_only_loss=true, or the columns prompt and completion.",
        )


def no_end(data: Data) -> Iterator[Finding]:
    """Examples that do not end in a special token teach the model not to stop."""
    special = {*data.tokenizer.get_added_vocab().values(), data.tokenizer.eos_token_id}
    lasts = [(example, last_word(data, example)) for example in data.examples]
    cut = sum(last not in special and len(e.ids) == data.limit for e, last in lasts)
    open_ended = sum(last not in special and len(e.ids) != data.limit for e, last in lasts)
    other = sum(last in special and last != data.tokenizer.eos_token_id for _, last in lasts)
    if cut:
        message = f"{share(cut, data)} are cut by max_length {data.limit}: no end token is trained there"
        yield Finding("end-cut", message, "Raise max_length or filter the rows.")
    if open_ended:
        message = f"{share(open_ended, data)} do not end in a trained end token"
        yield Finding(
            "no-end", message, "The template must close the turn inside the trained part ({% generation %})."
        )
    if other:
        message = f"{share(other, data)} end in a token that is not eos_token {data.tokenizer.eos_token!r}"
        yield Finding(
            "end-is-not-eos",
            message,
            "SFTConfig(eos_token=...): it also joins generation_config.eos_token_id.",
        )


def doubled(data: Data) -> Iterator[Finding]:
    """Text that a template has rendered gets the tokenizer's own special tokens on top."""
    bos, eos = data.tokenizer.bos_token_id, data.tokenizer.eos_token_id
    starts = sum(bos is not None and example.ids[:2] == [bos, bos] for example in data.examples)
    ends = 0
    for example in data.examples:
        solid = [token for token in example.ids[-4:] if data.tokenizer.decode([token]).strip()]
        ends += solid[-2:] == [eos, eos]
    help_ = "Give messages, or prompt and completion as messages: not rendered text."
    if starts:
        yield Finding("double-bos", f"{share(starts, data)} begin with BOS twice", help_)
    if ends:
        yield Finding("double-end", f"{share(ends, data)} end in EOS twice", help_)


def calls(row: dict[str, Any]) -> Iterator[Any]:
    """Arguments of all tool calls in a row."""
    for key in ("messages", "prompt", "completion", "chosen", "rejected"):
        turns = row.get(key)
        for turn in turns if isinstance(turns, list) else []:
            for call in turn.get("tool_calls") or []:
                yield (call.get("function") or call).get("arguments")


def null_arguments(data: Data) -> Iterator[Finding]:
    """Arrow gives every call the keys of all others, filled with null."""
    every = [a for row in data.raw for a in calls(row) if isinstance(a, dict)]
    filled = sum(None in arguments.values() for arguments in every)
    same = len({tuple(arguments) for arguments in every}) == 1
    if filled and same:
        message = f"{filled} of {len(every)} tool calls carry null arguments, and all have the same keys"
        yield Finding(
            "null-arguments",
            message,
            'Dataset.from_list(rows, on_mixed_types="use_json"), or load_dataset("json").',
        )


def equal_pairs(data: Data) -> Iterator[Finding]:
    """Pairs that truncation makes equal have loss ln 2 and gradient 0."""
    if data.stage == "dpo":
        pairs = list(zip(data.examples[::2], data.examples[1::2], strict=True))
        equal = sum(chosen.ids == rejected.ids for chosen, rejected in pairs)
        if equal:
            message = f"{equal} of {len(pairs)} pairs are equal after truncation to {data.limit}: they train nothing"
            yield Finding("equal-pairs", message, "Raise max_length, or drop them.")


def repeated_prompt(data: Data) -> Iterator[Finding]:
    """With a prompt column, chosen must hold the answer only."""
    if data.stage == "dpo" and "prompt" in data.raw.column_names:
        first = [row["chosen"][0] for row in data.raw if isinstance(row["chosen"], list) and row["chosen"]]
        repeated = sum(turn.get("role") != "assistant" for turn in first)
        if repeated:
            message = f"in {repeated} of {len(data.raw)} rows chosen begins with the user's turn: it is in the text twice"
            yield Finding(
                "prompt-repeated", message, "Remove the column prompt, or the turns from chosen and rejected."
            )


def trainer_said(data: Data) -> Iterator[Finding]:
    """Warnings of the trainer itself."""
    for text in data.said:
        code = "prompt-is-no-prefix" if "is not a prefix" in text else "trainer-warning"
        yield Finding(code, " ".join(text.split())[:400], "TRL's own words.")


RULES: tuple[Callable[[Data], Iterator[Finding]], ...] = (
    rows_dropped,
    everything_trained,
    no_end,
    doubled,
    null_arguments,
    equal_pairs,
    repeated_prompt,
    trainer_said,
)


def setting(text: str) -> tuple[str, Any]:
    """`key=value`, the value as JSON where it is JSON."""
    key, sign, value = text.partition("=")
    if not sign:
        raise argparse.ArgumentTypeError(f"{text!r} is not key=value")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def load(path: Path, tokenizer: Path, stage: str, settings: dict[str, Any]) -> Data:
    """Prepare the rows with the real trainer and keep what it said."""
    import datasets
    from transformers import AutoTokenizer

    datasets.disable_progress_bars()
    rows, words, ear = read(path), AutoTokenizer.from_pretrained(tokenizer), Ear()
    logger = logging.getLogger("trl")
    logger.addHandler(ear)
    logger.propagate = False
    with tempfile.TemporaryDirectory() as out, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = prepare(stage, rows, words, settings, out)
        found = examples(trainer, stage)
    return Data(stage, rows, trainer.train_dataset, found, words, trainer.args.max_length, ear.heard)


def report(data: Data, shown: int) -> dict[str, Any]:
    """Counts, samples and findings."""
    tokens = sum(len(example.ids) for example in data.examples)
    trained = sum(sum(example.trained) for example in data.examples)
    return {
        "rows": len(data.raw),
        "examples": len(data.examples),
        "longest": max((len(example.ids) for example in data.examples), default=0),
        "trained_share": round(trained / max(tokens, 1), 4),
        "samples": [marked(data, example) for example in data.examples[:shown]],
        "findings": [asdict(finding) for rule in RULES for finding in rule(data)],
    }


def render(result: dict[str, Any]) -> str:
    """Lines for people."""
    lines = [f"{key:14} {result[key]}" for key in ("rows", "examples", "longest", "trained_share")]
    lines += [f"--- example {number}\n{text}" for number, text in enumerate(result["samples"])]
    for finding in result["findings"]:
        lines += [f"warning {finding['code']}: {finding['message']}", f"    {finding['help']}"]
    return "\n".join(lines if result["findings"] else [*lines, "No findings."])


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    result.add_argument("data", type=Path, help="JSONL, JSON or parquet file of rows")
    result.add_argument("--tokenizer", type=Path, required=True, help="folder of the model or tokenizer")
    result.add_argument("--stage", choices=("sft", "dpo"), default="sft", help="which trainer (default sft)")
    result.add_argument(
        "--set", type=setting, action="append", default=[], metavar="KEY=VALUE", help="a field"
    )
    result.add_argument(
        "--show", type=int, default=1, help="examples to print, trained text in [[ ]] (default 1)"
    )
    result.add_argument("--json", action="store_true", help="print one JSON object")
    return result


def main() -> int:
    """Run; 0 clean, 1 findings, 2 usage."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    args = parser().parse_args()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            data = load(args.data, args.tokenizer, args.stage, dict(args.set))
    except (OSError, TypeError, ValueError, KeyError, RuntimeError) as error:
        print(f"check_data: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    result = report(data, args.show)
    print(json.dumps(result, indent=2) if args.json else render(result))
    return 1 if result["findings"] else 0


if __name__ == "__main__":
    sys.exit(main())
