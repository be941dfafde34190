from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from airskills.rl.curriculum import Curriculum, CurriculumError, CurriculumSampler
from airskills.rl.trl import GRPOTrainer

NAN = float("nan")


def sampler(curriculum: Any, prompts: Any, **layout: Any) -> Any:
    return CurriculumSampler(
        curriculum, prompts, **{"per_batch": 2, "group_size": 3, "repeats": 2, "seed": 0, **layout}
    )


def test_a_rate_is_the_share_of_successes_and_moves_by_half() -> None:
    curriculum = Curriculum(solved=1.0)
    curriculum.record(["a", "a", "b", "b", "c"], [1.0, 0.0, 2.0, 1.0, NAN])
    assert curriculum.rates == {"a": 0.5, "b": 1.0}

    curriculum.record(["a", "a"], [0.0, 0.0])
    assert curriculum.rates == {"a": 0.25, "b": 1.0}


def test_what_is_sometimes_solved_weighs_most_and_nothing_weighs_nothing() -> None:
    curriculum = Curriculum(
        solved=1.0, floor=0.01, rates={"always": 1.0, "never": 0.0, "half": 0.5, "often": 0.9}
    )

    weights = [curriculum.weight(prompt) for prompt in ("always", "never", "half", "often", "new")]
    assert weights == pytest.approx([0.01, 0.01, 0.26, 0.10, 0.26])


def test_messages_are_prompts_too() -> None:
    curriculum = Curriculum(solved=1.0)
    curriculum.record([[{"role": "user", "content": "1+1"}]], [0.0])

    assert curriculum.weight([{"content": "1+1", "role": "user"}]) == curriculum.floor


def test_indices_come_in_groups_and_batches_repeat() -> None:
    found = sampler(Curriculum(solved=1.0), list("abcde"))
    indices = list(found)

    assert len(indices) == len(found) == 2 * 2 * 3 * 2
    for start in (0, 12):
        batch = indices[start : start + 6]
        assert batch == [batch[0]] * 3 + [batch[3]] * 3
        assert batch[0] != batch[3]
        assert indices[start + 6 : start + 12] == batch


def test_draws_follow_what_was_recorded_meanwhile() -> None:
    curriculum = Curriculum(solved=1.0, floor=1e-9)
    drawn = iter(sampler(curriculum, list("abcd"), per_batch=1, group_size=1, repeats=1))
    curriculum.record(list("abd"), [1.0, 1.0, 1.0])

    assert [next(drawn) for _ in range(4)] == [2] * 4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sampler(Curriculum(solved=1.0), ["a"]), "A batch takes 2 different prompts; there are 1"),
        (lambda: Curriculum(solved=1.0, floor=0.0), r"floor 0\.0 must be above 0"),
    ],
    ids=["few", "floor"],
)
def test_a_curriculum_that_cannot_be_drawn_is_refused(make: Any, message: Any) -> None:
    with pytest.raises(CurriculumError, match=message):
        make()


@pytest.mark.usefixtures("quiet")
def test_the_trainer_turns_away_from_what_is_solved(make_model: Any, tokenizer: Any, tmp_path: Path) -> None:
    """One prompt always succeeds, one never does, two are open: training moves to those."""

    seen: list[set[str]] = []

    def reward(prompts: Any, completions: Any, **_: Any) -> Any:
        seen.append(set(prompts))
        return [
            1.0 if prompt == "1+1=" else 0.0 if prompt == "2+2=" else float(text[:1] < "5")
            for prompt, text in zip(prompts, completions, strict=True)
        ]

    curriculum = Curriculum(solved=1.0, floor=1e-6, memory=0.0)
    rows = {"prompt": ["1+1=", "2+2=", "3+3=", "4+4="] * 16}
    trainer = GRPOTrainer(
        model=make_model(),
        processing_class=tokenizer,
        reward_funcs=reward,
        curriculum=curriculum,
        train_dataset=import_module("datasets").Dataset.from_dict(rows),
        args=import_module("trl").GRPOConfig(
            output_dir=str(tmp_path),
            use_cpu=True,
            bf16=False,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            gradient_checkpointing=False,
            per_device_train_batch_size=32,
            num_generations=16,
            max_completion_length=2,
            max_steps=12,
            learning_rate=1e-6,
        ),
    )
    trainer.train()

    assert curriculum.rates.get("1+1=", 1.0) == 1.0
    assert curriculum.rates.get("2+2=", 0.0) == 0.0
    assert set.union(*seen[-4:]) <= {"3+3=", "4+4="}
