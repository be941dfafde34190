# /// script
# requires-python = ">=3.11"
# dependencies = ["peft==0.21.2", "torch==2.13.0", "transformers==5.23.0"]
# ///
"""Check a LoRA adapter (or only its config) against a model config: what it hits, misses and spoils.

peft attaches the adapter to a model on the meta device, so the names are those peft really matches. Base
weights are never read; adapter weights are, when the folder holds them.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from peft import LoraConfig, PeftModel
    from torch import Tensor
    from transformers import PreTrainedConfig, PreTrainedModel

EXAMPLE = """example:
  python check_adapter.py runs/my-adapter --model Qwen3-30B-A3B/config.json
  python check_adapter.py lora.json --model ./Qwen3-8B --json    # lora.json: {"r": 16, "target_modules": ["q_proj"]}
exit status: 0 no error (there may be warnings), 1 at least one error, 2 wrong use"""

RULES = {  # code: (severity, help)
    "attach": ("error", "Correct the config: get_peft_model raises the same"),
    "unmatched": (
        "error",
        "Correct or remove them: peft ignores an entry that misses while another one hits",
    ),
    "dead-pattern": (
        "error",
        "Write the end of a module path, such as 'q_proj' or 'layers.3.self_attn.q_proj'",
    ),
    "layer-range": ("error", "peft drops these numbers without a word; layers count from 0"),
    "mlp-dropped": (
        "error",
        "The MoE conversion took the names: target_parameters=['...gate_proj.weight'] reaches them",
    ),
    "tied-target": ("error", "Untie and copy the head first, or use trainable_token_indices"),
    "random-init": ("error", "Save with path_initial_model_for_weight_conversion, or train with 'pissa'"),
    "head-lost": ("error", 'Set task_type="SEQ_CLS" (or "TOKEN_CLS")'),
    "empty-file": ("error", "Keep what merge_and_unload() returns and save that; with ZeRO-3, gather first"),
    "missing-keys": (
        "error",
        "Another base, other targets or an emptied adapter: peft warns and leaves them new",
    ),
    "extra-keys": ("error", "Another base (fewer layers?): peft drops them without a word"),
    "shape": ("error", "Another base or rank; a resized vocabulary is resized again before loading"),
    "empty-tensors": ("error", "ZeRO-3 or FSDP shards were saved ungathered: save through the trainer"),
    "not-finite": ("error", "The run diverged: take an earlier checkpoint, lower the learning rate"),
    "untrained": (
        "error",
        "Nothing trained it: is_trainable=True when loading, set_adapter when there are two",
    ),
    "experts-frozen": ("warning", "If not meant: name them in target_parameters, with lora_dropout=0"),
    "router-trained": (
        "warning",
        "Name attention modules and expert parameters; exclude_modules only helps where it is a module",
    ),
    "mlp-frozen": (
        "warning",
        "If not meant: target_parameters=['...gate_proj.weight']; target_modules cannot reach them",
    ),
    "tower-trained": ("warning", "For text only: exclude_modules=r'.*(vision|visual|multi_modal).*'"),
    "tied-copy": ("warning", "Add ensure_weight_tying=True to keep one matrix"),
    "base-shifted": (
        "warning",
        "disable_adapter() is not the base: load a second one as reference of DPO or GRPO",
    ),
    "partly-untrained": ("warning", "No gradient came: experts never routed to, or modules outside the loss"),
    "ignored-keys": ("warning", "Written by another peft version, or misspelt"),
}
TOWER = re.compile(r"(^|\.)(vision|visual|audio|multi_modal)")
ROUTER = re.compile(r"(^|\.)(router|gate)(\.weight|\.wg)?$")
EMBEDDING = re.compile(r"(^|\.)(embed_tokens|lm_head|wte)$")
INSERTED = re.compile(r"(^|\.)(lora_\w+|modules_to_save|token_adapter|trainable_tokens_\w+)(\.|$)")
PROJECTIONS = {"gate_proj", "up_proj", "down_proj"}
CONVERTED = PROJECTIONS | {"w1", "w2", "w3", "gate"}  # old names that peft turns into fused expert parameters


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know about the adapter."""

    code: str
    message: str

    @property
    def severity(self) -> str:
        """Error or warning."""
        return RULES[self.code][0]

    def as_dict(self) -> dict[str, str]:
        """All four fields, for JSON."""
        severity, cure = RULES[self.code]
        return {"code": self.code, "severity": severity, "message": self.message, "help": cure}


@dataclass(frozen=True, slots=True)
class Attached:
    """The adapter on a weightless model: what was asked for, what was hit, what there is."""

    model: PeftModel
    asked: dict[str, Any]
    config: LoraConfig
    hit_modules: list[str]
    hit_parameters: list[str]
    modules: list[str]
    shapes: dict[str, tuple[int, ...]]


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "adapter", help="adapter folder, adapter_config.json, or JSON of LoraConfig arguments"
    )
    parser.add_argument("--model", required=True, help="the base model's config.json, or its folder")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(argv)


def file_in(path: str, name: str) -> Path:
    """Return `path`, or the file `name` in it; raise FileNotFoundError when neither is there."""
    found = Path(path) / name if Path(path).is_dir() else Path(path)
    if not found.is_file():
        raise FileNotFoundError(f"no {name} at {path}: give a local file or folder")
    return found


def build(path: Path) -> PreTrainedModel:
    """Instantiate the model that config.json names, on the meta device."""
    torch, hf = import_module("torch"), import_module("transformers")
    config: PreTrainedConfig = hf.AutoConfig.from_pretrained(str(path))
    name = (config.architectures or ["AutoModelForCausalLM"])[0]
    model_class = getattr(hf, name, hf.AutoModelForCausalLM)
    make = getattr(model_class, "from_config", None) or model_class._from_config  # noqa: SLF001  no public name
    with torch.device("meta"):
        return make(config)


def read(path: Path) -> tuple[dict[str, Any], list[str]]:
    """Return the LoraConfig arguments of the file, and its keys that this peft does not know."""
    fields = import_module("peft").LoraConfig.__dataclass_fields__
    written: dict[str, Any] = json.loads(path.read_text())
    if written.get("peft_type", "LORA") != "LORA":
        raise ValueError(f"{path}: peft_type is {written['peft_type']}, only LORA is checked")
    unknown = sorted(set(written) - set(fields) - {"peft_type", "auto_mapping", "peft_version"})
    return {
        k: v for k, v in written.items() if k in fields and k not in {"peft_type", "peft_version"}
    }, unknown


def unwrapped(name: str) -> str:
    """Name of a module or parameter as it was before peft wrapped it."""
    return name.removeprefix("base_model.model.").replace(".base_layer", "").replace(".original_module", "")


def attach(model: PreTrainedModel, asked: dict[str, Any]) -> Attached:
    """Attach with an initialization that needs no weights; raise what peft raises."""
    peft = import_module("peft")
    config = peft.LoraConfig(**{**asked, "init_lora_weights": True, "inference_mode": False})
    wrapped = peft.get_peft_model(model, config, low_cpu_mem_usage=True)
    modules = {unwrapped(n) for n, _ in wrapped.named_modules() if n and not INSERTED.search(n)}
    shapes = {unwrapped(n): tuple(p.shape) for n, p in wrapped.named_parameters() if not INSERTED.search(n)}
    tuner = wrapped.base_model
    hits = tuner.targeted_module_names, tuner.targeted_parameter_names
    return Attached(wrapped, asked, config, *hits, sorted(modules), shapes)


def names(value: Any) -> list[str]:
    """A list of names; empty for None and for a regular expression."""
    return [] if value is None or isinstance(value, str) else sorted(value)


def leaf(name: str) -> str:
    """Last component of a dotted name."""
    return name.rsplit(".", 1)[-1]


def brief(full: Iterable[str]) -> str:
    """Short, counted form of many module names."""
    counts = Counter(re.sub(r"\.\d+\.", ".*.", name) for name in full)
    return ", ".join(f"{name} x{n}" if n > 1 else name for name, n in sorted(counts.items())) or "none"


def unmatched_names(a: Attached) -> Iterator[Finding]:
    """Entries of a list that match nothing while others match; peft raises only when all miss."""
    converted = CONVERTED if a.config.target_parameters else set()
    pools = {"target_modules": a.modules, "modules_to_save": a.modules, "target_parameters": list(a.shapes)}
    for field, pool in pools.items():
        asked = [n for n in names(a.asked.get(field)) if leaf(n) not in converted]
        dead = [n for n in asked if not any(full == n or full.endswith(f".{n}") for full in pool)]
        if dead:
            yield Finding("unmatched", f"{field} {dead} match nothing in the model")


def unmatched_patterns(a: Attached) -> Iterator[Finding]:
    """Keys of rank_pattern and alpha_pattern that hit neither a module nor an expert parameter."""
    hits = (*a.hit_modules, *a.hit_parameters)
    for field in ("rank_pattern", "alpha_pattern"):
        keys = a.asked.get(field) or {}
        dead = [k for k in keys if not any(re.match(rf"(.*\.)?({k})$", n) for n in hits)]
        if dead:
            yield Finding("dead-pattern", f"{field} keys {dead} match nothing that is targeted")


def layer_range(a: Attached) -> Iterator[Finding]:
    """Layer numbers beyond the model's depth."""
    asked = a.asked.get("layers_to_transform")
    wanted = [asked] if isinstance(asked, int) else list(asked or [])
    depth = a.model.config.get_text_config().num_hidden_layers
    beyond = [n for n in wanted if n >= depth]
    if beyond:
        yield Finding("layer-range", f"layers_to_transform {beyond}, but the layers are 0 to {depth - 1}")


def experts(a: Attached) -> Iterator[Finding]:
    """Fused expert tensors left out, and routers taken in."""
    left = [
        n for n, shape in a.shapes.items() if len(shape) == 3 and "expert" in n and n not in a.hit_parameters
    ]
    routers = [n for n in (*a.hit_modules, *a.hit_parameters) if ROUTER.search(n)]
    if left:
        yield Finding("experts-frozen", f"fused expert weights are not adapted: {brief(left)}")
    if routers:
        yield Finding("router-trained", f"the router is adapted: {brief(routers)}")


def lost_mlps(a: Attached) -> Iterator[Finding]:
    """Dense and shared-expert projections beside adapted experts."""
    if not a.hit_parameters:
        return
    wanted = a.asked.get("target_modules")
    asked = PROJECTIONS if wanted == "all-linear" else PROJECTIONS & {leaf(n) for n in names(wanted)}
    left = [n for n in a.modules if leaf(n) in PROJECTIONS and n not in a.hit_modules]
    dropped = [n for n in left if leaf(n) in asked]
    if dropped:
        yield Finding("mlp-dropped", f"asked for and not adapted: {brief(dropped)}")
    elif left:
        yield Finding("mlp-frozen", f"dense or shared-expert layers are not adapted: {brief(left)}")


def towers(a: Attached) -> Iterator[Finding]:
    """Vision or audio modules that train."""
    hit = [n for n in a.hit_modules if TOWER.search(n)]
    if hit:
        share = f"{len(hit)} of {len(a.hit_modules)} targets"
        yield Finding("tower-trained", f"{share} lie outside the language model: {brief(hit)}")


def tied(a: Attached) -> Iterator[Finding]:
    """Adapters on either end of tied embeddings."""
    if not getattr(a.model.config.get_text_config(), "tie_word_embeddings", False):
        return
    hit = [n for n in a.hit_modules if EMBEDDING.search(n)]
    saved = [n for n in names(a.asked.get("modules_to_save")) if EMBEDDING.search(n)]
    if hit:
        yield Finding("tied-target", f"LoRA on {', '.join(hit)} of a tied model: merging changes both ends")
    if saved and not a.config.ensure_weight_tying:
        yield Finding("tied-copy", f"modules_to_save {saved} of a tied model: the two ends train apart")


def initialization(a: Attached) -> Iterator[Finding]:
    """Initializations that move the base weights."""
    init = str(a.asked.get("init_lora_weights", True))
    if init.startswith("pissa_niter"):
        yield Finding("random-init", f"{init!r}: its SVD is random, every load shifts the base differently")
    if init.startswith(("pissa", "olora", "corda", "lora_ga")) or a.asked.get("kasa_config"):
        yield Finding("base-shifted", f"the initialization changes the base weights ({init!r})")


def task(a: Attached) -> Iterator[Finding]:
    """Classification without its task type."""
    head = type(a.model.get_base_model()).__name__
    if "Classification" in head and not a.asked.get("task_type") and not a.asked.get("modules_to_save"):
        yield Finding("head-lost", f"{head} without task_type: the new head neither trains nor is saved")


def keys(found: dict[str, Tensor], a: Attached) -> Iterator[Finding]:
    """Names and shapes that do not fit the model; per-expert keys of old files are peft's to convert."""
    if any(re.search(r"experts\.\d+\.", key) for key in found):
        return
    state: dict[str, Tensor] = import_module("peft").get_peft_model_state_dict(
        a.model, save_embedding_layers=False
    )
    missing = sorted(set(state) - set(found))
    extra = sorted(k for k in set(found) - set(state) if "lora_" in k)
    wrong = [k for k in sorted(set(found) & set(state)) if found[k].shape != state[k].shape]
    if missing:
        yield Finding(
            "missing-keys", f"{len(missing)} of {len(state)} tensors are not in the file: {missing[0]}"
        )
    if extra:
        yield Finding("extra-keys", f"{len(extra)} tensors have no place in this model: {extra[0]}")
    if wrong:
        shapes = f"{tuple(found[wrong[0]].shape)} in the file, {tuple(state[wrong[0]].shape)} in the model"
        yield Finding("shape", f"{len(wrong)} shapes differ: {wrong[0]}: {shapes}")


def values(found: dict[str, Tensor]) -> Iterator[Finding]:
    """Numbers that tell of a broken or untrained run."""
    empty = [
        k for k, t in found.items() if not t.numel() or (t.ndim < 2 and ("lora_A" in k or "lora_B" in k))
    ]
    bad = [k for k, t in found.items() if t.numel() and not t.isfinite().all()]
    second = [k for k, t in found.items() if "lora_B" in k and t.numel()]
    zero = [k for k in second if not found[k].any()]
    if empty:
        yield Finding("empty-tensors", f"{len(empty)} tensors are empty or 1-D: {empty[0]}")
    if bad:
        yield Finding("not-finite", f"{len(bad)} tensors hold NaN or infinity: {bad[0]}")
    if zero and len(zero) == len(second):
        yield Finding("untrained", f"all {len(second)} lora_B are zero: the adapter changes nothing")
    elif zero:
        yield Finding("partly-untrained", f"{len(zero)} of {len(second)} lora_B are zero: {zero[0]}")


def weights(a: Attached, folder: Path) -> Iterator[Finding]:
    """Everything about the weight file; nothing when there is none."""
    path = folder / "adapter_model.safetensors"
    if not path.is_file():
        return
    found = import_module("safetensors.torch").load_file(path)
    if not found:
        yield Finding("empty-file", f"{path.name} holds no tensor ({path.stat().st_size} bytes)")
        return
    yield from keys(found, a)
    yield from values(found)


CHECKS = (
    unmatched_names,
    unmatched_patterns,
    layer_range,
    experts,
    lost_mlps,
    towers,
    tied,
    initialization,
    task,
)


def check(adapter: str, model: str) -> tuple[dict[str, Any], list[Finding]]:
    """Run every check; return a summary and the findings, errors first."""
    path = file_in(adapter, "adapter_config.json")
    asked, unknown = read(path)
    base = build(file_in(model, "config.json"))
    try:
        a = attach(base, asked)
    except (ValueError, TypeError, NotImplementedError) as error:
        return {}, [Finding("attach", f"{type(error).__name__}: {error}")]
    found = [finding for one in CHECKS for finding in one(a)] + list(weights(a, path.parent))
    if unknown:
        found.append(Finding("ignored-keys", f"config keys {unknown} are unknown to this peft and ignored"))
    trainable, total = a.model.get_nb_trainable_parameters()
    summary = {"trainable": trainable, "total": total, "modules": brief(a.hit_modules)}
    return {**summary, "parameters": brief(a.hit_parameters)}, sorted(found, key=lambda f: f.severity)


def text(summary: dict[str, Any], found: list[Finding]) -> str:
    """Human form of the report."""
    lines = [
        f"{key}: {value:,}" if isinstance(value, int) else f"{key}: {value}" for key, value in summary.items()
    ]
    lines += [f"{f.severity}: {f.code}: {f.message}\n    help: {RULES[f.code][1]}" for f in found]
    return "\n".join(lines if found else [*lines, "No findings."])


def main(argv: list[str] | None = None) -> int:
    """Run the tool; return the exit status."""
    args = parse(argv)
    import_module("transformers").logging.set_verbosity_error()
    warnings.simplefilter("ignore")
    try:
        summary, found = check(args.adapter, args.model)
    except (OSError, ValueError) as error:
        print(f"check_adapter: {error}", file=sys.stderr)
        return 2
    as_json = {"summary": summary, "findings": [f.as_dict() for f in found]}
    print(json.dumps(as_json, indent=2) if args.json else text(summary, found))
    return 1 if any(f.severity == "error" for f in found) else 0


if __name__ == "__main__":
    sys.exit(main())
