import math

import pytest
import torch

from airskills.grokking import signals


def test_accuracy_counts_the_marked_rows_only() -> None:
    logits = torch.tensor([[[2.0, 1.0], [0.0, 1.0], [0.0, 1.0]]])
    targets = torch.tensor([[0, 1, 0]])

    assert signals.accuracy(logits, targets).tolist() == [pytest.approx(2 / 3)]
    assert signals.accuracy(logits, targets, torch.tensor([[False, True, True]])).tolist() == [0.5]


def test_an_accuracy_of_nineteen_in_twenty_reaches_its_threshold() -> None:
    logits = torch.zeros(1, 20, 2)
    logits[0, :19, 0] = 1
    logits[0, 19, 1] = 1

    assert float(signals.accuracy(logits, torch.zeros(1, 20, dtype=torch.int64))) >= 0.95


def test_norms_and_cosine_by_hand() -> None:
    params = {"hidden.weight": torch.tensor([[[3.0, 4.0]]]), "head.weight": torch.tensor([[[12.0]]])}
    grads = {"hidden.weight": torch.tensor([[[0.0, 0.0]]]), "head.weight": torch.tensor([[[2.0]]])}

    assert signals.norm(params).tolist() == [13.0]
    assert signals.last_layer_norm(params).tolist() == [12.0]
    assert signals.gradient_weight_cosine(params, grads).tolist() == [pytest.approx(12 / 13)]


def test_effective_rank_of_identity_and_of_an_outer_product() -> None:
    outer = torch.ones(4, 4)

    ranks = signals.effective_rank(torch.stack([torch.eye(4), outer]))

    assert ranks.tolist() == pytest.approx([4.0, 1.0], abs=1e-4)


def test_activation_entropy_of_a_dead_and_of_an_evenly_spread_unit() -> None:
    spread = torch.arange(16.0).view(1, 16, 1)

    assert signals.activation_entropy(torch.zeros(1, 16, 1)).tolist() == [0.0]
    assert signals.activation_entropy(spread).tolist() == pytest.approx([math.log(16)])


def test_fourier_gini_of_one_wave_and_of_flat_power() -> None:
    # 8 tokens have frequencies 1..4; one of four carries all: Gini = 3/4. An impulse carries all alike: 0.
    wave = torch.cos(2 * math.pi * torch.arange(8.0) / 8).view(1, 8, 1)
    impulse = torch.eye(8)[:1].view(1, 8, 1)

    assert signals.fourier_gini(wave).tolist() == pytest.approx([0.75], abs=1e-4)
    assert signals.fourier_gini(impulse).tolist() == pytest.approx([0.0], abs=1e-4)


def test_macro_precision_recall_and_f1_by_hand() -> None:
    # targets 0 0 1, made 0 1 1. Class 0: p 1, r 1/2, F1 2/3; class 1: p 1/2, r 1, F1 2/3; class 2 never occurs.
    logits = torch.nn.functional.one_hot(torch.tensor([[0, 1, 1]]), 3).float()

    precision, recall, f1 = signals.macro(logits, torch.tensor([[0, 0, 1]]))

    assert [float(v) for v in (precision, recall, f1)] == pytest.approx([0.75, 0.75, 2 / 3])


def test_logit_scale_is_the_gap_between_largest_and_mean() -> None:
    assert signals.logit_scale(torch.tensor([[[3.0, 0.0, 0.0], [0.0, 0.0, 0.0]]])).tolist() == [1.0]
