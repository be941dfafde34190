from typing import Any

import pytest
import torch

from airskills.rl import linear
from airskills.rl.fused import linear_policy_loss
from airskills.rl.linear import Head, HeadError, Slopes, token_logps
from airskills.rl.losses import TERMS, Objective
from rl_cases import full

RNG = torch.Generator().manual_seed(0)
B, T, H, V = 3, 11, 8, 37


def objective_of(**options: Any) -> Any:
    return Objective(**options)


def case(dtype: Any = torch.float64, *, bias: Any = True) -> Any:
    hidden = torch.randn(B, T, H, generator=RNG, dtype=dtype)
    weight = torch.randn(V, H, generator=RNG, dtype=dtype) * 0.5
    targets = torch.randint(0, V, (B, T), generator=RNG)
    mask = torch.ones(B, T)
    mask[1, 4:] = 0
    mask[2, 2:5] = 0
    return {
        "hidden": hidden.requires_grad_(),
        "weight": weight.requires_grad_(),
        "bias": torch.randn(V, generator=RNG, dtype=dtype).requires_grad_() if bias else None,
        "targets": targets,
        "advantages": torch.randn(B, generator=RNG, dtype=dtype),
        "mask": mask,
        "old": -torch.rand(B, T, generator=RNG, dtype=dtype) * 4,
        "ref": -torch.rand(B, T, generator=RNG, dtype=dtype) * 4,
    }


@pytest.mark.parametrize("entropy_coef", [0.0, 0.3])
@pytest.mark.parametrize(
    ("objective", "off_policy"),
    [
        *(
            (objective_of(loss_type=name, max_completion_length=T), off)
            for name in TERMS
            for off in (False, True)
        ),
        (Objective(loss_type="grpo", level="sequence"), False),
        (Objective(loss_type="dapo", beta=0.1), False),
        (Objective(loss_type="dapo", beta=0.1, delta=1.1), True),
    ],
    ids=str,
)
def test_fused_loss_and_gradients_equal_full_logits(
    objective: Any, off_policy: Any, entropy_coef: Any
) -> None:
    c = case()
    extra = {"old_logp": c["old"] if off_policy else None, "ref_logp": c["ref"] if objective.beta else None}
    head = Head(c["weight"], c["bias"], 0.7)
    fused = linear_policy_loss(
        objective,
        c["hidden"],
        head,
        c["targets"],
        c["advantages"],
        c["mask"],
        entropy_coef=entropy_coef,
        rows=5,
        **extra,
    )
    loss, logp, entropy = full(objective, c, 0.7, entropy_coef, **extra)
    parameters = (c["hidden"], c["weight"], c["bias"])

    torch.testing.assert_close(fused.loss, loss, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(fused.logp, logp, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(fused.entropy, entropy, rtol=1e-12, atol=1e-12)
    for got, expected in zip(
        torch.autograd.grad(3 * fused.loss, parameters),
        torch.autograd.grad(3 * loss, parameters),
        strict=True,
    ):
        torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("off_policy", [False, True])
def test_single_precision_gradient_is_within_a_millionth(off_policy: Any) -> None:
    c = case(torch.float32, bias=False)
    extra = {"old_logp": c["old"]} if off_policy else {}
    fused = linear_policy_loss(
        Objective(), c["hidden"], Head(c["weight"]), c["targets"], c["advantages"], c["mask"], **extra
    )
    loss, _, _ = full(Objective(), c, 1.0, 0.0, **extra)
    parameters = (c["hidden"], c["weight"])

    for got, expected in zip(
        torch.autograd.grad(fused.loss, parameters), torch.autograd.grad(loss, parameters), strict=True
    ):
        assert ((got - expected).norm() / expected.norm()).item() < 1e-6


def test_token_logps_pass_gradcheck() -> None:
    c = case()
    targets = c["targets"].flatten()[:6]
    hidden = c["hidden"].detach().reshape(-1, H)[:6].requires_grad_()

    assert torch.autograd.gradcheck(
        lambda h, w, b: token_logps(h, Head(w, b, 1.3), targets, rows=4), (hidden, c["weight"], c["bias"])
    )


def test_half_precision_weights_get_half_precision_gradients() -> None:
    c = case(torch.float32, bias=False)
    hidden = c["hidden"].detach().bfloat16().requires_grad_()
    weight = c["weight"].detach().bfloat16().requires_grad_()
    fused = linear_policy_loss(
        Objective(), hidden, Head(weight), c["targets"], c["advantages"], c["mask"], rows=4
    )
    exact, _, _ = full(Objective(), {**c, "hidden": hidden.float(), "weight": weight.float()}, 1.0, 0.0)
    got, expected = torch.autograd.grad(fused.loss, weight)[0], torch.autograd.grad(exact, weight)[0]

    assert got.dtype == torch.bfloat16
    assert ((got - expected).float().norm() / expected.float().norm()).item() < 0.02


def test_nothing_to_score_gives_zero_with_a_gradient() -> None:
    c = case()
    fused = linear_policy_loss(
        Objective(), c["hidden"], Head(c["weight"]), c["targets"], c["advantages"], torch.zeros(B, T)
    )
    torch.autograd.backward(fused.loss)

    assert fused.loss.item() == 0.0
    assert c["weight"].grad is not None
    assert not c["weight"].grad.any()


@pytest.fixture
def computed_again(monkeypatch: pytest.MonkeyPatch) -> Any:
    """How often the backward pass computed the logits a second time."""
    calls, again = [], linear._again

    def count(*arguments: Any) -> Any:
        calls.append(arguments)
        return again(*arguments)

    monkeypatch.setattr(linear, "_again", count)
    return calls


@pytest.mark.parametrize("entropy_coef", [0.0, 0.3])
def test_on_policy_the_logits_are_computed_once(computed_again: Any, entropy_coef: Any) -> None:
    c = case()
    fused = linear_policy_loss(
        Objective(),
        c["hidden"],
        Head(c["weight"]),
        c["targets"],
        c["advantages"],
        c["mask"],
        entropy_coef=entropy_coef,
    )
    torch.autograd.backward(65536 * fused.loss)

    assert not computed_again


def test_a_second_backward_pass_gives_the_same_gradient(computed_again: Any) -> None:
    c = case()
    fused = linear_policy_loss(
        Objective(), c["hidden"], Head(c["weight"]), c["targets"], c["advantages"], c["mask"]
    )
    first = torch.autograd.grad(fused.loss, c["hidden"], retain_graph=True)[0].clone()
    second = torch.autograd.grad(fused.loss, c["hidden"])[0]

    torch.testing.assert_close(first, second)
    assert len(computed_again) == 1


@pytest.mark.parametrize(
    "change", [{"logp": 1.001}, {"entropy": -1.0}, {"logp": 0.0, "entropy": 0.0}], ids=str
)
def test_a_wrong_expectation_changes_no_gradient(change: Any, computed_again: Any) -> None:
    c = case()
    targets, hidden = c["targets"].flatten(), c["hidden"].detach().reshape(-1, H).requires_grad_()
    right = Slopes(*torch.randn(2, len(targets), generator=RNG, dtype=torch.float64))
    wrong = Slopes(right.logp.clone(), right.entropy.clone())
    for name, factor in change.items():
        getattr(wrong, name)[: 1 if factor else None] *= factor
    gradients = [
        torch.autograd.grad(
            token_logps(hidden, Head(c["weight"]), targets, expected=expected),
            (hidden, c["weight"]),
            right,
        )
        for expected in (None, right, wrong)
    ]

    for name in (0, 1):
        torch.testing.assert_close(gradients[1][name], gradients[0][name])
        torch.testing.assert_close(gradients[2][name], gradients[0][name])
    assert len(computed_again) == 2  # without expectation, and with the wrong one


def test_frozen_weights_get_no_gradient() -> None:
    c = case()
    fused = linear_policy_loss(
        Objective(), c["hidden"], Head(c["weight"].detach()), c["targets"], c["advantages"], c["mask"]
    )
    torch.autograd.backward(fused.loss)

    assert c["hidden"].grad is not None


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (torch.tensor([0, V]), f"targets lie in 0 to {V}; they must be 0 to {V - 1}"),
        (torch.tensor([0]), "must be"),
    ],
)
def test_targets_that_do_not_fit_are_refused(targets: Any, message: Any) -> None:
    with pytest.raises(HeadError, match=message):
        token_logps(torch.zeros(2, H), Head(torch.zeros(V, H)), targets)
