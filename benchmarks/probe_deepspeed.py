"""Prints what DeepSpeed's JSON may hold, in the form of `airskills.verify.shapes`. Runs in an environment with DeepSpeed.

    python benchmarks/probe_deepspeed.py > deepspeed.json

There is no schema and no wheel of DeepSpeed to read one from. So its own reader is given a dictionary that notes which
keys it is asked for, and its pydantic models say what stands below `zero_optimization`, `fp16` and the like. Where a key is read
as a plain dictionary, what is below it is not known.
"""

from __future__ import annotations

import contextlib
import enum
import json
import types
import typing
from typing import Any, Literal, Union, get_args, get_origin

RECORDS: dict[str, dict[str, Any]] = {}


class Noting(dict):
    """A dictionary that notes the keys it is asked for."""

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        """Note, and answer."""
        self.asked.add(key)
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self.asked.add(str(key))
        return super().__contains__(key)

    def keys(self) -> Noting:  # type: ignore[override]  # DeepSpeed asks `key in config.keys()`
        """Itself, which notes what it is asked for."""
        return self

    def __getitem__(self, key: str) -> Any:
        self.asked.add(key)
        return super().__getitem__(key)


def shape(annotation: Any) -> Any:
    """A type as a shape; `auto`, which transformers fills in, is always right."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return union([shape(part) for part in get_args(annotation)])
    if origin is Literal:
        return union([{"literal": list(get_args(annotation))}])
    if isinstance(annotation, type):
        if hasattr(annotation, "model_fields"):
            return union([{"record": record(annotation)}])
        if issubclass(annotation, enum.Enum):
            return union([{"literal": [member.value for member in annotation]}])
    return union([{bool: "bool", int: "int", float: "float", type(None): "none"}.get(annotation, "any")])


def union(parts: list[Any]) -> Any:
    """One of several, or `auto`; anything where one of them is anything."""
    if "any" in parts:
        return "any"
    flat = [
        item
        for part in parts
        for item in (part["union"] if isinstance(part, dict) and "union" in part else [part])
    ]
    automatic = {"literal": ["auto"]}
    return {"union": [part for part in flat if part != automatic] + [automatic]}


def record(model: Any) -> str:
    """The record of a pydantic model."""
    name = model.__name__
    if name not in RECORDS:
        RECORDS[name] = {}
        keys = {}
        for field, info in model.model_fields.items():
            keys[field] = shape(typing.get_type_hints(model).get(field, info.annotation))
            keys |= {alias: keys[field] for alias in [info.alias] if alias}
        loose = model.model_config.get("extra") == "allow"
        RECORDS[name] = {"keys": keys, **({"open": f"{name} allows other keys"} if loose else {})}
    return name


def main() -> None:
    """Ask, and print."""
    import deepspeed
    from deepspeed.runtime import config, precision_config
    from deepspeed.runtime.zero.config import DeepSpeedZeroConfig

    base = {
        "train_batch_size": 1,
        "optimizer": {"type": "Adam", "params": {}},
        "scheduler": {"type": "WarmupLR", "params": {}},
    }
    asked: set[str] = set()
    for extra in (
        {},
        {"fp16": {"enabled": True}},
        {"bf16": {"enabled": True}},
        {"checkpoint": {}, "data_types": {}, "aio": {}},
    ):
        noting = Noting({**base, **extra})
        with contextlib.suppress(Exception):  # it looked at what it wanted to see before it complained
            reader = config.DeepSpeedConfig.__new__(config.DeepSpeedConfig)
            reader.mesh_device = None
            reader._initialize_params(noting)  # noqa: SLF001 - what `DeepSpeedConfig` calls
        asked |= noting.asked
    with contextlib.suppress(Exception):
        noting = Noting(base)
        config.DeepSpeedConfig(noting)
        asked |= noting.asked
    keys = dict.fromkeys(sorted(asked), "any")
    models = {"zero_optimization": DeepSpeedZeroConfig}
    for key, name in {"fp16": "DeepSpeedFP16Config", "bf16": "DeepSpeedBF16Config"}.items():
        if hasattr(precision_config, name):
            models[key] = getattr(precision_config, name)
    keys |= {key: {"record": record(model)} for key, model in models.items()}
    wanted = {
        "train_batch_size": "int",
        "train_micro_batch_size_per_gpu": "int",
        "gradient_accumulation_steps": "int",
    }
    numbers = {
        **wanted,
        "steps_per_print": "int",
        "gradient_clipping": "float",
        "wall_clock_breakdown": "bool",
    }
    keys |= {key: union([kind]) for key, kind in numbers.items() if key in keys}
    RECORDS["deepspeed"] = {"keys": keys}
    data = {"root": {"record": "deepspeed"}, "records": RECORDS}
    print("\x1e" + json.dumps({"version": deepspeed.__version__, "schemas": {"deepspeed": data}}))


if __name__ == "__main__":
    main()
