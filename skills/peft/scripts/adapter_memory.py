# /// script
# requires-python = ">=3.11"
# dependencies = ["peft==0.21.2", "torch==2.13.0", "transformers==5.23.0"]
# ///
"""Estimate what LoRA, QLoRA and full fine-tuning need in memory, from a model's config.json alone.

The model and the adapter are built by transformers and peft on the meta device: no weight is read, every
parameter is counted as the library would make it. Activations are not included.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from peft import PeftConfig, PeftModel
    from torch import Tensor
    from transformers import PreTrainedConfig, PreTrainedModel

GIB = 2**30
METHODS = ("lora", "qlora", "full")
EXAMPLE = """example:
  python adapter_memory.py Qwen3-8B/config.json --r 16 --tokens 8192
  python adapter_memory.py Qwen3-30B-A3B/ --target-modules q_proj v_proj \\
      --target-parameters mlp.experts.gate_up_proj mlp.experts.down_proj --checkpointing --limit 80
exit status: 0 done, 1 every method asked for is over --limit, 2 wrong use"""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bytes of one training method on one device, without sharding."""

    method: str
    base_weights: int
    trainable_weights: int
    gradients: int
    optimizer: int
    expert_copies: int
    logits: int

    @property
    def total(self) -> int:
        """Sum of all rows."""
        return sum(value for value in asdict(self).values() if isinstance(value, int))


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="config.json, or a folder that holds one")
    parser.add_argument(
        "--adapter", help="adapter_config.json or its folder, instead of the LoRA options below"
    )
    parser.add_argument("--r", type=int, default=16, help="rank (default 16)")
    parser.add_argument("--target-modules", nargs="+", default=["all-linear"], metavar="NAME")
    parser.add_argument("--target-parameters", nargs="+", metavar="NAME", help="fused expert parameters")
    parser.add_argument("--modules-to-save", nargs="+", metavar="NAME")
    parser.add_argument("--method", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument(
        "--dtype", choices=("bfloat16", "float16", "float32"), default="bfloat16", help="of the base"
    )
    parser.add_argument("--optimizer", choices=("adamw", "adamw_8bit", "sgd"), default="adamw")
    parser.add_argument("--tokens", type=int, default=0, help="batch x sequence length, for the logits row")
    parser.add_argument("--checkpointing", action="store_true", help="activation checkpointing is on")
    parser.add_argument(
        "--keep-dtype", action="store_true", help="QLoRA without prepare_model_for_kbit_training"
    )
    parser.add_argument("--limit", type=float, metavar="GIB", help="memory of the device")
    parser.add_argument("--json", action="store_true", help="print one JSON object, bytes")
    return parser.parse_args(argv)


def file_in(path: str, name: str) -> Path:
    """Return `path`, or the file `name` in it; raise FileNotFoundError when neither is there."""
    found = Path(path) / name if Path(path).is_dir() else Path(path)
    if not found.is_file():
        raise FileNotFoundError(f"no {name} at {path}: give a local config.json or its folder")
    return found


def lora_config(args: argparse.Namespace) -> PeftConfig:
    """Build the LoraConfig to count, with an initialization that needs no weights."""
    peft = import_module("peft")
    if args.adapter:
        config = peft.PeftConfig.from_pretrained(str(file_in(args.adapter, "adapter_config.json").parent))
        config.inference_mode, config.init_lora_weights = False, True
        return config
    targets = args.target_modules[0] if args.target_modules == ["all-linear"] else args.target_modules
    return peft.LoraConfig(
        r=args.r,
        target_modules=targets,
        target_parameters=args.target_parameters,
        modules_to_save=args.modules_to_save,
    )


def build(path: Path, dtype: str) -> PreTrainedModel:
    """Instantiate the model that config.json names, on the meta device."""
    torch, hf = import_module("torch"), import_module("transformers")
    config: PreTrainedConfig = hf.AutoConfig.from_pretrained(str(path))
    name = (config.architectures or ["AutoModelForCausalLM"])[0]
    model_class = getattr(hf, name, hf.AutoModelForCausalLM)
    make = getattr(model_class, "from_config", None) or model_class._from_config  # noqa: SLF001  the only public road
    with torch.device("meta"):
        return make(config, dtype=getattr(torch, dtype))


def bytes_of(parameters: Iterable[Tensor], size: int | None = None) -> int:
    """Bytes of the parameters, or of `size` bytes for each of their elements."""
    return sum(p.numel() * (size or p.element_size()) for p in parameters)


def optimizer_bytes(parameters: Iterable[Tensor], kind: str) -> int:
    """Bytes of the moments: torch keeps them in the parameter's dtype, bitsandbytes in blocks of 256 bytes."""
    if kind == "sgd":
        return 0
    if kind == "adamw":
        return 2 * bytes_of(parameters)
    small = 4096  # bitsandbytes keeps fp32 moments for tensors with fewer elements
    return sum(
        8 * p.numel() if p.numel() < small else 2 * p.numel() + 8 * p.numel() // 256 for p in parameters
    )


def quantized_linears(model: PreTrainedModel) -> list[Tensor]:
    """Weights that bitsandbytes packs: nn.Linear and Conv1D, but for those transformers keeps as they are."""
    linear = import_module("torch").nn.Linear
    conv = import_module("transformers.pytorch_utils").Conv1D
    kept = set(import_module("transformers.quantizers.base").get_keys_to_not_convert(model))
    named = ((n, m) for n, m in model.named_modules() if type(m) is linear or isinstance(m, conv))
    return [m.weight for name, m in named if name not in kept]


def nf4_bytes(weights: Iterable[Tensor]) -> int:
    """4 bits per weight, an 8-bit scale per 64 weights, a 32-bit scale per 256 of those scales."""
    return sum(n // 2 + n // 64 + 4 * -(-n // (64 * 256)) for n in (w.numel() for w in weights))


def base_bytes(model: PreTrainedModel, method: str, *, keep_dtype: bool) -> int:
    """Bytes of the frozen base before the adapter is attached."""
    if method == "lora":
        return bytes_of(model.parameters())
    packed = quantized_linears(model)
    ids = {id(w) for w in packed}
    rest = (p for p in model.parameters() if id(p) not in ids)
    return nf4_bytes(packed) + bytes_of(rest, None if keep_dtype else 4)


def expert_copies(peft_model: PeftModel, *, checkpointing: bool) -> int:
    """Bytes of the effective weights W + BA of expert parameters, made by each forward pass.

    Without checkpointing autograd keeps all of them; with it, those of one layer and the largest gradient.
    """
    layers: dict[int, list[int]] = {}
    wrapper = import_module("peft.tuners.lora.layer").ParamWrapper
    for module in peft_model.modules():
        if isinstance(module, wrapper):
            layers.setdefault(id(module.get_base_layer()), []).append(bytes_of([module.get_param()]))
    if checkpointing:
        return max((sum(sizes) + max(sizes) for sizes in layers.values()), default=0)
    return sum(sum(sizes) for sizes in layers.values())


def logits_bytes(model: PreTrainedModel, tokens: int) -> int:
    """Rule of thumb: model-dtype logits, their float32 copy and its gradient."""
    head = model.get_output_embeddings()
    return tokens * head.weight.shape[0] * (head.weight.element_size() + 8) if head is not None else 0


def full(args: argparse.Namespace, path: Path) -> Estimate:
    """Full fine-tuning as mixed precision does it: float32 weights, gradients and moments."""
    model = build(path, "float32")
    parameters = list(model.parameters())
    weights = bytes_of(parameters)
    moments = optimizer_bytes(parameters, args.optimizer)
    return Estimate("full", 0, weights, weights, moments, 0, logits_bytes(model, args.tokens))


def adapter(args: argparse.Namespace, path: Path, method: str) -> Estimate:
    """LoRA or QLoRA with the adapter exactly as peft makes it (float32 on a 16-bit base)."""
    model = build(path, args.dtype)
    base, logits = base_bytes(model, method, keep_dtype=args.keep_dtype), logits_bytes(model, args.tokens)
    wrapped = import_module("peft").get_peft_model(model, lora_config(args), low_cpu_mem_usage=True)
    trainable = [p for p in wrapped.parameters() if p.requires_grad]
    weights = bytes_of(trainable)
    copies = expert_copies(wrapped, checkpointing=args.checkpointing)
    factor = 2 if method == "qlora" and not args.keep_dtype and args.dtype != "float32" else 1
    moments = optimizer_bytes(trainable, args.optimizer)
    return Estimate(method, base, weights, weights, moments, factor * copies, logits)


def estimate(args: argparse.Namespace) -> list[Estimate]:
    """One estimate per method asked for."""
    path = file_in(args.model, "config.json")
    return [full(args, path) if m == "full" else adapter(args, path, m) for m in args.method]


def table(rows: list[Estimate]) -> str:
    """Rows of bytes as a table in GiB, one column per method."""
    fields = [name for name in asdict(rows[0]) if name != "method"]
    lines = [f"{'GiB':20}" + "".join(f"{row.method:>12}" for row in rows)]
    lines += [f"{f:20}" + "".join(f"{getattr(row, f) / GIB:12.3f}" for row in rows) for f in fields]
    lines.append(f"{'total':20}" + "".join(f"{row.total / GIB:12.3f}" for row in rows))
    return "\n".join(lines)


def report(rows: list[Estimate], args: argparse.Namespace) -> None:
    """Print the table or the JSON object."""
    if args.json:
        print(json.dumps({row.method: {**asdict(row), "total": row.total} for row in rows}, indent=2))
        return
    print(table(rows))
    print(
        "\ntrainable_weights: float32 copies of what trains; optimizer: moments; expert_copies: W + BA per step"
    )
    print("not included: activations, CUDA context (0.5 to 1 GiB), fragmentation")


def main(argv: list[str] | None = None) -> int:
    """Run the tool; return the exit status."""
    args = parse(argv)
    import_module("transformers").logging.set_verbosity_error()
    warnings.simplefilter("ignore")
    try:
        rows = estimate(args)
    except (FileNotFoundError, ValueError) as error:  # ValueError covers peft's NoMatchingPeftModuleError
        print(f"adapter_memory: {error}", file=sys.stderr)
        return 2
    report(rows, args)
    over = args.limit is not None and all(row.total > args.limit * GIB for row in rows)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
