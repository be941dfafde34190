import math
from typing import Any

import pytest
import torch

from airskills.grokking.config import Method, Surge
from airskills.grokking.draws import Draw
from airskills.grokking.models import TokenMLP
from airskills.grokking.optim import gradients, rules, surge
from airskills.grokking.optim.group import Group, rate
from airskills.grokking.optim.layout import Layout, flatten

NETWORK = TokenMLP(vocabulary=5, slots=2, classes=5, embedding=4, width=6)
LAYOUT = Layout.of(NETWORK.init(torch.Generator()))
VECTOR = Layout(("head.weight",), ((1, 2),))


def column(*values: Any) -> Any:
    return torch.tensor(values).unsqueeze(1)


def draws(step: Any, *seeds: Any) -> Any:
    return Draw(seeds, step, torch.device("cpu"))


def random_problem(seed: Any, steps: Any) -> Any:
    generator = torch.Generator().manual_seed(seed)
    param = flatten([NETWORK.init(generator)])
    return param, [torch.randn(param.shape, generator=generator) for _ in range(steps)]


def run(method: Any, param: Any, grads: Any) -> Any:
    param = param.clone()
    group = Group.of([method], LAYOUT, param.device)
    for step, grad in enumerate(grads, 1):
        group.step(param, grad.clone(), step, len(grads), draws(step, 0), None)
    return param


@pytest.mark.parametrize(("lr", "decay", "beta2"), [(1e-3, 0.0, 0.999), (0.03, 1.0, 0.98)])
def test_adamw_equals_torch(lr: Any, decay: Any, beta2: Any) -> None:
    start, grads = random_problem(0, 20)
    reference = torch.nn.Parameter(start.clone())
    optimizer = torch.optim.AdamW([reference], lr=lr, weight_decay=decay, betas=(0.9, beta2))
    for grad in grads:
        reference.grad = grad.clone()
        optimizer.step()
    ours = run(Method(lr=lr, weight_decay=decay, beta2=beta2, warmup=0), start, grads)

    assert torch.allclose(ours, reference.detach(), rtol=1e-4, atol=1e-6)


def test_adamw_runs_with_their_own_hyperparameters_equal_two_torch_optimizers() -> None:
    start, grads = random_problem(1, 10)
    settings = [Method(lr=1e-3, weight_decay=0.1, beta1=0.8, warmup=0), Method(lr=0.05, beta2=0.9, warmup=0)]
    both = start.repeat(2, 1)
    group = Group.of(settings, LAYOUT, both.device)
    for step, grad in enumerate(grads, 1):
        group.step(both, grad.repeat(2, 1), step, 10, draws(step, 0, 0), None)
    for row, method in zip(both, settings, strict=True):
        assert torch.allclose(row, run(method, start, grads)[0], atol=1e-7)


def test_sgd_equals_torch_with_momentum() -> None:
    start, grads = random_problem(2, 10)
    reference = torch.nn.Parameter(start.clone())
    optimizer = torch.optim.SGD([reference], lr=0.1, momentum=0.9)
    for grad in grads:
        reference.grad = grad.clone()
        optimizer.step()

    ours = run(Method(optimizer="sgd", lr=0.1, momentum=0.9, warmup=0), start, grads)

    assert torch.allclose(ours, reference.detach(), atol=1e-5)


def test_sgd_decay_is_decoupled_by_hand() -> None:
    # w 2 -> 2 * (1 - .1 * .5) - .1 * 3 = 1.9 - .3 = 1.6
    param, buffer = torch.tensor([[2.0]]), torch.zeros(1, 1)
    rules.sgd(param, torch.tensor([[3.0]]), buffer, lr=column(0.1), decay=column(0.5), momentum=column(0.9))

    assert param.tolist() == [[pytest.approx(1.6)]]


@pytest.mark.parametrize("shape", [(4, 6), (6, 4), (5, 5)])
def test_muon_equals_torch_up_to_bfloat16(shape: Any) -> None:
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(shape, generator=generator)
    reference = torch.nn.Parameter(start.clone())
    optimizer: Any = torch.optim.Muon(
        [reference], lr=0.1, weight_decay=0.1, momentum=0.95, adjust_lr_fn="match_rms_adamw"
    )
    ours, buffer = start.reshape(1, -1).clone(), torch.zeros(1, start.numel())
    for _ in range(3):
        grad = torch.randn(shape, generator=generator)
        reference.grad = grad.clone()
        optimizer.step()
        knobs = {"lr": column(0.1), "decay": column(0.1), "momentum": column(0.95)}
        rules.muon(ours, grad.reshape(1, -1), buffer, shape=shape, **knobs)

    assert torch.allclose(ours.view(shape), reference.detach(), atol=0.01)
    assert not torch.allclose(ours.view(shape), start, atol=0.05)


def test_newton_schulz_brings_singular_values_near_one() -> None:
    x = torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(rules.orthogonalize(x))

    assert bool(((values > 0.5) & (values < 1.5)).all())


def test_muon_leaves_embedding_and_head_to_adamw() -> None:
    start, grads = random_problem(3, 3)
    muon = LAYOUT.views(run(Method(optimizer="muon", lr=0.01), start, grads))
    adam = LAYOUT.views(run(Method(lr=0.01), start, grads))

    assert LAYOUT.hidden() == ["hidden.weight"]
    assert [name for name in LAYOUT.names if not torch.equal(muon[name], adam[name])] == ["hidden.weight"]


def test_grokfast_ema_starts_at_the_first_gradient_by_hand() -> None:
    # alpha .5, lamb 2: h1 = 4, out 4 + 8 = 12; then g 2: h2 = .5 * 4 + .5 * 2 = 3, out 2 + 6 = 8
    alpha, lamb = column(0.5), column(2.0)
    first, average = gradients.grokfast_ema(torch.tensor([[4.0]]), None, alpha=alpha, lamb=lamb)
    second, _ = gradients.grokfast_ema(torch.tensor([[2.0]]), average, alpha=alpha, lamb=lamb)

    assert (first.item(), second.item()) == (12.0, 8.0)


def test_grokfast_ma_waits_for_a_full_window_by_hand() -> None:
    # window 2, lamb 3: first 1 -> 1; then 3 + 3 * mean(1, 3) = 9; then 5 + 3 * mean(3, 5) = 17
    window, lamb = torch.zeros(2, 1, 1), column(3.0)
    out = [
        gradients.grokfast_ma(torch.tensor([[g]]), window, t, lamb=lamb).item()
        for t, g in enumerate((1.0, 3.0, 5.0), 1)
    ]

    assert out == [1.0, 9.0, 17.0]


def test_perpendicular_gradient_by_hand() -> None:
    # w (1, 0), g (3, 4): (0, 4), restored to |g| = 5: (0, 5)
    out = gradients.perpendicular(torch.tensor([[3.0, 4.0]]), torch.tensor([[1.0, 0.0]]), VECTOR)

    assert out.tolist() == [[0.0, 5.0]]


def test_perpendicular_gradient_passes_zero_weights_unchanged() -> None:
    out = gradients.perpendicular(torch.tensor([[3.0, 4.0]]), torch.zeros(1, 2), VECTOR)

    assert out.tolist() == [[3.0, 4.0]]


def test_perpendicular_is_per_tensor_and_keeps_each_norm() -> None:
    param, (grad,) = random_problem(4, 1)
    out, before = LAYOUT.views(gradients.perpendicular(grad, param, LAYOUT)), LAYOUT.views(grad)
    weights = LAYOUT.views(param)
    for name in ("embed.weight", "hidden.weight", "head.weight"):
        assert float((out[name] * weights[name]).sum()) == pytest.approx(0, abs=1e-4)
        assert float(out[name].norm()) == pytest.approx(float(before[name].norm()), rel=1e-4)


def test_noise_decays_with_the_power_of_eleven_twentieths() -> None:
    # eta .01: step 1: sqrt(.01) = .1; step 10: sqrt(.01 / 10^.55) = .1 * 10^-.275
    assert gradients.noise_scale(column(0.01), 1).item() == pytest.approx(0.1)
    assert gradients.noise_scale(column(0.01), 10).item() == pytest.approx(0.1 * 10**-0.275)


def test_gradient_noise_has_its_scale_and_depends_on_the_seed() -> None:
    group = Group.of([Method(noise=0.04)] * 2, LAYOUT, torch.device("cpu"))
    grad = torch.zeros(2, sum(LAYOUT.sizes))
    out = group._prepare(grad, grad, 1, draws(1, 0, 1))

    assert float(out.std()) == pytest.approx(0.2, rel=0.2)
    assert not torch.equal(out[0], out[1])


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (Method(warmup=4), [0.25, 0.5, 0.75, 1.0, 1.0]),
        (Method(warmup=0, schedule="linear"), [0.8, 0.6, 0.4, 0.2, 0.0]),
        (Method(warmup=0, schedule="cosine"), [(1 + math.cos(math.pi * k / 5)) / 2 for k in range(1, 6)]),
    ],
)
def test_schedules_by_hand(method: Any, expected: Any) -> None:
    assert [rate(method, step, 5) for step in range(1, 6)] == pytest.approx(expected)


def test_a_surge_comes_in_the_last_steps_of_each_interval() -> None:
    plan = Surge(interval=5, length=2, factor=3)

    assert [surge.multiplier(plan, step) for step in range(1, 11)] == [1, 1, 1, 3, 3, 1, 1, 1, 3, 3]
    assert [step for step in range(1, 11) if surge.due(plan, step)] == [5, 10]


def damaged(collapse: Any, weights: Any, **more: Any) -> Any:
    weights = torch.tensor(weights)
    layout = Layout(("head.weight", "head.bias"), (tuple(weights.shape), (1,)))
    param = torch.cat([weights.reshape(1, -1), torch.tensor([[7.0]])], 1)
    grad, firing = more.pop("grad", torch.ones_like(param)), more.pop("firing", None)
    out = surge.collapse(Surge(collapse=collapse, **more), param, grad, layout, draws(1, 0), firing)
    assert out[0, -1] == 7  # biases are left alone
    return out[0, :-1].view_as(weights)


def test_magnitude_collapse_zeroes_the_smallest_half() -> None:
    assert damaged("magnitude", [[1.0, -4.0], [3.0, -2.0]]).tolist() == [[0, -4], [3, 0]]


def test_refill_puts_noise_only_where_zeros_were_made() -> None:
    out = damaged("magnitude", [[1.0, -4.0], [3.0, -2.0]], refill=0.1)

    assert out[0, 1] == -4
    assert 0 < abs(float(out[0, 0])) < 1


def test_random_collapse_drops_as_many_as_magnitude_does() -> None:
    out = damaged("random", torch.arange(1.0, 101).view(10, 10).tolist(), share=0.3)

    assert int((out == 0).sum()) == 30
    assert not torch.equal(
        out == 0, damaged("magnitude", torch.arange(1.0, 101).view(10, 10).tolist(), share=0.3) == 0
    )


def test_no_op_control_changes_nothing() -> None:
    assert damaged("none", [[1.0, -4.0]]).tolist() == [[1, -4]]


def test_rank_collapse_keeps_the_largest_singular_value() -> None:
    assert torch.allclose(
        damaged("rank", [[3.0, 0.0], [0.0, 1.0]]), torch.tensor([[3.0, 0.0], [0.0, 0.0]]), atol=1e-6
    )


def test_gradient_norm_collapse_resets_tensors_with_a_small_gradient() -> None:
    still = damaged("gradient_norm", [[1.0, 2.0]], threshold=1e-3)
    reset = damaged("gradient_norm", [[1.0, 2.0]], threshold=1e-3, grad=torch.zeros(1, 3))

    assert still.tolist() == [[1, 2]]
    assert 0 < float(reset.abs().max()) < 0.01


def test_activation_collapse_cuts_the_units_that_fire_least() -> None:
    out = damaged("activation", [[1.0, 2.0], [3.0, 4.0]], firing=torch.tensor([[0.9, 0.1]]))

    assert out.tolist() == [[1, 2], [0, 0]]


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="weight_decya"):
        Method.model_validate({"weight_decya": 1.0})
    with pytest.raises(ValueError, match="greater than 0"):
        Method(lr=0)
    with pytest.raises(ValueError, match="finite"):
        Method(lr=math.nan)


def test_settings_are_frozen_and_hashed_by_content() -> None:
    assert Method(lr=0.1).digest() == Method(lr=0.1).digest() != Method(lr=0.2).digest()
    with pytest.raises(ValueError, match="frozen"):
        Method().lr = 1
