"""scripts/kv_memory.py of the skill vllm: published models, logs of real issues, and input that is no use.

What needs vllm itself (scripts/dry_server.py, the same sums by vllm's own classes) is run by the facts, the blocks and
the example of the skill, in an environment of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from skill_module import skill_module

SCRIPT = Path(__file__).resolve().parent.parent / "skills" / "vllm" / "scripts" / "kv_memory.py"
memory = skill_module("vllm", "kv_memory")

# Sizes as in the config.json that the makers publish.
LLAMA_8B: dict[str, Any] = {
    "model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
    "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256, "max_position_embeddings": 131072,
}  # fmt: skip
QWEN3_8B = LLAMA_8B | {
    "model_type": "qwen3", "intermediate_size": 12288, "num_hidden_layers": 36, "head_dim": 128, "vocab_size": 151936,
    "sliding_window": None, "use_sliding_window": False, "max_position_embeddings": 40960,
}  # fmt: skip
QWEN3_30B = QWEN3_8B | {
    "model_type": "qwen3_moe", "hidden_size": 2048, "intermediate_size": 6144, "moe_intermediate_size": 768, "num_experts": 128,
    "num_hidden_layers": 48, "num_key_value_heads": 4, "max_position_embeddings": 262144,
}  # fmt: skip
DEEPSEEK_V3: dict[str, Any] = {
    "model_type": "deepseek_v3", "hidden_size": 7168, "intermediate_size": 18432, "moe_intermediate_size": 2048,
    "n_routed_experts": 256, "n_shared_experts": 1, "first_k_dense_replace": 3, "num_hidden_layers": 61,
    "num_attention_heads": 128, "num_key_value_heads": 128, "q_lora_rank": 1536, "kv_lora_rank": 512, "topk_method": "noaux_tc",
    "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "vocab_size": 129280, "max_position_embeddings": 163840,
}  # fmt: skip
GPT_OSS_120B: dict[str, Any] = {
    "model_type": "gpt_oss", "hidden_size": 2880, "intermediate_size": 2880, "num_local_experts": 128, "head_dim": 64,
    "num_hidden_layers": 36, "num_attention_heads": 64, "num_key_value_heads": 8, "vocab_size": 201088, "sliding_window": 128,
    "layer_types": ["sliding_attention", "full_attention"] * 18, "max_position_embeddings": 131072,
}  # fmt: skip
HYBRID_27B = QWEN3_8B | {
    "num_hidden_layers": 64,
    "full_attention_interval": 4,
    "num_key_value_heads": 4,
    "head_dim": 256,
}

# Lines of vllm-project/vllm#10517, #34076 and #27508; the last has the form of the pinned release and numbers of Qwen3-8B.
LOG_OF_BLOCKS = """Memory profiling results: total_gpu_memory=23.58GiB kv_cache_size=3.81GiB gpu_memory_utilization=0.90
# GPU blocks: 1952, # CPU blocks: 2048
Maximum concurrency for 20000 tokens per request: 1.56x
"""
LOG_OF_REFUSAL = (
    "ValueError: To serve at least one request with the models's max seq len (262144), (24.0 GiB KV cache is needed, which is "
    "larger than the available KV cache memory (3.18 GiB). Based on the available memory, the estimated maximum model length is 34736."
)
LOG_OF_WINDOWS = (
    "ValueError: To serve at least one request with the models's max seq len (131072), (4.54 GiB KV cache is needed, which is "
    "larger than the available KV cache memory (1.71 GiB)."
)
LOG_OF_TODAY = """INFO [gpu_worker.py:773] Available KV cache memory: 10.0 GiB
INFO [kv_cache_utils.py:1148] GPU KV cache size: 72,800 tokens, Maximum concurrency for 40,960 tokens per request: 1.78x
"""


def run(tmp_path: Path, config: dict[str, Any], *flags: str, log: str = "") -> tuple[int, dict[str, Any]]:
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (tmp_path / "log").write_text(log, encoding="utf-8")
    more = ["--log", str(tmp_path / "log")] if log else []
    command = [sys.executable, str(SCRIPT), str(tmp_path), "--json", *flags, *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else {"error": done.stderr}


@pytest.mark.parametrize(
    ("config", "count"),
    [
        (LLAMA_8B, 8_030_261_248),
        (QWEN3_8B, 8_190_735_360),
        (QWEN3_30B, 30_532_122_624),
        (DEEPSEEK_V3, 671_026_419_200),
    ],
    ids=["Llama 3.1 8B", "Qwen3-8B", "Qwen3-30B-A3B", "DeepSeek V3"],
)
def test_parameters_are_those_that_were_published(config: dict[str, Any], count: int) -> None:
    assert memory.parameters(config) == count


@pytest.mark.parametrize(
    ("config", "tensor_parallel", "kv_bytes", "token"),
    [
        (LLAMA_8B, 1, 2, 32 * 2 * 8 * 128 * 2),
        (LLAMA_8B, 4, 2, 32 * 2 * 2 * 128 * 2),
        (LLAMA_8B, 16, 2, 32 * 2 * 1 * 128 * 2),  # one head at least: heads are repeated
        (QWEN3_30B, 1, 2, 48 * 2 * 4 * 128 * 2),
        (DEEPSEEK_V3, 1, 2, 61 * (512 + 64) * 2),
        (DEEPSEEK_V3, 8, 2, 61 * (512 + 64) * 2),  # whole on every GPU
        (GPT_OSS_120B, 1, 2, 18 * 2 * 8 * 64 * 2),  # full layers only
        (HYBRID_27B, 1, 1, 32 * 1024),  # 16 of 64 layers, fp8: what a user measured
    ],
)
def test_bytes_of_a_token(config: dict[str, Any], tensor_parallel: int, kv_bytes: float, token: int) -> None:
    layers = memory.layers(config, tensor_parallel, kv_bytes)

    assert sum(layer.token_bytes for layer in layers if not layer.window) == token


def test_a_layer_with_a_window_holds_the_window_the_tokens_in_flight_and_one_block() -> None:
    layer = memory.Layer(2 * 8 * 64 * 2, 128)

    # 127 + 16384 tokens are 1032 blocks of 16
    assert memory.request_bytes([layer], 131_072, 16_384, 16) == 1033 * 16 * 2048
    assert memory.request_bytes([layer], 100, 16_384, 16) == 7 * 16 * 2048  # all of a short request
    assert memory.request_bytes([memory.Layer(2048)], 131_072, 16_384, 16) == 8192 * 16 * 2048


@pytest.mark.parametrize(
    ("config", "flags", "log", "code"),
    [
        (LLAMA_8B, [], LOG_OF_BLOCKS, 0),
        (QWEN3_30B, [], LOG_OF_REFUSAL, 1),  # agrees, but a request of full length does not fit
        (GPT_OSS_120B, ["--in-flight", "1024"], LOG_OF_WINDOWS, 1),
        (QWEN3_8B, [], LOG_OF_TODAY, 0),
    ],
    ids=["0.6 of 2024", "0.15 of 2026", "0.11 of 2025", "0.33"],
)
def test_logs_of_real_servers_agree(
    tmp_path: Path, config: dict[str, Any], flags: list[str], log: str, code: int
) -> None:
    status, told = run(tmp_path, config, *flags, log=log)

    assert told["disagreements"] == []
    assert status == code


def test_a_log_of_another_model_or_cache_disagrees(tmp_path: Path) -> None:
    status, told = run(tmp_path, LLAMA_8B, log=LOG_OF_TODAY)

    assert status == 1
    assert [line.partition(":")[0] for line in told["disagreements"]] == ["concurrency", "KV cache tokens"]
    assert run(tmp_path, QWEN3_8B, "--kv-cache-dtype", "fp8", log=LOG_OF_TODAY)[1]["disagreements"]


def test_what_does_not_fit_is_said_with_the_longest_request_that_does(tmp_path: Path) -> None:
    flags = ["--gpu-memory", "24", "--utilization", "0.9", "--overhead", "2", "--max-model-len", "131072"]
    status, told = run(tmp_path, LLAMA_8B, *flags)

    # 24 * 0.9 - 14.957 - 2 = 4.643 GiB of 128 KiB a token
    assert status == 1
    assert told["longest"] == 38_016
    assert told["concurrency"] == pytest.approx(0.29, abs=0.005)


def test_notes_say_what_is_not_counted(tmp_path: Path) -> None:
    assert "linear-attention" in run(tmp_path, HYBRID_27B)[1]["notes"][0]
    assert "MLA" in run(tmp_path, DEEPSEEK_V3, "--tensor-parallel", "8", "--weights", "fp8")[1]["notes"][0]


@pytest.mark.parametrize("config", [{}, {"hidden_size": 8}, {"text_config": {"num_hidden_layers": 2}}])
def test_a_configuration_that_lacks_sizes_is_unusable_input(tmp_path: Path, config: dict[str, Any]) -> None:
    status, told = run(tmp_path, config)

    assert status == 2
    assert told["error"].startswith("kv_memory: unusable input")


def test_the_part_for_text_of_a_multimodal_model_is_taken(tmp_path: Path) -> None:
    told = run(
        tmp_path, {"model_type": "x_vl", "text_config": LLAMA_8B, "vision_config": {"hidden_size": 9}}
    )[1]

    assert told["parameters"] == 8_030_261_248
