import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from trl.trainer.utils import nanstd

from airskills.rl.advantages import (
    NotFiniteError,
    ShapeError,
    gae,
    gdpo,
    group_relative,
    leave_one_out,
)

NAN = float("nan")
TRL_ROUNDS: dict[str, Any] = {
    "rtol": 1e-7,
    "atol": 1e-9,
}  # its Bessel factor is a quotient of integers, hence float32


def trl_advantages(rewards: Any, size: Any, scale: Any) -> Any:
    """What TRL 1.16 does in `_generate_and_score_completions`, with its own nanstd."""
    mean = torch.nanmean(rewards.view(-1, size), dim=1).repeat_interleave(size)
    std = (
        nanstd(rewards).expand_as(rewards)
        if scale == "batch"
        else nanstd(rewards.view(-1, size), dim=1).repeat_interleave(size)
    )
    advantages = rewards - mean
    return torch.nan_to_num(advantages if scale == "none" else advantages / (std + 1e-4), nan=0.0)


def trl_gdpo(rewards: Any, weights: Any, size: Any) -> Any:
    grouped = rewards.view(-1, size, rewards.shape[1])
    normal = (grouped - torch.nanmean(grouped, dim=1, keepdim=True)) / (
        nanstd(grouped, dim=1, keepdim=True) + 1e-4
    )
    total = (normal.view(-1, rewards.shape[1]) * weights).nansum(dim=1)
    total[rewards.isnan().all(1)] = torch.nan
    return torch.nan_to_num((total - torch.nanmean(total)) / (nanstd(total) + 1e-4), nan=0.0)


def some_rewards() -> Any:
    rewards = torch.randn(24, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    rewards[::5, 0] = NAN
    rewards[7] = NAN
    rewards[8:11] = NAN  # group 2 keeps one reward
    rewards[12:16] = 1.0  # group 3 has no spread
    return rewards


@pytest.mark.parametrize("scale", ["group", "batch", "none"])
def test_group_relative_equals_trl(scale: Any) -> None:
    rewards = some_rewards()[:, 0]

    torch.testing.assert_close(
        group_relative(rewards, 4, scale=scale), trl_advantages(rewards, 4, scale), **TRL_ROUNDS
    )


def test_gdpo_equals_trl() -> None:
    weights = torch.tensor([1.0, 0.5, 2.0], dtype=torch.float64)

    torch.testing.assert_close(
        gdpo(some_rewards(), weights, 4), trl_gdpo(some_rewards(), weights, 4), **TRL_ROUNDS
    )


def test_group_relative_by_hand() -> None:
    # group 1, 0: mean 1/2, sample deviation sqrt(1/2); group 2, 2: no spread
    expected = 0.5 / (math.sqrt(0.5) + 1e-4)

    got = group_relative(torch.tensor([1.0, 0.0, 2.0, 2.0]), 2)

    assert got.tolist() == pytest.approx([expected, -expected, 0.0, 0.0])


def test_leave_one_out_by_hand() -> None:
    # 3 - mean(1, 2); 1 - mean(3, 2); 2 - mean(3, 1); the NaN does not count; a single reward has no others
    got = leave_one_out(torch.tensor([3.0, 1.0, 2.0, NAN, 5.0, NAN, NAN, NAN]), 4)

    assert got.tolist() == pytest.approx([1.5, -1.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])


def test_gae_by_hand() -> None:
    # gamma 1/2, lambda 1/2. Row 0: d2 = 1-3 = -2; d1 = 0+1.5-2 = -0.5; A1 = -0.5-0.5 = -1; d0 = 1+1-1 = 1; A0 = 0.75
    # Row 1, middle masked: A2 = -2; at 0: d = 1 + 0.5*3 - 1 = 1.5; A0 = 1.5 - 0.5 = 1
    rewards = torch.tensor([[1.0, 0.0, 1.0], [1.0, NAN, 1.0]])
    values = torch.tensor([[1.0, 2.0, 3.0], [1.0, NAN, 3.0]])
    mask = torch.tensor([[1, 1, 1], [1, 0, 1]])

    advantages, returns = gae(rewards, values, mask, gamma=0.5, lam=0.5)

    assert advantages.tolist() == [[0.75, -1.0, -2.0], [1.0, 0.0, -2.0]]
    assert returns.tolist() == [[1.75, 1.0, 1.0], [2.0, 0.0, 1.0]]


def test_gae_follows_verl_on_masks_of_several_turns() -> None:
    # verl carries value and advantage over masked tokens: v' = v m + (1-m) v', A' = a m + (1-m) A'
    rng = torch.Generator().manual_seed(1)
    rewards, values = torch.randn(2, 5, 30, generator=rng, dtype=torch.float64)
    mask = (torch.rand(5, 30, generator=rng) < 0.7).double()
    after, carried = torch.zeros(5, dtype=torch.float64), torch.zeros(5, dtype=torch.float64)
    expected = torch.zeros(5, 30, dtype=torch.float64)
    for t in reversed(range(30)):
        step = rewards[:, t] + 0.99 * after - values[:, t] + 0.99 * 0.9 * carried
        after = values[:, t] * mask[:, t] + (1 - mask[:, t]) * after
        carried = step * mask[:, t] + (1 - mask[:, t]) * carried
        expected[:, t] = carried * mask[:, t]

    torch.testing.assert_close(
        gae(rewards, values, mask, gamma=0.99, lam=0.9)[0], expected, rtol=1e-12, atol=1e-12
    )


def test_gae_takes_half_precision_and_gives_it_back() -> None:
    ones = torch.ones(1, 2, dtype=torch.bfloat16)

    advantages, _ = gae(ones, ones, ones, gamma=1.0, lam=1.0)

    assert advantages.dtype == torch.bfloat16
    assert advantages.tolist() == [[1.0, 0.0]]


@given(
    rewards=st.lists(st.floats(-10, 10), min_size=8, max_size=8),
    shift=st.floats(-10, 10),
    scale=st.sampled_from(["group", "batch", "none"]),
)
def test_group_advantages_sum_to_zero_and_ignore_a_shift(rewards: Any, shift: Any, scale: Any) -> None:
    given_rewards = torch.tensor(np.round(rewards, 2), dtype=torch.float64)
    got = group_relative(given_rewards, 4, scale=scale)

    assert got.view(2, 4).sum(1).tolist() == pytest.approx([0.0, 0.0], abs=1e-8)
    torch.testing.assert_close(
        group_relative(given_rewards + round(shift, 2), 4, scale=scale), got, atol=1e-6, rtol=1e-6
    )


@pytest.mark.parametrize(
    "call",
    [
        lambda: group_relative(torch.zeros(3), 2),
        lambda: group_relative(torch.zeros(2, 2), 2),
        lambda: leave_one_out(torch.zeros(4), 0),
        lambda: gdpo(torch.zeros(4), torch.zeros(1), 2),
        lambda: gdpo(torch.zeros(4, 2), torch.zeros(3), 2),
        lambda: gae(torch.zeros(2, 3), torch.zeros(2, 3), torch.zeros(2, 2)),
    ],
    ids=["odd", "matrix", "zero", "vector", "weights", "mask"],
)
def test_shapes_that_do_not_fit_are_refused(call: Any) -> None:
    with pytest.raises(ShapeError, match="must"):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: group_relative(torch.tensor([0.0, torch.inf]), 2), r"rewards\[1\] is inf. Clip it"),
        (lambda: leave_one_out(torch.tensor([-torch.inf, 0.0]), 2), r"rewards\[0\] is -inf"),
        (lambda: gdpo(torch.tensor([[0.0], [torch.inf]]), torch.ones(1), 2), r"rewards\[1\] is inf"),
        (lambda: gae(torch.tensor([[0.0, torch.nan]]), torch.zeros(1, 2), torch.ones(1, 2)), "Row 0 has"),
        (lambda: gae(torch.zeros(1, 2), torch.tensor([[torch.inf, 0.0]]), torch.ones(1, 2)), "Row 0 has"),
    ],
    ids=["group", "others", "gdpo", "reward", "value"],
)
def test_numbers_that_are_not_finite_are_refused(call: Any, message: Any) -> None:
    with pytest.raises(NotFiniteError, match=message):
        call()


def test_gae_reads_nothing_under_masked_positions() -> None:
    nan = torch.tensor([[torch.nan, 1.0]])
    advantages, returns = gae(nan, nan * 0, torch.tensor([[0, 1]]))

    assert advantages.tolist() == returns.tolist() == [[0.0, 1.0]]


def test_an_empty_batch_has_no_advantages() -> None:
    assert group_relative(torch.zeros(0), 2).shape == (0,)
    assert gae(torch.zeros(0, 3), torch.zeros(0, 3), torch.zeros(0, 3))[0].shape == (0, 3)
