# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "accelerate==1.13.0",
#   "addict==2.4.0",
#   "axolotl==0.19.0",
#   "colorama==0.4.6",
#   "datasets==4.8.4",
#   "numba==0.68.1",
#   "peft==0.20.0",
#   "pillow==13.0.0",
#   "posthog==6.7.11",
#   "pydantic==2.12.5",
#   "pyyaml==6.0.3",
#   "requests==2.34.2",
#   "tokenizers==0.23.1",
#   "torch==2.13.0",
#   "transformers==5.16.1",
#   "trl==1.9.0",
# ]
# ///
"""Three configurations, validated by axolotl, and what they make of the same chats: which rows and tokens train.

A file as it is often written (ChatML, a tokenizer whose end is another token, data that say `model` and keep their
reasoning under `thinking`) passes validation and trains almost nothing. One with the wrong cure passes, too. The third
trains answer, reasoning and terminator of every row. The data go through axolotl's own loading and tokenizing.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import tempfile
import warnings
from pathlib import Path
from typing import Any

os.environ["AXOLOTL_DO_NOT_TRACK"] = "1"
os.environ.setdefault("AXOLOTL_LOG_LEVEL", "ERROR")
warnings.simplefilter("ignore")
logging.disable(logging.WARNING)

import yaml  # noqa: E402
from axolotl.prompt_strategies.chat_template import load  # noqa: E402
from axolotl.utils.config import normalize_cfg_datasets, validate_config  # noqa: E402
from axolotl.utils.dict import DictDefault  # noqa: E402
from datasets import load_dataset  # noqa: E402
from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # noqa: E402
from transformers import PreTrainedTokenizerFast  # noqa: E402

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.reasoning_content %}<think>{{ message.reasoning_content }}</think>{% endif %}"
    "{{ message.content }}<|im_end|>\n{% endfor %}"
)
COMMON = """
base_model: acme/chat
sequence_len: 2048
micro_batch_size: 2
gradient_accumulation_steps: 4
learning_rate: 1.0e-4
datasets:
  - path: data.jsonl
    type: chat_template
"""
WRONG = "    field_thinking: thinking\n    roles_to_train: [model]\n"
RIGHT = """\
    roles: {user: [user], assistant: [assistant, model]}
    message_property_mappings: {role: role, content: content, reasoning_content: thinking}
eot_tokens: ["<|im_end|>"]
"""


def tokenizer() -> PreTrainedTokenizerFast:
    """One token per character; the end of a text is not the end of a turn, as in many base models."""
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    words = [*special, *map(chr, range(32, 127)), "\n"]
    core = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token=" "))
    core.add_special_tokens(special)
    core.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    core.decoder = decoders.Fuse()
    made = PreTrainedTokenizerFast(
        tokenizer_object=core, eos_token="<|endoftext|>", pad_token="<|endoftext|>"
    )
    made.chat_template = TEMPLATE
    return made


def chats(count: int, seed: int) -> list[dict[str, Any]]:
    """Sums with their reasoning; half of the answers come from `model`, half from `assistant`."""
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        a, b = draw.randrange(100), draw.randrange(100)
        answer = {
            "role": ("assistant", "model")[number % 2],
            "content": str(a + b),
            "thinking": f"{a} and {b}",
        }
        rows.append({"messages": [{"role": "user", "content": f"{a}+{b}?"}, answer]})
    return rows


def masks(config: str, path: Path, tokens: Any) -> list[str]:
    """The trained text of every row, by axolotl's schema and its strategy for chat templates."""
    cfg = validate_config(DictDefault(yaml.safe_load(config.replace("data.jsonl", str(path)))))
    normalize_cfg_datasets(cfg)
    strategy = load(tokens, cfg, ds_cfg=cfg.datasets[0])
    found = []
    for row in load_dataset("json", data_files=cfg.datasets[0]["path"], split="train"):
        made = strategy.tokenize_prompt(row)
        kept = [
            token for token, label in zip(made["input_ids"], made["labels"], strict=True) if label != -100
        ]
        found.append(tokens.decode(kept))
    return found


def main() -> None:
    """Write the chats, and hold the three masks against what should train."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    rows, tokens = chats(20, parser.parse_args().seed), tokenizer()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        first, wrong, right = (masks(COMMON + part, path, tokens) for part in ("", WRONG, RIGHT))
    answers = [row["messages"][1] for row in rows]
    wanted = [f"<think>{answer['thinking']}</think>{answer['content']}<|im_end|>" for answer in answers]

    for name, made in (("as written", first), ("wrong cure", wrong), ("right", right)):
        share = sum(map(len, made)) / sum(map(len, wanted))
        print(
            f"{name:10}: {sum(map(bool, made))} of {len(rows)} rows train, {share:.0%} of the text; e.g. {made[0]!r}"
        )
    assert first == [a["content"] if a["role"] == "assistant" else "" for a in answers]
    assert wrong == ["" if a["role"] == "assistant" else a["content"] for a in answers]
    assert right == wanted


if __name__ == "__main__":
    main()
