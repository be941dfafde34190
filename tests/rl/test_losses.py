"""Losses against worked numbers, against finite differences, and against TRL's own code in float64."""

import math
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from trl.trainer.grpo_trainer import GRPOTrainer

from airskills.rl.losses import (
    TERMS,
    Objective,
    ObjectiveError,
    entropy_bonus,
    kl_k3,
    off_policy_mask,
    policy_loss,
)

VARIANTS: list[dict[str, Any]] = [
    *({"loss_type": name, "max_completion_length": 9} for name in TERMS),
    *({"loss_type": name, "level": "sequence", "max_completion_length": 9} for name in TERMS),
    {"loss_type": "grpo", "delta": 1.1, "epsilon_high": 0.28},
    {"loss_type": "cispo", "epsilon_high": 5.0},
    {"loss_type": "dapo", "beta": 0.1},
    {"loss_type": "grpo", "beta": 0.1, "bias_corrected_kl": False},
    {"loss_type": "luspo", "level": "sequence", "beta": 0.1},
    {"loss_type": "sapo", "sapo_temperature_pos": 2.0, "sapo_temperature_neg": 0.5},
    {"loss_type": "vespo", "vespo_k_pos": 1.0, "vespo_lambda_neg": 3.0},
]


def objective_of(**options: Any) -> Any:
    return Objective(**options)


def batch(*, token_advantages: Any = False, seed: Any = 0) -> Any:
    """Three completions of 5 tokens, one of them short, ratios far enough from 1 to be clipped."""
    rng = torch.Generator().manual_seed(seed)
    logp, old, ref = -torch.rand(3, 3, 5, generator=rng, dtype=torch.float64) * 1.5
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 1, 1, 0, 1]], dtype=torch.float64)
    advantages = torch.randn((3, 5) if token_advantages else 3, generator=rng, dtype=torch.float64)
    return logp.requires_grad_(), old, ref, advantages, mask


def trl_loss(
    objective: Any, logp: Any, old: Any, ref: Any, advantages: Any, mask: Any, token_weights: Any = None
) -> Any:
    """Run TRL's `_compute_loss` on given log-probabilities."""
    trainer: Any = SimpleNamespace(
        _get_per_token_logps_and_entropies=lambda *_a, **_k: (logp, torch.zeros_like(logp), None),
        aux_loss_enabled=False,
        top_entropy_quantile=1.0,
        off_policy_mask_threshold=None,
        importance_sampling_level=objective.level,
        beta=objective.beta,
        loss_type=objective.loss_type,
        epsilon_low=objective.epsilon_low,
        epsilon_high=objective.epsilon_high,
        use_vllm=token_weights is not None,
        vllm_importance_sampling_correction=True,
        max_completion_length=objective.max_completion_length,
        current_gradient_accumulation_steps=1,
        _entropy_bonus_enabled=False,
        get_gamma_weights=GRPOTrainer.get_gamma_weights,
        model=SimpleNamespace(training=True),
        _metrics={"train": defaultdict(list)},
        accelerator=SimpleNamespace(num_processes=1, gather=lambda x: x, reduce=lambda x, **_: x),
        args=SimpleNamespace(
            use_bias_correction_kl=objective.bias_corrected_kl,
            delta=objective.delta,
            steps_per_generation=1,
            sapo_temperature_pos=objective.sapo_temperature_pos,
            sapo_temperature_neg=objective.sapo_temperature_neg,
            vespo_k_pos=objective.vespo_k_pos,
            vespo_lambda_pos=objective.vespo_lambda_pos,
            vespo_k_neg=objective.vespo_k_neg,
            vespo_lambda_neg=objective.vespo_lambda_neg,
        ),
    )
    inputs = {
        "prompt_ids": torch.zeros(3, 1, dtype=torch.long),
        "prompt_mask": torch.ones(3, 1),
        "completion_ids": torch.zeros(3, 5, dtype=torch.long),
        "completion_mask": mask,
        "advantages": advantages,
        "num_items_in_batch": mask.sum(),
        "ref_per_token_logps": ref,
    }
    if old is not None:
        inputs["old_per_token_logps"] = old
    if token_weights is not None:
        inputs["importance_sampling_ratio"] = token_weights
    compute: Any = GRPOTrainer._compute_loss
    return compute(trainer, None, inputs)


@pytest.mark.parametrize("token_advantages", [False, True])
@pytest.mark.parametrize("on_policy", [False, True])
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: "-".join(str(x) for x in v.values()))
def test_loss_and_gradient_equal_trl_in_float64(variant: Any, on_policy: Any, token_advantages: Any) -> None:
    objective = Objective(**variant)
    logp, old, ref, advantages, mask = batch(token_advantages=token_advantages)
    old = None if on_policy else old
    ours = policy_loss(objective, logp, advantages, mask, old_logp=old, ref_logp=ref)
    theirs = trl_loss(objective, logp, old, ref, advantages, mask)

    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(
        torch.autograd.grad(ours, logp)[0], torch.autograd.grad(theirs, logp)[0], rtol=1e-12, atol=1e-14
    )


def test_token_weights_act_where_trl_puts_the_ratio_of_the_sampler() -> None:
    objective = Objective(loss_type="grpo", beta=0.1)
    logp, old, ref, advantages, mask = batch()
    weights = torch.tensor([[0.5], [0.0], [2.0]], dtype=torch.float64)
    ours = policy_loss(objective, logp, advantages, mask, old_logp=old, ref_logp=ref, token_weights=weights)

    torch.testing.assert_close(
        ours, trl_loss(objective, logp, old, ref, advantages, mask, weights), rtol=1e-12, atol=0
    )


# The weights of VESPO depend on logp and carry no gradient by definition: differences would see them.
@pytest.mark.parametrize(
    "variant",
    [variant for variant in VARIANTS if variant["loss_type"] != "vespo"],
    ids=lambda v: "-".join(str(x) for x in v.values()),
)
def test_gradient_equals_finite_differences(variant: Any) -> None:
    objective = Objective(**variant)
    logp, old, ref, advantages, mask = batch(seed=3)
    if objective.loss_type == "cispo":
        old = old - 60.0  # the ratio is clipped everywhere, so its weight is a constant

    assert torch.autograd.gradcheck(
        lambda x: policy_loss(objective, x, advantages, mask, old_logp=old, ref_logp=ref), (logp,)
    )


def single(objective: Any, ratio: Any, advantage: Any) -> Any:
    """Loss and slope of one token whose ratio is given."""
    logp = torch.tensor([[math.log(ratio)]], dtype=torch.float64, requires_grad=True)
    zero = torch.zeros(1, 1, dtype=torch.float64)
    loss = policy_loss(objective, logp, torch.tensor([advantage]).double(), torch.ones(1, 1), old_logp=zero)
    return loss.item(), torch.autograd.grad(loss, logp)[0].item()


@pytest.mark.parametrize(
    ("objective", "ratio", "advantage", "loss", "slope"),
    [
        (Objective(loss_type="grpo"), 1.1, 2.0, -2.2, -2.2),  # inside: -ratio A
        (Objective(loss_type="grpo"), 1.5, 2.0, -2.4, 0.0),  # above 1.2: clipped, no gradient
        (Objective(loss_type="grpo"), 1.5, -2.0, 3.0, 3.0),  # bad and more likely: not clipped
        (Objective(loss_type="grpo"), 0.5, -2.0, 1.6, 0.0),  # bad and below 0.8: clipped
        (Objective(loss_type="grpo", delta=1.4), 1.5, -2.0, 2.8, 0.0),  # delta bounds what clip leaves
        (Objective(loss_type="cispo", epsilon_high=5.0), 2.0, 1.0, -2 * math.log(2), -2.0),  # -sg[2] log 2
        (Objective(loss_type="cispo", epsilon_high=1.5), 2.0, 1.0, -1.5 * math.log(2), -1.5),
        (Objective(loss_type="sapo"), 1.0, 1.0, -2.0, -1.0),  # sigmoid(0) * 4
        (Objective(loss_type="vespo"), 1.0, 3.0, 0.0, -3.0),  # phi(1) = 1
        (
            Objective(loss_type="vespo"),
            2.0,
            1.0,
            -4 * math.exp(-3) * math.log(2),
            -4 * math.exp(-3),
        ),  # e^3 2^2 e^-6
    ],
)
def test_one_token_by_hand(objective: Any, ratio: Any, advantage: Any, loss: Any, slope: Any) -> None:
    assert single(objective, ratio, advantage) == pytest.approx((loss, slope), abs=1e-12)


@pytest.mark.parametrize(
    ("objective", "expected"),
    [
        # on-policy terms are -A: rows -1 (2 tokens) and -4 (1 token of 2)
        (Objective(loss_type="grpo"), (-1 - 4) / 2),
        (Objective(loss_type="bnpo"), (-1 - 1 - 4) / 3),
        (Objective(loss_type="dapo"), (-1 - 1 - 4) / 6),  # normalizer 6
        (Objective(loss_type="dr_grpo", max_completion_length=10), (-1 - 1 - 4) / 20),
        (Objective(loss_type="luspo"), (-2 - 4) / 2),
    ],
)
def test_aggregation_by_hand(objective: Any, expected: Any) -> None:
    logp, mask = torch.zeros(2, 2), torch.tensor([[1, 1], [1, 0]])

    loss = policy_loss(objective, logp, torch.tensor([1.0, 4.0]), mask, normalizer=6)

    assert loss.item() == pytest.approx(expected)


@pytest.mark.parametrize("name", TERMS)
def test_a_masked_token_changes_nothing(name: Any) -> None:
    objective = objective_of(loss_type=name, max_completion_length=5)
    logp, old, _, advantages, mask = batch()
    changed = torch.where(mask.bool(), logp, -30.0)

    assert policy_loss(objective, changed, advantages, mask, old_logp=old).item() == pytest.approx(
        policy_loss(objective, logp, advantages, mask, old_logp=old).item(), rel=1e-12
    )


def test_k3_by_hand() -> None:
    # d = log 2: 2 - log 2 - 1
    assert kl_k3(torch.tensor([0.0]), torch.tensor([math.log(2)])).item() == pytest.approx(1 - math.log(2))
    assert kl_k3(torch.tensor([-1.0]), torch.tensor([-1.0])).item() == 0.0


def test_off_policy_mask_equals_trl() -> None:
    logp, old, _, advantages, mask = batch()
    old = old.clone()
    old[0, 0] = torch.nan
    theirs = GRPOTrainer.get_off_policy_mask(advantages.unsqueeze(1), logp, old, mask, 0.05)

    assert torch.equal(off_policy_mask(advantages, logp, old, mask, threshold=0.05), theirs)
    assert theirs.flatten().tolist().count(0.0) > 0


def test_entropy_bonus_is_the_mean_of_active_tokens() -> None:
    assert entropy_bonus(torch.tensor([[1.0, 3.0, 9.0]]), torch.tensor([[1.0, 1.0, 0.0]])).item() == 2.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: objective_of(loss_type="foo"), r"No loss_type is called 'foo'\. Choose from grpo, bnpo"),
        (lambda: objective_of(level="word"), "level is 'word'; it must be token or sequence"),
        (lambda: Objective(loss_type="dr_grpo"), "dr_grpo divides by max_completion_length; none is given"),
        (
            lambda: policy_loss(Objective(beta=0.1), torch.zeros(1, 1), torch.zeros(1), torch.ones(1, 1)),
            r"beta is 0\.1 and needs ref_logp; none is given",
        ),
        (lambda: policy_loss(Objective(), torch.zeros(2, 3), torch.zeros(3), torch.ones(2, 3)), "advantages"),
        (
            lambda: policy_loss(Objective(), torch.zeros(2, 3), torch.zeros(2), torch.ones(2, 2)),
            "logp and mask must",
        ),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_an_objective_that_is_not_defined_is_refused(make: Any, message: Any) -> None:
    with pytest.raises(ObjectiveError, match=message):
        make()
