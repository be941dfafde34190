"""The script of the skill axolotl: what the tool drops is named with its line, sound configurations pass."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from airskills.markdown import Markdown
from skill_module import skill_module

SKILL = Path(__file__).resolve().parent.parent / "skills" / "axolotl"
SCRIPT = SKILL / "scripts" / "check_config.py"
PLAIN = "base_model: a/b\nlearning_rate: 1e-4\nsequence_len: 2048\nmicro_batch_size: 2\ngradient_accumulation_steps: 4\n"
CHAT = f"{PLAIN}datasets:\n  - path: x\n    type: chat_template\n"
LORA = f"{CHAT}lora_r: 8\nlora_alpha: 16\nlora_target_linear: true\n"
# The configuration of axolotl-ai-cloud/axolotl#2415: the keys below field_rejected never reach the data.
THREAD = f"""{PLAIN}rl: dpo
datasets:
  - path: pairs
    split: train
    type: chat_template.default
    field_messages: "messages"
    field_chosen: "chosen"
    field_rejected: "rejected"
    message_property_mappings:
      role: role
      content: content
    roles:
      user: ["user"]
"""
checker = skill_module("axolotl", "check_config")


def codes(text: str) -> list[tuple[int, str]]:
    return [(one.line, one.code) for one in checker.findings(text)]


def run(*args: str) -> tuple[int, Any, str]:
    """Exit status, parsed standard output and standard error of the script with --json."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *args, "--json"], capture_output=True, text=True, check=False
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (CHAT, []),
        (THREAD, [(14, "dropped-key"), (17, "dropped-key")]),
        (f"{CHAT}learning_rat: 1\n", [(9, "unknown-key")]),
        (f"{CHAT}rl: grpo\nnum_generations: 8\ntrl: {{reward_funcs: [a.b], num_generation: 8}}\n", [(10, "unknown-key"), (11, "unknown-key")]),
        (f"{CHAT}    typ: y\n", [(9, "unknown-key")]),
        (f"{CHAT}fsdp_config: {{ofload_params: true, fsdp_offload_params: true}}\n", [(9, "unknown-key")]),
        (f"{CHAT}special_tokens:\n  pad_tok: x\n", [(10, "unknown-key")]),
        (f"{CHAT}liger_rms_norm: true\nunsloth_lora_mlp: true\nmodel_config: {{a: 1}}\n", []),
        (f"{CHAT}micro_batch_size: 4\n", [(9, "twice")]),
        (CHAT.replace("gradient_accumulation_steps: 4", "batch_size: 16"), [(5, "batch-size")]),
        (f"{LORA}adapter: lora\nload_in_4bit: true\n", [(13, "not-quantized")]),
        (f"{LORA}adapter: qlora\nload_in_4bit: true\n", []),
        (f"{CHAT}adapter: lora\n", [(9, "adapter")] * 3),
        (f"{CHAT}adapter: lora\nlora_model_dir: x\n", []),
        (f"{CHAT}eval_steps: 5\n", [(9, "no-eval")]),
        (f"{CHAT}eval_steps: 5\nval_set_size: 0.1\n", []),
        (f"{CHAT}eval_strategy: 'no'\n", []),
        (f"{CHAT}sample_packing: true\n", [(9, "packing")]),
        (f"{CHAT}sample_packing: true\nattn_implementation: sdpa\n", []),
        (CHAT.replace("sequence_len: 2048\n", ""), [(1, "sequence-len")]),
        (f"{CHAT}    field_thinking: t\n", [(9, "thinking")]),
        (f"{CHAT}    field_thinking: t\n    message_property_mappings: {{role: role, content: content, reasoning_content: t}}\n", []),
        (f"{CHAT}    message_property_mappings: {{role: from}}\n", [(7, "mapping")]),
        (f"{CHAT}    roles_to_train: []\n", [(9, "nothing-trained")]),
        (f"{CHAT}optimizer: adamw_8bti\nlr_scheduler: cosin\n", [(9, "name"), (10, "name")]),
        (f"{CHAT}optimizer: muon\nlr_scheduler: rex\n", []),
        (f"{CHAT}rl: grpo\n", [(9, "grpo")]),
        (f"{CHAT}rl: grpo\ntrl: {{reward_funcs: [a.b]}}\nmicro_batch_size: 3\n", [(9, "grpo"), (11, "twice")]),
        (f"{PLAIN}datasets:\n  - path: x\n    type: _synthetic\n    length: 10\n", []),
    ],
)  # fmt: skip
def test_what_is_dropped_or_means_something_else_is_named_with_its_line(
    text: str, found: list[tuple[int, str]]
) -> None:
    assert codes(text) == found


def test_a_wrong_key_is_told_where_it_belongs() -> None:
    cures = [
        one.cure
        for one in checker.findings(f"{CHAT}beta: 1\nlearning_rat: 1\nnum_generations: 4\nqqqqq: 1\n")
    ]

    assert cures == [
        "rl_beta (DPO, KTO, ORPO) or trl.beta (GRPO)",
        "did you mean learning_rate?",
        "it belongs into trl",
        "remove it",
    ]


def test_steps_are_counted_from_rows_kept_and_gpus() -> None:
    given = {"micro_batch_size": 2, "gradient_accumulation_steps": 4, "val_set_size": 0.1, "num_epochs": 3}

    # 1000 rows less 100; 8 rows a step on each of 2 GPUs: 900 / 16 = 56.25
    assert checker.budget(given, 1000, 2) == {
        "rows_a_step": 16,
        "rows_trained": 900,
        "steps_an_epoch": 57,
        "steps": 171,
    }


def test_configurations_of_the_skill_pass() -> None:
    texts = [
        path.read_text(encoding="utf-8")
        for path in (SKILL / "SKILL.md", *(SKILL / "references").glob("*.md"))
    ]
    blocks = [
        block.text for text in texts for block in Markdown(text, "x.md").blocks if block.language == "yaml"
    ]

    assert len(blocks) >= 4
    assert [codes(block) for block in blocks if "sequence_len" in block] == [[]] * sum(
        "sequence_len" in b for b in blocks
    )


def test_exit_status_and_json_say_what_was_found(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    path.write_text(f"{CHAT}beta: 0.1\n", encoding="utf-8")
    status, said, _ = run(str(path), "--rows", "100")
    path.write_text(CHAT, encoding="utf-8")

    assert (status, said["findings"][0]["line"], said["budget"]["steps"]) == (1, 9, 13)
    assert run(str(path))[0] == 0


@pytest.mark.parametrize("text", ["- a\n", "a: [\n", ""])
def test_what_is_no_configuration_is_said_in_one_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    path.write_text(text, encoding="utf-8")
    status, said, error = run(str(path))

    assert (status, said) == (2, None)
    assert error.startswith("error: ")
    assert "Traceback" not in error
