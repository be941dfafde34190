"""Arithmetic with an exact reward over three seeds: learned, and what the entropy bonus does. Takes minutes."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from airskills.rl.trl import GRPOTrainer

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quiet")]
SEEDS = (0, 1, 2)


def exact_sum(completions: Any, answer: Any, **_: Any) -> Any:
    return [float(text == wanted) for text, wanted in zip(completions, answer, strict=True)]


@pytest.fixture
def final_reward(make_model: Any, tokenizer: Any, tmp_path: Path) -> Any:
    """Mean reward of the last 60 steps."""
    pairs = [(a, b) for a in range(5) for b in range(5)]
    rows = {"prompt": [f"{a}+{b}=" for a, b in pairs] * 60, "answer": [str(a + b) for a, b in pairs] * 60}

    def run(seed: Any, **options: Any) -> Any:
        trainer = GRPOTrainer(
            model=make_model(seed),
            processing_class=tokenizer,
            reward_funcs=exact_sum,
            train_dataset=import_module("datasets").Dataset.from_dict(rows),
            args=import_module("trl").GRPOConfig(
                output_dir=str(tmp_path / "run"),
                use_cpu=True,
                bf16=False,
                report_to="none",
                save_strategy="no",
                disable_tqdm=True,
                gradient_checkpointing=False,
                logging_steps=1,
                lr_scheduler_type="constant",
                max_completion_length=1,
                seed=seed,
                **{"per_device_train_batch_size": 128, "num_generations": 16, **options},
            ),
        )
        trainer.train()
        rewards = [entry["reward"] for entry in trainer.state.log_history if "reward" in entry]
        return sum(rewards[-60:]) / 60

    return run


def test_arithmetic_is_learned_at_a_moderate_rate(final_reward: Any) -> None:
    rewards = [final_reward(seed, learning_rate=1e-3, max_steps=600, entropy_coef=0.2) for seed in SEEDS]

    assert sum(rewards) / 3 >= 0.85, rewards


def test_with_few_samples_the_entropy_bonus_keeps_the_policy_from_collapsing(final_reward: Any) -> None:
    """The same settings but for the bonus, four prompts a step: means of .53 and .80 when this was written.

    With sixteen samples each of eight prompts it makes no such difference: at a rate of 1e-3 both learn, at 3e-3 both are poor.
    """
    few = {"per_device_train_batch_size": 32, "num_generations": 8, "learning_rate": 2e-3, "max_steps": 600}
    without = [final_reward(seed, **few) for seed in SEEDS]
    bonus = [final_reward(seed, **few, entropy_coef=0.2) for seed in SEEDS]

    assert sum(without) / 3 < 0.75, without
    assert sum(bonus) / 3 > sum(without) / 3 + 0.15, (without, bonus)
