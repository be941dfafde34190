"""`train`, `check` and the command line; two processes against one."""

import json
import os
import runpy
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

from airskills.rl import training
from airskills.rl.cli import group
from airskills.rl.config import RunConfig
from airskills.rl.errors import SpecError

pytestmark = pytest.mark.usefixtures("quiet")
FAST = {
    "per_device_train_batch_size": 16,
    "learning_rate": 3e-3,
    "max_steps": 3,
    "gradient_checkpointing": False,
    "disable_tqdm": True,
}


def write(path: Any, rows: Any) -> Any:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.fixture
def digit_rewards(digit_ids: Any) -> Any:
    reward = {
        "reward": "PatternMatch",
        "args": {"patterns": [[i] for i in digit_ids], "value": 0.125, "at_most": 8},
    }
    return {"rewards": [reward]}


@pytest.fixture
def data(tmp_path: Path) -> Any:
    return {
        "prompts": write(tmp_path / "p.jsonl", [{"prompt": f"{i % 5}+{i % 4}="} for i in range(64)]),
        "text": write(tmp_path / "t.jsonl", [{"text": f"{i % 5}+1=" + "3" * 6} for i in range(64)]),
        "pairs": write(
            tmp_path / "d.jsonl",
            [{"prompt": f"{i % 5}+1=", "chosen": "123456", "rejected": "abcdef"} for i in range(64)],
        ),
    }


@pytest.mark.parametrize("lora", [None, {"r": 4}], ids=["full", "lora"])
@pytest.mark.parametrize(
    ("method", "source", "more"),
    [
        ("sft", "text", {}),
        ("dpo", "pairs", {}),
        ("grpo", "prompts", {"num_generations": 4, "max_completion_length": 8}),
        ("rloo", "prompts", {"num_generations": 4, "max_completion_length": 8}),
    ],
)
def test_every_method_trains_and_saves(
    method: Any,
    source: Any,
    more: Any,
    lora: Any,
    data: Any,
    model_folder: Any,
    digit_rewards: Any,
    tmp_path: Path,
) -> None:
    config = RunConfig.model_validate(
        {
            "method": method,
            "model": model_folder,
            "dataset": data[source],
            "output": str(tmp_path / "run"),
            "lora": lora,
            "rewards": digit_rewards if method in ("grpo", "rloo") else None,
            "trainer": {**FAST, **more},
        }
    )
    result = training.train(config)

    assert result.steps == 3
    assert len(result.series("loss")) == 3
    assert (result.output / ("adapter_model.safetensors" if lora else "model.safetensors")).exists()
    assert len((result.output / "monitor.jsonl").read_text().splitlines()) == 3


def test_preferences_are_learned(data: Any, model_folder: Any, tmp_path: Path) -> None:
    config = RunConfig.model_validate(
        {
            "method": "dpo",
            "model": model_folder,
            "dataset": data["pairs"],
            "output": str(tmp_path / "run"),
            "trainer": {**FAST, "max_steps": 30, "lr_scheduler_type": "constant"},
        }
    )

    assert training.train(config).series("rewards/accuracies")[-1] == 1.0


def test_the_same_seed_gives_the_same_rewards(
    data: Any, model_folder: Any, digit_rewards: Any, tmp_path: Path
) -> None:
    config = {
        "method": "grpo",
        "model": model_folder,
        "dataset": data["prompts"],
        "rewards": digit_rewards,
        "advantage": "leave_one_out",
        "trainer": {**FAST, "num_generations": 4, "max_completion_length": 8},
    }
    runs = [
        training.train(RunConfig.model_validate({**config, "output": str(tmp_path / name), "seed": seed}))
        for name, seed in (("a", 7), ("b", 7), ("c", 8))
    ]

    assert runs[0].series("reward") == runs[1].series("reward")
    assert runs[0].series("reward") != runs[2].series("reward")


BASE = "method: grpo\nmodel: m\ndataset: d.jsonl\nrewards:\n  rewards:\n  - reward: DistinctN\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BASE, []),
        (
            BASE + "trainer:\n  learning_rate: 1e-5\n  max_prompt_length: 64\n",
            [
                "9: Unknown key 'trainer.max_prompt_length'. TRL has no such option any more; filter the dataset"
            ],
        ),
        (
            BASE + "trainer: {learning_rat: 1}\n",
            ["7: Unknown key 'trainer.learning_rat'. Did you mean 'learning_rate'?"],
        ),
        (
            BASE + "trainer: {qqqqqqq: 1}\n",
            ["7: Unknown key 'trainer.qqqqqqq'. It is not an option of TRL's config for grpo"],
        ),
        (
            BASE + "trainer: {seed: 1}\n",
            ["7: Unknown key 'trainer.seed'. Set output, seed or rewards at the top"],
        ),
        (
            BASE + "sed: 1\nlora: {rank: 4}\n",
            [
                "7: Unknown key 'sed'. Did you mean 'seed'?",
                "8: Unknown key 'lora.rank'. Choose from alpha, dropout, r",
            ],
        ),
        (
            "method: ppo\nmodel: m\ndataset: d\n",
            ["1: method: Input should be 'sft', 'dpo', 'grpo' or 'rloo' (it is 'ppo')"],
        ),
        ("method: grpo\nmodel: m\ndataset: d\n", ["1: the file: grpo needs rewards"]),
        (BASE.replace("grpo", "sft"), ["1: the file: sft takes no rewards"]),
        (
            BASE.replace("grpo", "rloo") + "advantage: gdpo\n",
            ["1: the file: advantage 'gdpo' needs method grpo"],
        ),
        (
            "rewards:\n- reward: DistinctM\n",
            ["2: rewards.0: No reward is called 'DistinctM'. Did you mean 'DistinctN'?"],
        ),
        ("rewards:\n- reward: DistinctN\n  name: variety\n", []),
    ],
    ids=lambda x: x[-70:] if isinstance(x, str) else "",
)
def test_check_lists_every_problem_with_its_line(text: Any, expected: Any, tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    found = [str(problem) for problem in training.check(path)]

    assert len(found) == len(expected)
    for problem, start in zip(found, expected, strict=True):
        assert problem.startswith(f"{path}:{start}")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rloo_k": 4}, r"Unknown option 'rloo_k'\. It is called num_generations now"),
        ({"num_generations": 3, "per_device_train_batch_size": 4}, "TRL refuses these options: .*divisible"),
    ],
    ids=str,
)
def test_options_the_trainer_refuses_are_named(options: Any, message: Any, tmp_path: Path) -> None:
    config = RunConfig.model_validate(
        {
            "method": "grpo",
            "model": "m",
            "dataset": "d",
            "output": str(tmp_path),
            "rewards": {"rewards": [{"reward": "DistinctN"}]},
            "trainer": options,
        }
    )
    with pytest.raises(SpecError, match=message):
        training.arguments(config)


def test_numbers_that_yaml_reads_as_text_are_numbers(tmp_path: Path) -> None:
    config = RunConfig.model_validate(
        {
            "method": "sft",
            "model": "m",
            "dataset": "d",
            "output": str(tmp_path),
            "trainer": {"learning_rate": "2e-5"},
        }
    )

    assert training.arguments(config).learning_rate == 2e-5


def test_the_command_line_checks_trains_and_lists(
    tmp_path: Path, data: Any, model_folder: Any, digit_rewards: Any
) -> None:
    run = CliRunner()
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    more = {**FAST, "num_generations": 4, "max_completion_length": 8}
    config = {
        "method": "grpo",
        "model": model_folder,
        "dataset": data["prompts"],
        "output": str(tmp_path / "o"),
        "rewards": digit_rewards,
        "trainer": more,
    }
    good.write_text(json.dumps(config))
    bad.write_text(BASE + "trainer: {max_prompt_length: 3}\n")

    assert run.invoke(group, ["check", str(good)]).output == "0 problems.\n"
    failed = run.invoke(group, ["check", str(bad)])
    assert failed.exit_code == 1
    assert failed.output.startswith(f"{bad}:7: Unknown key 'trainer.max_prompt_length'")
    assert failed.output.endswith("1 problem.\n")
    refused = run.invoke(group, ["train", str(bad)])
    assert refused.exit_code == 2
    assert "filter the dataset" in " ".join(refused.output.split())
    trained = run.invoke(group, ["train", str(good)])
    assert trained.exit_code == 0
    assert "3 steps in" in trained.output


@pytest.fixture
def trl_yaml(data: Any, model_folder: Any, tmp_path: Path) -> Any:
    """A configuration for TRL's own command line with two presets by dotted path."""
    config = {
        **FAST,
        "model_name_or_path": model_folder,
        "dataset_name": str(Path(data["prompts"]).parent),
        "reward_funcs": ["airskills.rl.presets.distinct_1", "airskills.rl.presets.repetition_penalty"],
        "reward_weights": [1.0, 0.5],
        "output_dir": str(tmp_path / "trl"),
        "num_generations": 4,
        "max_completion_length": 8,
        "logging_steps": 1,
        "use_cpu": True,
        "bf16": False,
        "report_to": "none",
        "save_strategy": "no",
    }
    path = tmp_path / "trl.yaml"
    path.write_text(json.dumps(config))
    for other in ("text", "pairs"):
        Path(data[other]).unlink()  # the folder is the dataset
    return path


def test_presets_run_in_the_script_behind_trls_command_line(
    trl_yaml: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    script = import_module("trl.scripts.grpo")
    parser = script.make_parser()
    script.main(*parser.parse_args_and_config(["--config", str(trl_yaml)], fail_with_unknown_args=True))

    assert "'rewards/distinct_1/mean'" in capfd.readouterr().out
    assert (tmp_path / "trl" / "model.safetensors").exists()


@pytest.mark.slow
def test_presets_run_in_trls_command_line(trl_yaml: Any, tmp_path: Path) -> None:
    command = [Path(sys.executable).with_name("trl"), "grpo", "--config", trl_yaml, "--num_processes", "1"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)

    assert ran.returncode == 0, ran.stderr[-2000:]
    assert "'rewards/repetition_penalty/mean'" in ran.stdout


def test_the_command_line_lists_backends_and_times_them() -> None:
    run = CliRunner()
    listed = run.invoke(group, ["backends"]).output.splitlines()
    states = json.loads(run.invoke(group, ["backends", "--json"]).output)
    small = ["bench", "--rows", "20", "--length", "20", "--rounds", "1"]

    assert listed[:2] == ["* numba: 5 kernels", "  python: 5 kernels"]
    assert listed[2].startswith(("  mojo: 2 kernels", "  mojo: unavailable: not "))
    assert [state["name"] for state in states if state["chosen"]] == ["numba"]
    assert states[1]["kernels"] == ["gae", "pattern_count", "self_bleu", "token_entropy", "unique_ngrams"]
    assert "python: " in run.invoke(group, small).output
    assert json.loads(run.invoke(group, [*small, "--json"]).output)["python"]["times_faster_than_python"] == 1


@pytest.mark.parametrize("command", group.commands)
def test_help_shows_examples_line_by_line(command: Any) -> None:
    lines = CliRunner().invoke(group, [command, "--help"]).output.splitlines()

    assert any(line.startswith(f"    airskills rl {command}") for line in lines)


def test_problems_are_listed_as_json_too(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(BASE + "sed: 1\n")
    checked = CliRunner().invoke(group, ["check", str(path), "--json"])

    assert checked.exit_code == 1
    assert json.loads(checked.output) == [
        {"path": str(path), "line": 7, "message": "Unknown key 'sed'", "help": "Did you mean 'seed'?"}
    ]


@pytest.mark.full
def test_two_processes_make_the_same_update_as_one(model_folder: Any, tmp_path: Path) -> None:
    """Four completions on each of two processes, or eight on one: equal advantages, equal parameters."""
    script = Path(__file__).with_name("two_processes.py")
    one, two = tmp_path / "1", tmp_path / "2"
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            "--nproc_per_node=2",
            script,
            model_folder,
            two,
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    runpy.run_path(str(script))["main"](model_folder, str(one))
    advantages = [json.loads(path.read_text()) for path in sorted(two.glob("advantages*.json"))]
    alone = json.loads((one / "advantages0.json").read_text())

    assert advantages[0] + advantages[1] == pytest.approx(alone, abs=1e-6)
    assert any(alone)
    load = import_module("safetensors.torch").load_file
    before = load(Path(model_folder) / "model.safetensors")
    mine, theirs = (load(folder / "model.safetensors") for folder in (one, two))
    assert any(not torch.equal(mine[name], before[name]) for name in before)
    for name, value in mine.items():
        torch.testing.assert_close(theirs[name], value, rtol=1e-4, atol=1e-6)
