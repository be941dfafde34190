"""The scripts of the skill accelerate: planted faults are named, sound files are not blamed, steps agree with the package."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from skill_module import skill_module

SKILL = Path(__file__).resolve().parent.parent / "skills" / "accelerate"
SOUND = (SKILL / "evals" / "two-on-cpu" / "reference" / "config.yaml").read_text(encoding="utf-8")
# The configuration that huggingface/accelerate PR #3575 shows, without its mpirun_hostfile.
THREAD = """
compute_environment: LOCAL_MACHINE
debug: false
distributed_type: MULTI_CPU
downcast_bf16: 'no'
enable_cpu_affinity: false
ipex_config:
  ipex: false
machine_rank: 0
main_training_function: main
mixed_precision: 'no'
num_machines: 1
num_processes: 2
rdzv_backend: static
same_network: true
tpu_env: []
tpu_use_cluster: false
tpu_use_sudo: false
use_cpu: true
"""


def run(script: str, *args: str) -> tuple[int, Any, str]:
    """Exit status, parsed standard output and standard error of a script with --json."""
    command = [sys.executable, str(SKILL / "scripts" / f"{script}.py"), *args, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


@pytest.mark.parametrize(
    ("added", "script", "codes"),
    [
        ("", "Accelerator(cpu=True)", set()),
        ("", "Accelerator()", {"strangers"}),
        ("gradient_accumulation_steps: 4", "Accelerator(cpu=True)", {"unknown-key"}),
        ("", "accelerate.Accelerator(cpu=True, mixed_precision='bf16')", {"precision"}),
        ("distributed_type: FSDP", "Accelerator(cpu=True)", {"fsdp-on-cpu", "fsdp1"}),
        (
            "fsdp_config: {fsdp_version: 2, fsdp_use_orig_params: true}",
            "Accelerator(cpu=True)",
            {"fsdp1-key"},
        ),
        (
            "fsdp_config: {activation_checkpointing_offload: true, version: 2}",
            "Accelerator(cpu=True)",
            {"offload"},
        ),
    ],
)
def test_a_planted_fault_of_a_launch_is_named_and_no_other(added: str, script: str, codes: set[str]) -> None:
    check = skill_module(SKILL.name, "check_launch")
    config = check.yaml.safe_load(f"{SOUND}{added}\n")

    assert {found.code for found in check.findings(config, check.calls(script), gpu=False)} == codes


def test_the_configuration_of_a_thread_starts_one_process_and_has_a_key_that_is_gone(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(THREAD, encoding="utf-8")

    status, said, _ = run("check_launch", str(tmp_path / "config.yaml"))

    assert (status, said["processes"]) == (1, 1)
    assert {found["code"] for found in said["findings"]} == {"one-process", "unknown-key"}


@pytest.mark.parametrize("text", ["- a list", "a: [", None])
def test_a_file_that_holds_no_configuration_is_an_error(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "config.yaml").write_text(text, encoding="utf-8")

    status, said, error = run("check_launch", str(tmp_path / "config.yaml"))

    assert (status, said) == (2, None)
    assert error.startswith("error: ")


@pytest.mark.parametrize(
    ("rows", "batch", "processes", "accumulate"), [(10, 4, 2, 2), (16, 2, 2, 4), (7, 3, 1, 2), (3, 4, 2, 1)]
)
def test_the_plan_counts_the_batches_that_accelerate_makes(
    rows: int, batch: int, processes: int, accumulate: int
) -> None:
    torch_data = pytest.importorskip("torch.utils.data")
    shard = pytest.importorskip("accelerate.data_loader").BatchSamplerShard
    sampler = torch_data.BatchSampler(range(rows), batch_size=batch, drop_last=False)
    each = (
        [list(shard(sampler, processes, rank)) for rank in range(processes)]
        if processes > 1
        else [list(sampler)]
    )

    planned = skill_module(SKILL.name, "plan_steps").plan(rows, batch, processes, accumulate, 2)

    assert {len(batches) for batches in each} == {planned.batches}
    assert sum(len(one) for batches in each for one in batches) == rows + planned.repeated_rows
    assert planned.steps == 2 * -(-planned.batches // accumulate)


def test_the_place_to_resume_is_an_epoch_and_batches_of_one_process() -> None:
    status, said, _ = run(
        "plan_steps",
        "--rows=1003",
        "--batch=8",
        "--processes=4",
        "--accumulate=3",
        "--epochs=2",
        "--resume-at=15",
    )

    assert status == 1
    assert said["resume"] == {"epoch": 1, "batches": 12}
    assert (said["plan"]["batches"], said["plan"]["steps"], said["plan"]["scheduler_length"]) == (32, 22, 88)


def test_a_step_beyond_the_run_is_an_error() -> None:
    status, said, error = run("plan_steps", "--rows=8", "--batch=8", "--resume-at=2")

    assert (status, said) == (2, None)
    assert "step 2 is not in 0 to 1" in error
