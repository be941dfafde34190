import json
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from airskills.rl.errors import RewardColumnError, RlError, SpecError
from airskills.rl.rewards import RepetitionPenalty
from airskills.rl.spec import CompositeReward, RewardSpec, Schedule, evaluate

NAN = float("nan")
TWO = {"rewards": [{"reward": "TagFormat", "name": "form"}, {"reward": "MathAnswer", "weight": 2.0}]}


def spec(**more: Any) -> Any:
    return RewardSpec.model_validate({**TWO, **more})


def test_a_file_is_read_with_names_weights_and_gates(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(
        "rewards:\n- reward: RepetitionPenalty\n  args: {ngram_size: 4}\n  clip: [-0.5, 0]\n"
        "- {reward: DistinctN, name: variety, weight: 1e-1}\n"
        "gates:\n- {reward: variety, at_least: 0.5}\naggregation: normalize_then_sum\n"
    )
    read = RewardSpec.from_yaml(tmp_path / "r.yaml")

    assert read.keys == ["repetition_penalty", "variety"]
    assert read.weights() == [1.0, 0.1]
    assert read.rewards[0].function == RepetitionPenalty(ngram_size=4)
    assert read.aggregation == "normalize_then_sum"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "rewards:\n- reward: DistinctN\n  wieght: 2\n",
            r"3: Unknown key 'rewards.0.wieght'. Did you mean 'weight'\?",
        ),
        (
            "rewards:\n- reward: DistinctN\nseed: 1\n",
            "3: Unknown key 'seed'. Choose from aggregation, gates, rewards",
        ),
        (
            "rewards:\n- reward: DistinctM\n",
            r"2: rewards.0: No reward is called 'DistinctM'. Did you mean 'DistinctN'\?",
        ),
        (
            "rewards:\n- reward: DistinctN\n  args: {m: 1}\n",
            r"2: rewards.0: DistinctN\(.*\) cannot be made: .*'m'",
        ),
        (
            "rewards:\n\n- reward: DistinctN\n  args: {n: 0}\n",
            r"3: rewards.0: .* n is 0; it must be a whole number, 1 or more",
        ),
        (
            "rewards:\n- reward: RepetitionPenalty\n  args: {ngram_size: 2.5}\n",
            "2: rewards.0: .* ngram_size is 2.5; it must be a whole number",
        ),
        ("rewards:\n- reward: os.nothing\n", "2: rewards.0: os.nothing cannot be imported"),
        ("rewards:\n- reward: os.sep\n", "2: rewards.0: os.sep is a str, not a reward"),
        (
            "rewards:\n- reward: os.getcwd\n  args: {a: 1}\n",
            "2: rewards.0: os.getcwd is a ready object and takes no args",
        ),
        (
            "rewards:\n- reward: DistinctN\n  weight: heavy\n",
            r"3: rewards.0.weight: .*valid number.* \(it is 'heavy'\)",
        ),
        ("rewards:\n- reward: DistinctN\n  weight: .nan\n", "3: rewards.0.weight: .*finite"),
        ("rewards:\n- reward: DistinctN\n  clip: [1, 0]\n", "2: rewards.0: clip is"),
        (
            "rewards:\n- reward: DistinctN\n- reward: DistinctN\n",
            "1: the file: Two rewards are called 'distinct_2'",
        ),
        (
            "rewards:\n- reward: DistinctN\ngates:\n- {reward: distinct, at_least: 1}\n",
            r"A gate names 'distinct'. Did you mean 'distinct_2'\?",
        ),
        (
            "rewards:\n- reward: DistinctN\n  schedule:\n    to: 1\n    end_step: 0\n",
            "5: rewards.0.schedule.end_step: .*greater than or equal to 1",
        ),
        (
            "rewards:\n- reward: DistinctN\n  schedule: {to: 1, start_step: 9, end_step: 3}\n",
            "3: rewards.0.schedule: end_step is 3; it must be after",
        ),
        (
            "rewards:\n- reward: DistinctN\n  weight: 1\n  schedule: {to: 1, end_step: 3}\n",
            "weight and schedule are both given",
        ),
        ("rewards: []\n", "1: rewards: List should have at least 1 item"),
        ("rewards:\n- reward: [\n", "3: This is not YAML"),
        ("rewards: 1\nrewards: 2\n", "2: The key 'rewards' is given twice"),
        ("- a\n", "1: The file holds a list; it must be a mapping"),
        ("", "1: rewards: Field required"),
    ],
    ids=lambda text: text[-40:],
)
def test_a_problem_is_reported_with_its_line(tmp_path: Path, text: Any, message: Any) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)

    with pytest.raises(SpecError, match=rf"bad\.yaml:{message}" if message[0].isdigit() else message):
        RewardSpec.from_yaml(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"none\.yaml:1: The file cannot be read"):
        RewardSpec.from_yaml(tmp_path / "none.yaml")


def test_a_schedule_moves_linearly_and_stays() -> None:
    schedule = Schedule(start=1.0, to=0.0, start_step=10, end_step=20)

    assert [schedule.at(step) for step in (0, 10, 15, 20, 99)] == [1.0, 1.0, 0.5, 0.0, 0.0]


def test_total_equals_trl_sum_on_random_rewards() -> None:
    # TRL: (rewards * weights).nansum(1), NaN where all are NaN
    values = np.random.default_rng(0).normal(size=(50, 2))
    values[::3, 0] = NAN
    values[::6, 1] = NAN
    expected = (torch.tensor(values) * torch.tensor([1.0, 2.0])).nansum(1)
    expected[torch.tensor(values).isnan().all(1)] = torch.nan

    np.testing.assert_allclose(spec().total(values), expected.numpy(), rtol=1e-15)


def test_a_closed_gate_zeroes_the_rest() -> None:
    values = np.array([[1.0, 1.0], [0.0, 1.0], [NAN, 1.0], [0.0, NAN], [NAN, NAN]])
    gated = spec(gates=[{"reward": "form", "at_least": 1.0}])

    np.testing.assert_array_equal(gated.total(values), [3.0, 0.0, 2.0, 0.0, NAN])


def test_a_gate_closes_only_what_it_names() -> None:
    rewards = [*TWO["rewards"], {"reward": "DistinctN"}]
    gated = RewardSpec.model_validate(
        {"rewards": rewards, "gates": [{"reward": "form", "at_least": 1, "closes": ["math_answer"]}]}
    )

    np.testing.assert_array_equal(gated.gated(np.array([[0.0, 1.0, 0.5]])), [[0.0, 0.0, 0.5]])


def test_clipping_comes_before_the_weight() -> None:
    clipped = RewardSpec.model_validate(
        {"rewards": [{"reward": "DistinctN", "clip": [0.2, 0.6], "weight": 10.0}]}
    )

    np.testing.assert_allclose(clipped.total(np.array([[0.1], [0.5], [0.9], [NAN]])), [2.0, 5.0, 6.0, NAN])


def test_a_composite_adds_up_by_step_and_logs_each_mean() -> None:
    logged: dict[str, float] = {}
    reward = CompositeReward(
        RewardSpec.model_validate(
            {
                "rewards": [
                    {"reward": "DistinctN", "args": {"n": 1}},
                    {
                        "reward": "LengthTarget",
                        "args": {"target": 2, "tolerance": 2},
                        "schedule": {"to": 1, "end_step": 10},
                    },
                ]
            }
        )
    )
    call = {
        "completions": ["a", "b"],
        "completion_ids": [[1, 1], [1, 2, 3]],
        "log_metric": logged.__setitem__,
    }

    # distinct-1: 1/2 and 1; length: 0 and -1/2, weight 0 at step 0 and 1 at step 10
    assert reward(**call, trainer_state=SimpleNamespace(global_step=0)) == [0.5, 1.0]
    assert reward(**call, trainer_state=SimpleNamespace(global_step=10)) == [0.5, 0.5]
    assert logged == {"distinct_1": 0.75, "length_target": -0.25}
    assert pickle.loads(pickle.dumps(reward))(**call) == [0.5, 1.0]


def test_a_row_without_any_reward_is_none() -> None:
    reward = CompositeReward(RewardSpec.model_validate({"rewards": [{"reward": "DistinctN"}]}))

    assert reward(completions=["", "x"], completion_ids=[[], [1, 2]]) == [None, 1.0]


def test_a_composite_cannot_normalize_each_reward() -> None:
    with pytest.raises(RlError, match="cannot aggregate by 'normalize_then_sum'"):
        CompositeReward(spec(aggregation="normalize_then_sum"))


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([1.0], "returned 1 values for 2 completions"),
        ([1.0, float("inf")], "returned inf for completion 1. Clip it"),
    ],
)
def test_a_reward_of_the_wrong_kind_is_named(scores: Any, message: Any) -> None:
    with pytest.raises(RewardColumnError, match=message):
        evaluate(lambda **_: scores, ["a", "b"], {})


def test_a_spec_survives_json() -> None:
    again = RewardSpec.model_validate_json(spec().model_dump_json())

    assert json.loads(again.model_dump_json()) == json.loads(spec().model_dump_json())
