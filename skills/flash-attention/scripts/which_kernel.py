# /// script
# requires-python = ">=3.11"
# dependencies = ["torch==2.13.0"]
# ///
"""Say which backend scaled_dot_product_attention takes for a shape on this machine, and why the others do not.

Asks torch itself: its dispatcher for the choice, a trial run of one head per backend for the reasons. Reads the heads
and the head size of a transformers config.json with --config.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

EXAMPLE = """examples:
  python which_kernel.py --heads 32 --kv-heads 8 --head-dim 128 --length 8192 --dtype bfloat16 --causal
  python which_kernel.py --config /models/qwen3-8b/config.json --length 32768 --mask padding --train --json

exit status: 0 a fused kernel, 1 the math kernel (scores are stored), 2 wrong arguments.
"""
BACKENDS = {
    "flash": SDPBackend.FLASH_ATTENTION,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
    "math": SDPBackend.MATH,
}
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
MASKS = ("none", "bool", "float", "padding")
TRIAL = 256  # tokens of the trial runs: the rules look at the length only where it is 1 or differs


@dataclass(frozen=True)
class Call:
    """One call of attention; lengths in tokens."""

    heads: int
    kv_heads: int
    head_dim: int
    length: int
    kv_length: int
    batch: int = 1
    dtype: str = "bfloat16"
    mask: str = "none"
    causal: bool = False
    dropout: float = 0.0
    train: bool = False
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Refuse what no tensor can be made of."""
        if min(self.heads, self.kv_heads, self.head_dim, self.length, self.kv_length, self.batch) < 1:
            raise ValueError("heads, head size, lengths and batch must be at least 1")
        if self.heads % self.kv_heads:
            raise ValueError(f"{self.heads} heads are no multiple of {self.kv_heads} key heads")


@dataclass(frozen=True)
class Answer:
    """The backend taken, what each backend says, and the bytes of the scores that only "math" stores."""

    chosen: str
    backends: dict[str, str]
    scores_mib: float
    hints: list[str] = field(default_factory=list)


def tensors(call: Call) -> tuple[list[torch.Tensor], dict[str, Any]]:
    """Query, key, value of (batch, heads, length, head_dim), and the keywords of the call."""
    made: dict[str, Any] = {"dtype": DTYPES[call.dtype], "device": call.device, "requires_grad": call.train}
    queries = torch.zeros(call.batch, call.heads, call.length, call.head_dim, **made)
    keys = [torch.zeros(call.batch, call.kv_heads, call.kv_length, call.head_dim, **made) for _ in range(2)]
    rows = 1 if call.mask == "padding" else call.length
    kept = torch.ones(call.batch, 1, rows, call.kv_length, dtype=torch.bool, device=call.device)
    mask = {"none": None, "float": torch.zeros_like(kept, dtype=DTYPES[call.dtype])}.get(call.mask, kept)
    keywords = {"attn_mask": mask, "dropout_p": call.dropout, "is_causal": call.causal}
    return [queries, *keys], keywords | {"enable_gqa": call.kv_heads != call.heads}


def small(call: Call) -> Call:
    """The same call, short enough to run anywhere."""
    length, kv_length = min(call.length, TRIAL), min(call.kv_length, TRIAL)
    if call.length != call.kv_length and length == kv_length:
        length //= 2
    return replace(call, batch=1, length=length, kv_length=kv_length)


def trial(call: Call, backend: SDPBackend) -> str:
    """ "runs", or the reasons that torch gives."""
    inputs, keywords = tensors(call)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            with sdpa_kernel(backend):
                result = scaled_dot_product_attention(*inputs, **keywords)
            if call.train:
                result.sum().backward()
        except RuntimeError as error:
            reasons = [str(item.message).split(" (Triggered")[0] for item in seen]
            own = [
                reason for reason in reasons if "not used because" not in reason and "disabled" not in reason
            ]
            return " ".join(dict.fromkeys(own)) or str(error).split("\n")[0]
    return "runs"


def choice(call: Call) -> str:
    """The backend that torch's dispatcher names."""
    inputs, keywords = tensors(call)
    number = torch._fused_sdp_choice(*inputs, **keywords)  # noqa: SLF001 (the dispatcher has no public name)
    return next(name for name, backend in BACKENDS.items() if int(backend) == number)


def hints(call: Call, chosen: str) -> list[str]:
    """What to change, from the call alone."""
    found = []
    if call.mask != "none" and call.causal:
        found.append("attn_mask and is_causal together: put the causal part into the mask")
    if call.causal and call.length != call.kv_length:
        found.append("is_causal is aligned to the top left: causal_lower_right(Lq, Lk) for a cache")
    if call.mask != "none":
        found.append(
            "a mask rules the flash kernel out on CUDA: no mask, unpadded documents (varlen) or flex_attention"
        )
    if call.dtype == "float32" and call.device != "cpu":
        found.append("float32 rules flash and cuDNN out: bfloat16 or float16")
    if chosen == "math" and call.kv_heads != call.heads:
        found.append("without enable_gqa: repeat_interleave the heads of key and value")
    return found


def ask(call: Call) -> Answer:
    """The answer for one call."""
    short = small(call)
    chosen = choice(short)
    scores = call.batch * call.heads * call.length * call.kv_length * DTYPES[call.dtype].itemsize / 2**20
    answers = {name: trial(short, backend) for name, backend in BACKENDS.items()}
    return Answer(chosen, answers, round(scores, 1), hints(call, chosen))


def heads(path: Path) -> dict[str, int]:
    """Heads and head size of a config.json, that of the text model where there are several.

    Raises:
        ValueError: The file has no attention heads.
    """
    whole: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    config: dict[str, Any] = whole.get("text_config", whole)
    if "num_attention_heads" not in config:
        raise ValueError(f"{path}: no num_attention_heads")
    count = int(config["num_attention_heads"])
    size = config.get("head_dim") or config["hidden_size"] // count
    return {
        "heads": count,
        "kv_heads": int(config.get("num_key_value_heads") or count),
        "head_dim": int(size),
    }


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, help="config.json of a transformers model")
    for name, default in (("--heads", 8), ("--kv-heads", None), ("--head-dim", 64), ("--length", 2048)):
        parser.add_argument(name, type=int, default=default)
    parser.add_argument("--kv-length", type=int, help="of key and value, if it differs")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--dtype", choices=DTYPES, default="bfloat16")
    parser.add_argument("--mask", choices=MASKS, default="none")
    parser.add_argument("--causal", action="store_true", help="is_causal=True")
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument(
        "--train", action="store_true", help="inputs need gradients; the backward pass runs too"
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--json", action="store_true", help="machine-readable answer")
    return parser


def main() -> int:
    """Print the answer; 1 when the scores would be stored."""
    options = vars(arguments().parse_args())
    config, as_json = options.pop("config"), options.pop("json")
    try:
        options |= heads(config) if config else {}
        for name, other in (("kv_heads", "heads"), ("kv_length", "length")):
            options[name] = options[other] if options[name] is None else options[name]
        answer = ask(Call(**options))
    except (ValueError, KeyError, OSError, RuntimeError) as error:
        print(f"error: {error}\nhelp: see --help", file=sys.stderr)
        return 2
    if as_json:
        print(json.dumps(asdict(answer), indent=1))
    else:
        print(f"{options['device']}, torch {torch.__version__}: {answer.chosen}")
        for name, said in answer.backends.items():
            print(f"  {name:<10} {said}")
        print(f"  scores, stored by math alone: {answer.scores_mib:,} MiB a layer")
        for hint in answer.hints:
            print(f"  hint: {hint}")
    return 1 if answer.chosen == "math" else 0


if __name__ == "__main__":
    sys.exit(main())
