# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
"""What a model takes of a GPU under vllm: weights, KV cache per token, longest request, concurrency; from config.json alone.

With --log it reads a start-up log of vllm instead of guessing how much memory is left for the cache, and says whether
the numbers agree. Sizes are GiB (2^30). Counted exactly: Llama, Qwen2, Qwen3, Qwen3-MoE, Mistral, Gemma-like and gpt-oss
attention, DeepSeek's MLA. State of linear attention and Mamba layers is not counted; the answer says so.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

GIB = 2**30
KV_BYTES = {"auto": 2.0, "bfloat16": 2.0, "float16": 2.0, "fp8": 1.0, "fp8_e4m3": 1.0, "fp8_e5m2": 1.0}
WEIGHT_BYTES = {
    "bfloat16": 2.0,
    "float16": 2.0,
    "fp8": 1.0,
    "int8": 1.0,
    "int4": 0.5,
    "nvfp4": 0.5625,
    "mxfp4": 0.53125,
}
EXAMPLE = """examples:
  python kv_memory.py /models/llama-3.1-8b --gpu-memory 80 --max-model-len 32768
  python kv_memory.py config.json --gpu-memory 141 --tensor-parallel 8 --weights fp8 --kv-cache-dtype fp8 --json
  python kv_memory.py config.json --log vllm.log

exit status: 0 a request of max_model_len fits, 1 it does not, or the log disagrees, 2 unusable input.
"""


@dataclass(frozen=True)
class Layer:
    """KV cache of one layer: bytes a token on one GPU, and the window that limits it (None: all tokens)."""

    token_bytes: float
    window: int | None = None


@dataclass(frozen=True)
class Answer:
    """Everything that is printed; memory in GiB and per GPU."""

    parameters: int
    weights: float
    bytes_per_token: float
    request: float
    cache: float
    tokens: int
    concurrency: float
    longest: int
    notes: tuple[str, ...]


def text_config(config: dict[str, Any]) -> dict[str, Any]:
    """The part for text of a multimodal configuration."""
    return {**config, **config.get("text_config", {})}


def head_size(c: dict[str, Any]) -> int:
    """Size of one attention head."""
    return c.get("head_dim") or c["hidden_size"] // c["num_attention_heads"]


def kinds(c: dict[str, Any]) -> list[str]:
    """`full`, `sliding` or `linear` for each layer."""
    count = c["num_hidden_layers"]
    if "layer_types" in c:
        names = {"full_attention": "full", "sliding_attention": "sliding"}
        return [names.get(kind, "linear") for kind in c["layer_types"][:count]]
    if c.get("full_attention_interval"):
        return ["full" if (i + 1) % c["full_attention_interval"] == 0 else "linear" for i in range(count)]
    if c.get("sliding_window") and c.get("use_sliding_window", True):
        return ["sliding"] * count
    return ["full"] * count


def layers(c: dict[str, Any], tensor_parallel: int, kv_bytes: float) -> list[Layer]:
    """The cache of each layer on one GPU.

    With MLA one latent vector is kept, whole on every GPU. With grouped heads each GPU keeps its share, at least one.
    """
    if c.get("kv_lora_rank"):
        return [Layer((c["kv_lora_rank"] + c["qk_rope_head_dim"]) * kv_bytes)] * c["num_hidden_layers"]
    heads = max(1, (c.get("num_key_value_heads") or c["num_attention_heads"]) // tensor_parallel)
    size = 2 * heads * head_size(c) * kv_bytes
    windows = {"full": None, "sliding": c.get("sliding_window")}
    return [Layer(size, windows[kind]) for kind in kinds(c) if kind != "linear"]


def blocks(tokens: int, block: int) -> int:
    """Blocks that hold this many tokens."""
    return -(-tokens // block)


def request_bytes(cache: list[Layer], length: int, in_flight: int, block: int) -> float:
    """The most that one request of `length` tokens holds.

    A layer with a window keeps the window and what is being computed, and one block more, for it may begin anywhere.
    """
    total = 0.0
    for layer in cache:
        count = blocks(length, block)
        if layer.window:
            count = min(count, blocks(min(layer.window - 1 + in_flight, length), block) + 1)
        total += count * block * layer.token_bytes
    return total


def attention_parameters(c: dict[str, Any]) -> int:
    """Weights of the attention of one layer."""
    hidden, heads = c["hidden_size"], c["num_attention_heads"]
    if c.get("kv_lora_rank"):
        rank, rope, nope, value = (
            c["kv_lora_rank"],
            c["qk_rope_head_dim"],
            c["qk_nope_head_dim"],
            c["v_head_dim"],
        )
        query = hidden * heads * (nope + rope)
        if c.get("q_lora_rank"):
            query = c["q_lora_rank"] * (hidden + 1 + heads * (nope + rope))
        return query + hidden * (rank + rope) + rank + rank * heads * (nope + value) + heads * value * hidden
    head, kv = head_size(c), c.get("num_key_value_heads") or heads
    norms = 2 * head if str(c.get("model_type", "")).startswith("qwen3") else 0
    biases = (heads + 2 * kv) * head if c.get("attention_bias") or c.get("model_type") == "qwen2" else 0
    return 2 * hidden * heads * head + 2 * hidden * kv * head + norms + biases


def experts(c: dict[str, Any]) -> int:
    """Routed experts of a layer; 0 for a dense model."""
    names = ("n_routed_experts", "num_experts", "num_local_experts")
    return next((c[name] for name in names if c.get(name)), 0)


def mlp_parameters(c: dict[str, Any], layer: int) -> int:
    """Weights of the feed-forward part of a layer."""
    hidden, count = c["hidden_size"], experts(c)
    dense = 3 * hidden * c["intermediate_size"]
    if not count or layer < c.get("first_k_dense_replace", 0):
        return dense
    one = 3 * hidden * (c.get("moe_intermediate_size") or c["intermediate_size"])
    bias = count if c.get("topk_method") == "noaux_tc" else 0
    return (count + c.get("n_shared_experts", 0)) * one + hidden * count + bias


def parameters(c: dict[str, Any]) -> int:
    """Weights of the whole model, heads for multi-token prediction and vision not counted."""
    embeddings = c["vocab_size"] * c["hidden_size"] * (1 if c.get("tie_word_embeddings") else 2)
    norms = (2 * c["num_hidden_layers"] + 1) * c["hidden_size"]
    each = attention_parameters(c)
    return embeddings + norms + sum(each + mlp_parameters(c, i) for i in range(c["num_hidden_layers"]))


def longest(cache: list[Layer], available: float, in_flight: int, block: int, limit: int) -> int:
    """Tokens of the longest single request that fits, by halving."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (
            (middle, high)
            if request_bytes(cache, middle, in_flight, block) <= available
            else (low, middle - 1)
        )
    return low


def answer(config: dict[str, Any], given: argparse.Namespace, cache_gib: float | None = None) -> Answer:
    """All numbers; the cache is what is left of the GPU, unless the log says how much it is.

    Raises:
        KeyError: The configuration lacks what is needed.
    """
    c = text_config(config)
    cache = layers(c, given.tensor_parallel, KV_BYTES[given.kv_cache_dtype])
    count = parameters(c)
    weights = given.weights_gib or count * WEIGHT_BYTES[given.weights] / GIB
    share = weights / given.tensor_parallel
    length = given.max_model_len or c["max_position_embeddings"]
    left = (
        cache_gib if cache_gib is not None else given.gpu_memory * given.utilization - share - given.overhead
    )
    need = request_bytes(cache, length, given.in_flight, given.block_size)
    concurrency = max(0.0, left * GIB / need)
    found = longest(cache, left * GIB, given.in_flight, given.block_size, 16 * length)
    return Answer(count, share, sum(layer.token_bytes for layer in cache if not layer.window), need / GIB, left,
                  int(concurrency * length), concurrency, found, tuple(notes(c, given)))  # fmt: skip


def notes(c: dict[str, Any], given: argparse.Namespace) -> list[str]:
    """What the numbers leave out."""
    found = []
    if "linear" in kinds(c):
        found.append("state of linear-attention layers is not counted: fewer requests fit")
    if c.get("kv_lora_rank") and given.tensor_parallel > 1:
        found.append(
            "MLA: every GPU keeps the whole cache; tensor parallelism does not divide it, data parallelism does"
        )
    if not c.get("kv_lora_rank") and given.tensor_parallel > (c.get("num_key_value_heads") or 1):
        found.append("more GPUs than KV heads: heads are repeated")
    return found


def read_log(text: str) -> dict[str, float]:
    """Numbers of a start-up log: `available` (GiB), `tokens`, `length`, `concurrency`, `needed` (GiB), `estimated`.

    Of several lines the last counts; releases since 0.5 are read.
    """
    patterns = {
        "available": r"Available KV cache memory:? \(?([\d.]+) GiB|kv_cache_size=([\d.]+)GiB|available KV cache memory \(([\d.]+) GiB\)",
        "tokens": r"KV cache size: ([\d,]+) tokens",
        "blocks": r"GPU blocks: (\d+)",
        "length": r"Maximum concurrency for ([\d,]+) tokens|max seq len \(([\d,]+)\)",
        "concurrency": r"tokens per request: ([\d.]+)x",
        "needed": r"\(([\d.]+) GiB KV",
        "estimated": r"estimated maximum model length is (\d+)",
    }
    found = {}
    for name, pattern in patterns.items():
        matches = [next(filter(None, match.groups())) for match in re.finditer(pattern, text)]
        if matches:
            found[name] = float(matches[-1].replace(",", ""))
    return found


def disagreements(seen: dict[str, float], told: Answer, block: int) -> list[str]:
    """Where the log and the arithmetic differ by more than rounding: 2 % or one block."""
    tokens = seen.get("tokens") or seen.get("blocks", 0) * block
    pairs = {
        "concurrency": (seen.get("concurrency"), told.concurrency),
        "KV cache tokens": (tokens or None, told.tokens),
        "GiB for one request": (seen.get("needed"), told.request),
        "longest request": (seen.get("estimated"), told.longest),
    }
    return [
        f"{name}: the log says {logged:g}, the configuration gives {counted:.6g}"
        for name, (logged, counted) in pairs.items()
        if logged is not None and abs(logged - counted) > max(0.02 * logged, block if logged > 1000 else 0.01)
    ]


def load(path: Path) -> dict[str, Any]:
    """config.json, or the one in a folder."""
    return json.loads((path / "config.json" if path.is_dir() else path).read_text(encoding="utf-8"))


def command() -> argparse.ArgumentParser:
    """The command line."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE, formatter_class=formatter)
    parser.add_argument("config", type=Path, help="config.json, or the folder that holds it")
    parser.add_argument(
        "--gpu-memory", type=float, default=80.0, metavar="GIB", help="of one GPU (default: 80)"
    )
    parser.add_argument(
        "--utilization",
        type=float,
        default=0.92,
        help="--gpu-memory-utilization (default: 0.92, vllm's since 0.20)",
    )
    parser.add_argument(
        "--overhead",
        type=float,
        default=3.0,
        metavar="GIB",
        help="activations, CUDA graphs, NCCL: a guess (default: 3)",
    )
    parser.add_argument("--tensor-parallel", type=int, default=1, metavar="N")
    parser.add_argument("--weights", choices=WEIGHT_BYTES, default="bfloat16", help="type of all weights")
    parser.add_argument(
        "--weights-gib", type=float, metavar="GIB", help="size of the weight files, where it is known"
    )
    parser.add_argument("--kv-cache-dtype", choices=KV_BYTES, default="auto")
    parser.add_argument(
        "--max-model-len", type=int, metavar="TOKENS", help="default: max_position_embeddings"
    )
    parser.add_argument("--block-size", type=int, default=16)
    parser.add_argument("--in-flight", type=int, default=16384, metavar="TOKENS",
                        help="tokens in computation: max_num_batched_tokens, twice with async scheduling (default: 16384)")  # fmt: skip
    parser.add_argument("--log", type=Path, help="start-up log of vllm to compare with")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def main() -> int:
    """Command line."""
    given = command().parse_args()
    try:
        config = load(given.config)
        seen = read_log(given.log.read_text(encoding="utf-8", errors="replace")) if given.log else {}
        given.max_model_len = given.max_model_len or int(seen.get("length", 0)) or None
        told = answer(config, given, seen.get("available"))
    except (OSError, ValueError, KeyError) as error:
        print(f"kv_memory: unusable input: {error!r}", file=sys.stderr)
        return 2
    differ = disagreements(seen, told, given.block_size)
    if given.json:
        print(json.dumps({**asdict(told), "log": seen, "disagreements": differ}))
    else:
        print(
            f"weights    {told.weights:.2f} GiB a GPU ({told.parameters:,} parameters)\n"
            f"KV cache   {told.bytes_per_token:,.0f} bytes a token that stays; {told.request:.2f} GiB for one request of full length\n"
            f"left       {told.cache:.2f} GiB for the cache: {told.tokens:,} tokens, {told.concurrency:.2f} requests of full length\n"
            f"longest    {told.longest:,} tokens for a single request"
        )
        print(
            "\n".join([f"note: {note}" for note in told.notes] + [f"differs: {line}" for line in differ]),
            end="\n" if told.notes or differ else "",
        )
    return 1 if differ or told.concurrency < 1 else 0


if __name__ == "__main__":
    sys.exit(main())
