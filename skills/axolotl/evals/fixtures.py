"""A small tokenizer, validated configurations, label masks and prepared-data hashes, all by axolotl's own code.

Nothing of axolotl is replaced. Only `precision` cuts a method out of its source, as the module around it needs CUDA's
packages; the method itself runs as it is.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import logging
import os
import string
import sys
import tempfile
import typing
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ["AXOLOTL_DO_NOT_TRACK"] = "1"  # read when axolotl is imported
os.environ.setdefault("AXOLOTL_LOG_LEVEL", "ERROR")
warnings.simplefilter("ignore")

import torch  # noqa: E402
import yaml  # noqa: E402
from axolotl.prompt_strategies.chat_template import load as strategy  # noqa: E402
from axolotl.prompt_strategies.dpo.chat_template import default as dpo_default  # noqa: E402
from axolotl.utils.config import normalize_cfg_datasets, validate_config  # noqa: E402
from axolotl.utils.data.shared import generate_dataset_hash_from_config  # noqa: E402
from axolotl.utils.dict import DictDefault  # noqa: E402
from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # noqa: E402
from transformers import PreTrainedTokenizerFast  # noqa: E402

logging.disable(logging.WARNING)
END, TURN, EOT = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
REASONED = CHATML.replace(
    "{{ message.content }}",
    "{% if message.reasoning_content %}<think>{{ message.reasoning_content }}</think>{% endif %}{{ message.content }}",
)
ROW = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yo"}]}
TWO_TURNS = {
    "messages": [*ROW["messages"], {"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]
}
KEYS: dict[str, Any] = {
    "base_model": "Qwen/Qwen3-0.6B",
    "datasets": [{"path": "data.jsonl", "type": "chat_template"}],
    "micro_batch_size": 2,
    "gradient_accumulation_steps": 2,
    "learning_rate": 1e-4,
    "sequence_len": 2048,
}


def config(**keys: Any) -> Any:
    """A configuration with these keys over `KEYS` (None takes one away), as axolotl validates it."""
    given = {name: value for name, value in {**KEYS, **keys}.items() if value is not None}
    found = validate_config(DictDefault(given))
    normalize_cfg_datasets(found)
    return found


def from_text(text: str) -> Any:
    """The configuration of a YAML text, validated."""
    found = validate_config(DictDefault(yaml.safe_load(text)))
    normalize_cfg_datasets(found)
    return found


def tokenizer(eos: str = EOT, template: str = CHATML) -> Any:
    """One token per character and per special token."""
    words = [END, TURN, EOT, *string.printable]
    core = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token=" "))
    core.add_special_tokens([END, TURN, EOT])
    core.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    core.decoder = decoders.Fuse()
    made = PreTrainedTokenizerFast(tokenizer_object=core, eos_token=eos, pad_token=END)
    made.chat_template = template
    return made


def chat(**keys: Any) -> list[dict[str, Any]]:
    """`datasets` of one chat_template dataset with these keys."""
    return [{"path": "data.jsonl", "type": "chat_template", **keys}]


def tokenized(cfg: Any, row: dict[str, Any], tokens: Any = None) -> tuple[str, list[str]]:
    """The text of a row as it is rendered, and the stretches of it that are trained."""
    tokens = tokens or tokenizer()
    made = strategy(tokens, cfg, ds_cfg=cfg.datasets[0]).tokenize_prompt(row)
    stretches: list[str] = []
    before = False
    for number, label in zip(made["input_ids"], made["labels"], strict=True):
        if label != -100:
            stretches += [] if before else [""]
            stretches[-1] += tokens.decode([number])
        before = label != -100
    return tokens.decode(made["input_ids"]), stretches


def trained(
    row: dict[str, Any] = ROW, tokens: Any = None, top: dict[str, Any] | None = None, **dataset: Any
) -> list[str]:
    """The stretches of a row that are trained, with these keys of its dataset and of the top level."""
    return tokenized(config(datasets=chat(**dataset), **(top or {})), row, tokens)[1]


def rendered(row: dict[str, Any], tokens: Any = None, **dataset: Any) -> str:
    """A row as the model sees it."""
    return tokenized(config(datasets=chat(**dataset)), row, tokens)[0]


def pair(row: dict[str, Any], tokens: Any = None, **dataset: Any) -> dict[str, str]:
    """Prompt, chosen and rejected text of a preference row, type chat_template.default."""
    cfg = config(rl="dpo", datasets=[{"path": "data.jsonl", "type": "chat_template.default", **dataset}])
    made: dict[str, str] = dpo_default(cfg)[0](row, tokenizer=tokens or tokenizer())
    return made


def prepared_under(**keys: Any) -> str:
    """Name of the folder below `dataset_prepared_path` in which the data of a configuration are kept."""
    cfg = config(**keys)
    return str(generate_dataset_hash_from_config(cfg, cfg.datasets, "tokenizer"))


def precision(**keys: Any) -> dict[str, Any]:
    """The quantization with which the base model is loaded: arguments of BitsAndBytesConfig, or nothing."""
    source = _folder() / "loaders" / "model.py"
    wanted = "_set_quantization_config"
    methods = [
        n
        for n in ast.walk(ast.parse(source.read_text("utf-8")))
        if isinstance(n, ast.FunctionDef) and n.name == wanted
    ]
    names: dict[str, Any] = {"BitsAndBytesConfig": dict, "torch": torch}
    exec(compile(ast.Module(methods, []), str(source), "exec"), names)
    loader = SimpleNamespace(
        cfg=config(**keys), model_kwargs={}, model_config=SimpleNamespace(), is_fsdp_enabled=False
    )
    names[wanted](loader)
    found: dict[str, Any] = loader.model_kwargs.get("quantization_config", {})
    return found


def known_keys() -> dict[str, Any]:
    """What scripts/axolotl_keys.json must hold: keys by place, and the names that are no longer checked by the schema."""
    from axolotl.utils.schemas import config as schema
    from axolotl.utils.schemas import datasets, enums
    from transformers.trainer_utils import SchedulerType
    from transformers.training_args import OptimizerNames

    found: dict[str, dict[str, str]] = {}
    for name in ("AxolotlInputConfig", "PretrainingDataset"):
        _keys_of(getattr(schema, name, None) or getattr(datasets, name), found)
    for name in ("SFTDataset", "DPODataset", "KTODataset", "StepwiseSupervisedDataset", "SyntheticDataset"):
        _keys_of(getattr(datasets, name), found)
    old = {
        f"unsloth_{part}"
        for part in ("cross_entropy_loss", "lora_mlp", "lora_qkv", "lora_o", "rms_norm", "rope")
    }
    return {
        "version": "0.19.0",
        "records": {name: dict(sorted(keys.items())) for name, keys in sorted(found.items())},
        "plugins": _plugin_keys(),
        "refused": sorted(old),
        "optimizers": sorted(
            {o.value for o in OptimizerNames} | {o.value for o in enums.CustomSupportedOptimizers}
        ),
        "schedulers": sorted({s.value for s in SchedulerType} | {"one_cycle", "rex"}),
    }


def _plugin_keys() -> list[str]:
    """Fields that the classes of axolotl's own plug-ins declare; read, as some of them import what is not installed."""
    paths = sorted((_folder() / "integrations").glob("*/args.py"))
    fields = [
        line.target.id
        for path in paths
        for cls in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(cls, ast.ClassDef)
        for line in cls.body
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
    ]
    return sorted(set(fields))


def _folder() -> Path:
    """Where axolotl lies."""
    spec = importlib.util.find_spec("axolotl")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("axolotl is not installed")
    return Path(spec.origin).parent


def _keys_of(model: Any, found: dict[str, dict[str, str]]) -> list[str]:
    """Note the keys of a model, each with the record that its value is, and of the models below it."""
    if model.__name__ in found:
        return list(found[model.__name__])
    keys = found[model.__name__] = {}
    for name, field in model.model_fields.items():
        inner = [part for part in _models(field.annotation) if part is not model]
        below = inner[0].__name__ if inner else ""
        keys |= dict.fromkeys(filter(None, [name, field.alias]), below)
        for part in inner:
            _keys_of(part, found)
    return list(keys)


def _models(annotation: Any) -> list[Any]:
    """The pydantic models inside a type."""
    if isinstance(annotation, type) and hasattr(annotation, "model_fields"):
        return [annotation]
    return [model for part in typing.get_args(annotation) for model in _models(part)]


def rows_file(rows: list[dict[str, Any]]) -> str:
    """A new file with one JSON object a line."""
    path = Path(tempfile.mkdtemp()) / "data.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def answer(folder: str) -> dict[str, Any]:
    """What an answer's config.yml holds."""
    found: dict[str, Any] = yaml.safe_load((Path(folder) / "config.yml").read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    sys.exit("imported by facts, blocks and checkers")
