# /// script
# requires-python = ">=3.11"
# dependencies = ["pyyaml==6.0.3"]
# ///
"""Find what axolotl 0.19 takes from a configuration without a word and never acts on; nothing of axolotl is needed.

axolotl drops unknown keys, at the top as well as in `datasets`, `trl` and `fsdp_config`, and drops known ones where the
kind of training takes fewer. Here each is named with its line, and so are combinations that train something else than
they say. Keys are those of axolotl_keys.json, written from the schema of 0.19.0. What axolotl refuses is left to it.
"""

from __future__ import annotations

import argparse
import difflib
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

EXAMPLE = """examples:
  python check_config.py config.yml
  python check_config.py config.yml --rows 64000 --gpus 8 --json

exit status: 0 nothing found, 1 something found, 2 the file cannot be read.
"""
KNOWN = json.loads(Path(__file__).with_name("axolotl_keys.json").read_text(encoding="utf-8"))
RECORDS: dict[str, dict[str, str]] = KNOWN["records"]
TOP = "AxolotlInputConfig"
PREFERENCE = ("dpo", "ipo", "simpo")
ELSEWHERE = {
    "trl": "TRLConfig",
    "fsdp_config": "FSDPConfig",
    "an entry of datasets": "SFTDataset",
    "vllm": "VllmConfig",
}
INSTEAD = {
    "beta": "rl_beta (DPO, KTO, ORPO) or trl.beta (GRPO)",
    "lora_rank": "lora_r",
    "gradient_accumulation": "gradient_accumulation_steps",
    "per_device_train_batch_size": "micro_batch_size",
    "max_seq_length": "sequence_len",
    "train_on_split": "split",
}


@dataclass(frozen=True)
class Finding:
    """One place of a configuration that does not do what it says."""

    line: int
    code: str
    what: str
    cure: str


@dataclass(frozen=True)
class Key:
    """A key of the file with its line, the value below it, and the mapping that it stands in."""

    name: str
    line: int
    node: yaml.Node

    @property
    def value(self) -> Any:
        """What the key holds, as Python."""
        return yaml.SafeLoader("").construct_object(self.node, deep=True)


def keys(node: yaml.Node | None) -> list[Key]:
    """Keys of a mapping in their order; merges (`<<`) are left out."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return [Key(str(k.value), k.start_mark.line + 1, v) for k, v in pairs if k.value != "<<"]


def below(found: list[Key], name: str) -> yaml.Node | None:
    """What stands under a key; the last one counts."""
    return next((key.node for key in reversed(found) if key.name == name), None)


def entries(node: yaml.Node | None) -> list[yaml.Node]:
    """The mappings of a list."""
    return (
        [item for item in node.value if isinstance(item, yaml.MappingNode)]
        if isinstance(node, yaml.SequenceNode)
        else []
    )


def near(name: str, known: list[str]) -> str:
    """The known name that a wrong one is likest."""
    found = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
    return f"did you mean {found[0]}?" if found else ""


# --- keys


def unknown(found: list[Key], record: str, where: str) -> Iterator[Finding]:
    """Keys of a mapping that its record does not have, those written twice, and what is below."""
    allowed = RECORDS[record] | (
        dict.fromkeys([*KNOWN["plugins"], *KNOWN["refused"]], "") if record == TOP else {}
    )
    seen: set[str] = set()
    for key in found:
        if key.name in seen:
            yield Finding(
                key.line, "twice", f"{key.name} is written twice{where}: the first is lost", "remove one"
            )
        seen.add(key.name)
        plain = key.name.removeprefix("fsdp_") if record == "FSDPConfig" else key.name
        if key.name not in allowed and plain not in allowed:
            yield Finding(
                key.line,
                "unknown-key",
                f"{key.name} is no key{where}: dropped without a word",
                cure(key.name, record),
            )
        elif (inner := allowed.get(key.name, "")) and inner not in {"SFTDataset", "PretrainingDataset"}:
            for mapping in [key.node, *entries(key.node)]:
                yield from unknown(keys(mapping), inner, f" in {key.name}")


def cure(name: str, record: str) -> str:
    """What to write instead of an unknown key."""
    homes = [place for place, other in ELSEWHERE.items() if record == TOP and name in RECORDS[other]]
    return INSTEAD.get(name) or (
        f"it belongs into {homes[0]}" if homes else near(name, list(RECORDS[record])) or "remove it"
    )


def dataset_keys(top: list[Key], rl: str) -> Iterator[Finding]:
    """Keys of datasets that are dropped: unknown ones, and those that preference data do not take."""
    record = "DPODataset" if rl in PREFERENCE else "KTODataset" if rl == "kto" else "SFTDataset"
    for entry in entries(below(top, "datasets")):
        found = keys(entry)
        kind = (
            "SyntheticDataset"
            if any(key.name == "type" and key.value == "_synthetic" for key in found)
            else record
        )
        for key in found:
            if key.name in RECORDS[kind]:
                continue
            if key.name in RECORDS["SFTDataset"]:
                yield Finding(
                    key.line,
                    "dropped-key",
                    f"{key.name} of a dataset is dropped with rl: {rl}",
                    DROPPED.get(key.name, "bring the data into the default form"),
                )
            else:
                yield Finding(
                    key.line,
                    "unknown-key",
                    f"{key.name} is no key in datasets: dropped without a word",
                    cure(key.name, kind),
                )


DROPPED = {
    "chat_template": "set chat_template at the top level",
    "chat_template_jinja": "set chat_template_jinja at the top level",
    "message_property_mappings": "rename the fields of the messages to role and content",
    "roles": "rename the roles to user, assistant, system, tool",
    "name": "bring the subset into files of its own",
    "ds_type": "path: json with data_files: [file], or a file with the usual ending",
}


# --- combinations


def combinations(top: list[Key], given: dict[str, Any]) -> Iterator[Finding]:
    """Settings that are right alone and do something else together."""
    line = {key.name: key.line for key in top}
    rl, adapter = given.get("rl"), given.get("adapter")
    for name in ("eval_steps", "evals_per_epoch", "eval_strategy"):
        if (
            given.get(name)
            and given.get(name) != "no"
            and not given.get("val_set_size")
            and not given.get("test_datasets")
        ):
            yield Finding(
                line[name],
                "no-eval",
                f"{name} without val_set_size or test_datasets: nothing is ever evaluated",
                "val_set_size: 0.02",
            )
    if given.get("batch_size") and not given.get("gradient_accumulation_steps"):
        micro = given.get("micro_batch_size") or 1
        yield Finding(line["batch_size"], "batch-size", f"batch_size {given['batch_size']} sets the number of steps, not their size: steps of {micro} rows, and only {micro}/{given['batch_size']} of the data are seen",
                      f"gradient_accumulation_steps: {max(1, int(given['batch_size']) // int(micro))} instead")  # fmt: skip
    if adapter == "lora" and given.get("load_in_4bit"):
        yield Finding(
            line["load_in_4bit"],
            "not-quantized",
            "adapter: lora with load_in_4bit loads the base model unquantized",
            "adapter: qlora",
        )
    if adapter in {"lora", "qlora"} and not given.get("lora_model_dir"):
        yield from adapter_settings(line["adapter"], given)
    if (
        given.get("sample_packing")
        and not given.get("attn_implementation")
        and not any(
            name in given
            for name in (
                "flash_attention",
                "sdp_attention",
                "flex_attention",
                "xformers_attention",
                "sage_attention",
                "eager_attention",
            )
        )
    ):
        yield Finding(
            line["sample_packing"],
            "packing",
            "sample_packing without a backend: packed documents see one another (a log line only)",
            "attn_implementation: flash_attention_2, or sdpa",
        )
    if "sequence_len" not in given and rl != "grpo":
        yield Finding(
            1,
            "sequence-len",
            "sequence_len is 512 by default, and longer rows are dropped",
            "set it; excess_length_strategy: raise shows what is lost",
        )
    if rl == "grpo":
        yield from groups(line["rl"], given)


def adapter_settings(line: int, given: dict[str, Any]) -> Iterator[Finding]:
    """What LoRA needs and the schema does not ask for."""
    for name in ("lora_r", "lora_alpha"):
        if given.get(name) is None:
            yield Finding(
                line,
                "adapter",
                f"{name} is not set: an error only after the model is loaded",
                f"{name}: {16 if name == 'lora_r' else 32}",
            )
    if not any(
        given.get(name) for name in ("lora_target_linear", "lora_target_modules", "lora_target_parameters")
    ):
        yield Finding(
            line, "adapter", "no lora_target_modules and no lora_target_linear", "lora_target_linear: true"
        )


def groups(line: int, given: dict[str, Any]) -> Iterator[Finding]:
    """GRPO without rewards, or with a batch that is no multiple of the group."""
    trl = given.get("trl") or {}
    if not trl.get("reward_funcs"):
        yield Finding(
            line,
            "grpo",
            "rl: grpo without trl.reward_funcs: an error only after the model is loaded",
            "trl.reward_funcs: [module.function]",
        )
    rows = trl.get("generation_batch_size") or (given.get("micro_batch_size") or 1) * (
        given.get("gradient_accumulation_steps") or 1
    )
    if not trl.get("num_generations") and int(rows) % 8:
        yield Finding(
            line,
            "grpo",
            f"trl.num_generations is 8 by default, and {rows} completions a step are no multiple",
            "set both",
        )


def templates(top: list[Key], given: dict[str, Any]) -> Iterator[Finding]:
    """Keys of chat_template datasets that the schema's own default makes useless."""
    for entry in entries(below(top, "datasets")) if given.get("rl") is None else []:
        found = keys(entry)
        mapped = next((key.value for key in found if key.name == "message_property_mappings"), None) or {}
        for key in found:
            if key.name in {"field_thinking", "template_thinking_key"} and not set(mapped) - {
                "role",
                "content",
            }:
                yield Finding(
                    key.line,
                    "thinking",
                    f"{key.name} is not acted on: the reasoning is lost",
                    "message_property_mappings: {role: role, content: content, reasoning_content: FIELD}, left the template's name, right yours",
                )
            if key.name == "roles_to_train" and not key.value:
                yield Finding(
                    key.line,
                    "nothing-trained",
                    "roles_to_train is empty: no token is trained",
                    "roles_to_train: [assistant]",
                )
        if mapped and not {"role", "content"} <= set(mapped):
            yield Finding(
                entry.start_mark.line + 1,
                "mapping",
                "message_property_mappings names only one of role and content: the other is read under its own name",
                "name both",
            )


def names(given: dict[str, Any], line: dict[str, int]) -> Iterator[Finding]:
    """Optimizers and schedulers, which the schema no longer checks."""
    for key, known in (("optimizer", KNOWN["optimizers"]), ("lr_scheduler", KNOWN["schedulers"])):
        if given.get(key) and str(given[key]) not in known:
            yield Finding(
                line[key],
                "name",
                f"{key}: {given[key]} is not known: an error only after the model is loaded",
                near(str(given[key]), known) or "see --help of the trainer",
            )


# --- the whole


def read(text: str) -> tuple[list[Key], dict[str, Any]]:
    """Keys with their lines, and the values as axolotl gets them.

    Raises:
        yaml.YAMLError: it is no YAML.
        ValueError: it is YAML, but no mapping.
    """
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode):
        raise ValueError("the file holds no mapping")  # noqa: TRY004 - the file is wrong, not the call
    given = yaml.safe_load(text)
    return keys(node), {name: value for name, value in given.items() if value is not None}


def findings(text: str) -> list[Finding]:
    """Everything found in a configuration, by line."""
    top, given = read(text)
    line = {key.name: key.line for key in top}
    rl = str(given.get("rl") or "")
    parts = (
        unknown(top, TOP, ""),
        dataset_keys(top, rl),
        combinations(top, given),
        templates(top, given),
        names(given, line),
    )
    return sorted((one for part in parts for one in part), key=lambda one: (one.line, one.code))


def budget(given: dict[str, Any], rows: int, gpus: int) -> dict[str, float]:
    """Rows a step, and steps of an epoch and of the run, without packing."""
    step = (given.get("micro_batch_size") or 1) * (given.get("gradient_accumulation_steps") or 1) * gpus
    split = given.get("val_set_size") or 0
    kept = rows - (int(split) if split >= 1 else math.ceil(rows * split))
    epoch = math.ceil(kept / step)
    return {
        "rows_a_step": step,
        "rows_trained": kept,
        "steps_an_epoch": epoch,
        "steps": math.ceil(epoch * float(given.get("num_epochs") or 1)),
    }


def main() -> int:
    """Print what is found."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", type=Path)
    parser.add_argument(
        "--rows", type=int, help="rows of the data: prints rows a step and the number of steps"
    )
    parser.add_argument("--gpus", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    try:
        text = args.config.read_text(encoding="utf-8")
        found = findings(text)
        steps = budget(read(text)[1], args.rows, args.gpus) if args.rows else None
    except (OSError, UnicodeDecodeError, ValueError, yaml.YAMLError) as error:
        print(f"error: {args.config} is no configuration that can be read: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(
            json.dumps(
                {"axolotl": KNOWN["version"], "findings": [asdict(one) for one in found], "budget": steps}
            )
        )
    else:
        for one in found:
            print(f"{args.config}:{one.line}: {one.code} {one.what}\n    cure: {one.cure}")
        print(f"{len(found)} found" + (f"; {steps}" if steps else ""))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
