import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from airskills.grokking.losses import per_run, stable_weights, zero_loss_share


def test_stablemax_by_hand() -> None:
    # s(1) = 2, s(0) = 1, s(-1) = 1/2: shares 4/7, 2/7, 1/7
    logits = torch.tensor([[[1.0, 0.0, -1.0]] * 3])
    shares = [math.exp(-float(per_run(logits[:, :1], torch.tensor([[i]]), "stablemax"))) for i in range(3)]

    assert shares == pytest.approx([4 / 7, 2 / 7, 1 / 7])
    assert shares != pytest.approx(logits[0, 0].softmax(0).tolist(), abs=0.05)


@pytest.mark.parametrize(("x", "slope"), [(2.0, 1.0), (1.0, 1.0), (0.0, 1.0), (-1.0, 0.25), (-3.0, 1 / 16)])
def test_the_slope_of_stablemax_is_one_above_zero_and_s_squared_below(x: Any, slope: Any) -> None:
    logit = torch.tensor(x, requires_grad=True)

    assert torch.autograd.grad(stable_weights(logit), logit)[0] == slope


def test_stablemax_keeps_a_gradient_where_softmax_has_none() -> None:
    logits = torch.tensor([[[200.0, 0.0]]], requires_grad=True)
    target = torch.tensor([[0]])
    (soft,) = torch.autograd.grad(per_run(logits, target, "cross_entropy").sum(), logits)
    (stable,) = torch.autograd.grad(per_run(logits, target, "stablemax").sum(), logits)

    assert float(soft.abs().max()) == 0.0
    # -log(s / (s + 1)) with s = 201: derivative -1 / (201 * 202)
    assert float(stable[0, 0, 0]) == pytest.approx(-1 / (201 * 202), rel=1e-5)


def test_stablemax_has_a_finite_gradient_at_one() -> None:
    logits = torch.tensor([[[1.0, 1.0]]], requires_grad=True)
    (grad,) = torch.autograd.grad(per_run(logits, torch.tensor([[0]]), "stablemax").sum(), logits)

    assert torch.isfinite(grad).all()


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=6))
def test_stablemax_is_a_distribution_in_the_order_of_the_logits(logits: Any) -> None:
    weights = stable_weights(torch.tensor(sorted(logits), dtype=torch.float64))

    assert bool((weights > 0).all())
    assert bool((weights.diff() >= 0).all())


def test_mse_is_against_one_hot_targets_and_a_mean_over_classes() -> None:
    # logits (1, 3), target 0: ((1 - 1)^2 + 3^2) / 2 = 4.5
    assert per_run(torch.tensor([[[1.0, 3.0]]]), torch.tensor([[0]]), "mse").tolist() == [4.5]


def test_cross_entropy_equals_torch_for_each_run() -> None:
    logits, targets = torch.randn(3, 4, 5), torch.randint(0, 5, (3, 4))
    expected = torch.stack([functional.cross_entropy(x, y) for x, y in zip(logits, targets, strict=True)])

    assert torch.allclose(per_run(logits, targets, "cross_entropy"), expected)


def test_zero_loss_share_counts_rows_whose_float32_loss_is_exactly_zero() -> None:
    # e^-20 is below half a unit in the last place of 1 (2^-25 = 3e-8), e^-10 is not
    logits = torch.tensor([[[20.0, 0.0], [10.0, 0.0]]])

    assert math.exp(-20) < 2**-25 < math.exp(-10)
    assert zero_loss_share(logits, torch.zeros(1, 2, dtype=torch.int64)).tolist() == [0.5]
