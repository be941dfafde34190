"""The scripts of the skill flash-attention: planted leaks are named, sound models are not blamed, torch's choice is repeated."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from skill_module import skill_module

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

SKILL = Path(__file__).resolve().parent.parent / "skills" / "flash-attention"
leaks = skill_module("flash-attention", "leak_check")
kernels = skill_module("flash-attention", "which_kernel")
fixtures = skill_module("flash-attention", "fixtures")

# Sizes as in the config.json that the makers publish; the second keeps them in a text model.
QWEN3_8B: dict[str, Any] = {
    "hidden_size": 4096,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
}
GPT2: dict[str, Any] = {"hidden_size": 768, "num_attention_heads": 12}


def run(script: str, *args: str) -> tuple[int, Any, str]:
    """Exit status, parsed standard output and standard error of a script with --json."""
    command = [sys.executable, str(SKILL / "scripts" / f"{script}.py"), *args, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


@pytest.fixture(scope="module")
def found() -> dict[str, float | str]:
    """What a sound model lets be seen; #46634 of huggingface/transformers is the case of the mask of ones."""
    answer: dict[str, float | str] = leaks.check(fixtures.tiny("sdpa"), [7, 5, 6])
    return answer


@pytest.mark.parametrize(
    ("way", "seen"),
    [
        ("input_ids alone", True),
        ("position_ids", True),
        ("position_ids, use_cache=False", False),
        ("position_ids, use_cache=False, mask of ones", True),
        ("position_ids, use_cache=False, two rows", False),
        ("cu_seq_lens, use_cache=False", True),
        ("position_ids, cu_seq_lens, use_cache=False", False),
        ("padding with attention_mask", False),
    ],
)
def test_each_way_of_packing_is_judged_by_what_later_documents_see(
    found: dict[str, float | str], way: str, *, seen: bool
) -> None:
    assert isinstance(found[way], float)
    assert (found[way] != 0) is seen


def test_an_attention_registered_without_a_mask_function_sees_padding() -> None:
    interface = transformers.AttentionInterface
    interface.register("bare", interface()["sdpa"])
    assert leaks.check(fixtures.tiny("bare"), [7, 5])["padding with attention_mask"] > 0.01


def test_a_folder_is_checked_from_the_command_line(tmp_path: Path) -> None:
    fixtures.tiny("sdpa").save_pretrained(tmp_path)
    status, answer, _ = run("leak_check", str(tmp_path), "--lengths", "4", "5", "--device", "cpu")
    assert (status, answer["attention"]) == (0, "sdpa")
    assert answer["moved"]["position_ids"] > 0


def test_a_missing_model_is_an_error_with_help(tmp_path: Path) -> None:
    status, answer, error = run("leak_check", str(tmp_path / "none"))
    assert (status, answer) == (2, None)
    assert error.splitlines()[-1].startswith("help: ")


@pytest.mark.parametrize(
    ("changes", "chosen"),
    [
        ({}, "flash"),
        ({"causal": True}, "flash"),
        ({"mask": "bool"}, "flash"),
        ({"dropout": 0.1}, "math"),
        ({"kv_heads": 2}, "flash"),
    ],
)
def test_the_backend_named_is_the_one_that_the_profiler_sees(changes: dict[str, Any], chosen: str) -> None:
    call = kernels.Call(
        **{"heads": 8, "kv_heads": 8, "head_dim": 64, "length": 32, "kv_length": 32} | changes
    )
    inputs, keywords = kernels.tensors(call)
    with torch.profiler.profile() as seen:
        torch.nn.functional.scaled_dot_product_attention(*inputs, **keywords)
    ran = {event.key.removeprefix("aten::_scaled_dot_product_") for event in seen.key_averages()}
    assert kernels.ask(call).chosen == chosen
    assert {"flash": "flash_attention_for_cpu", "math": "attention_math"}[chosen] in ran


def test_the_reason_of_a_refusal_is_torch_s_own() -> None:
    call = kernels.Call(heads=8, kv_heads=8, head_dim=64, length=32, kv_length=32, dropout=0.1)
    answer = kernels.ask(call)
    assert "dropout" in answer.backends["flash"]
    assert answer.backends["math"] == "runs"


def test_scores_are_counted_for_the_whole_length_and_not_for_the_trial() -> None:
    call = kernels.Call(heads=32, kv_heads=8, head_dim=128, length=8192, kv_length=8192)
    assert kernels.ask(call).scores_mib == 32 * 8192 * 8192 * 2 / 2**20


@pytest.mark.parametrize(
    ("config", "sizes"),
    [(QWEN3_8B, (32, 8, 128)), ({"text_config": QWEN3_8B}, (32, 8, 128)), (GPT2, (12, 12, 64))],
)
def test_heads_are_read_from_a_configuration(
    tmp_path: Path, config: dict[str, Any], sizes: tuple[int, int, int]
) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    assert tuple(kernels.heads(path).values()) == sizes


@pytest.mark.parametrize(
    "args", [("--heads", "0"), ("--heads", "3", "--kv-heads", "2"), ("--config", "none.json")]
)
def test_what_no_tensor_can_be_made_of_is_refused(args: tuple[str, ...]) -> None:
    status, answer, error = run("which_kernel", *args, "--device", "cpu")
    assert (status, answer) == (2, None)
    assert error.startswith("error: ")
