"""Losses, advantages, rewards and trainer on a GPU, against float64 on a CPU or against TRL."""

from importlib import import_module
from typing import Any

import pytest
import torch

from airskills.rl import advantages
from airskills.rl import trl as ours
from airskills.rl.batch import TokenBatch
from airskills.rl.fused import linear_policy_loss
from airskills.rl.linear import CUDA_LOGITS, Head, HeadError, Slopes, token_logps
from airskills.rl.losses import TERMS, Objective
from airskills.rl.rewards import DistinctN, PatternMatch, RepetitionPenalty
from rl_cases import GRPO, full, prompts

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU"),
    pytest.mark.usefixtures("quiet"),
]
DEVICE = "cuda"
B, T, H, V = 3, 11, 64, 5_003  # V is no multiple of a vector's width, and more than one block of the kernel
RNG = torch.Generator().manual_seed(0)


def case(dtype: Any = torch.float32, *, bias: Any = True) -> Any:
    mask = torch.ones(B, T)
    mask[1, 4:] = 0
    mask[2, 2:5] = 0
    return {
        "hidden": torch.randn(B, T, H, generator=RNG).to(DEVICE, dtype).requires_grad_(),
        "weight": (torch.randn(V, H, generator=RNG) * 0.1).to(DEVICE, dtype).requires_grad_(),
        "bias": torch.randn(V, generator=RNG).to(DEVICE, dtype).requires_grad_() if bias else None,
        "targets": torch.randint(0, V, (B, T), generator=RNG).to(DEVICE),
        "advantages": torch.randn(B, generator=RNG).to(DEVICE),
        "mask": mask.to(DEVICE),
        "old": (-8 - 3 * torch.rand(B, T, generator=RNG)).to(DEVICE),
        "ref": (-8 - 3 * torch.rand(B, T, generator=RNG)).to(DEVICE),
    }


def on_cpu(c: Any, *, rounded: Any = None) -> Any:
    """The same numbers in float64 on the CPU, rounded to a type first."""
    wide = {
        name: None if value is None else value.detach().cpu().to(rounded or value.dtype)
        for name, value in c.items()
    }
    return {
        name: value.double().requires_grad_(name in ("hidden", "weight", "bias"))
        if value is not None and value.is_floating_point()
        else value
        for name, value in wide.items()
        if name != "targets"
    } | {"targets": c["targets"].cpu()}


def fused(objective: Any, c: Any, temperature: Any, entropy_coef: Any, **extra: Any) -> Any:
    return linear_policy_loss(
        objective,
        c["hidden"],
        Head(c["weight"], c["bias"], temperature),
        c["targets"],
        c["advantages"],
        c["mask"],
        entropy_coef=entropy_coef,
        **extra,
    )


def worst(c: Any, loss: Any, exact: Any, right: Any) -> Any:
    """Largest relative error of the three gradients."""
    names = [name for name in ("hidden", "weight", "bias") if c[name] is not None]
    got = torch.autograd.grad(loss, [c[name] for name in names])
    wanted = torch.autograd.grad(right, [exact[name] for name in names])
    assert [g.dtype for g in got] == [c[name].dtype for name in names]
    return max(((g.cpu().double() - w).norm() / w.norm()).item() for g, w in zip(got, wanted, strict=True))


@pytest.mark.parametrize("rows", [None, 5], ids=["one chunk", "chunks of 5"])
@pytest.mark.parametrize("entropy_coef", [0.0, 0.3])
@pytest.mark.parametrize("off_policy", [False, True], ids=["on-policy", "off-policy"])
@pytest.mark.parametrize("loss_type", TERMS)
def test_the_fused_loss_is_that_of_float64_logits(
    loss_type: Any, off_policy: Any, entropy_coef: Any, rows: Any
) -> None:
    objective = Objective(loss_type=loss_type, max_completion_length=T)
    c = case()
    exact = on_cpu(c)
    got = fused(objective, c, 0.7, entropy_coef, rows=rows, **({"old_logp": c["old"]} if off_policy else {}))
    right, logp, entropy = full(
        objective, exact, 0.7, entropy_coef, **({"old_logp": exact["old"]} if off_policy else {})
    )

    torch.testing.assert_close(got.loss.cpu().double(), right, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(got.logp.cpu().double(), logp, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(got.entropy.cpu().double(), entropy, rtol=1e-5, atol=1e-5)
    assert worst(c, 3 * got.loss, exact, 3 * right) < 2e-5


@pytest.mark.parametrize(
    "options", [{"beta": 0.1}, {"beta": 0.1, "delta": 1.1}, {"level": "sequence"}], ids=str
)
def test_divergence_and_sequence_weights_are_those_of_float64(options: Any) -> None:
    objective = Objective(loss_type="grpo", **options)
    c = case(bias=False)
    exact = on_cpu(c)
    got = fused(objective, c, 1.0, 0.0, ref_logp=c["ref"])
    right, _, _ = full(objective, exact, 1.0, 0.0, ref_logp=exact["ref"])

    assert worst(c, got.loss, exact, right) < 2e-5


@pytest.mark.parametrize("off_policy", [False, True], ids=["on-policy", "off-policy"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_half_precision_scores_as_if_the_logits_were_exact(dtype: Any, off_policy: Any) -> None:
    """Products of rounded numbers are summed in float32; only the slopes of the logits are rounded again."""
    c = case(dtype)
    exact = on_cpu(c)
    got = fused(Objective(), c, 0.7, 0.3, rows=16, **({"old_logp": c["old"]} if off_policy else {}))
    right, logp, entropy = full(
        Objective(), exact, 0.7, 0.3, **({"old_logp": exact["old"]} if off_policy else {})
    )

    torch.testing.assert_close(got.logp.cpu().double(), logp, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(got.entropy.cpu().double(), entropy, rtol=1e-5, atol=1e-4)
    assert worst(c, got.loss, exact, right) < 6e-3


@pytest.mark.parametrize("off_policy", [False, True], ids=["on-policy", "off-policy"])
def test_autocast_takes_products_in_half_precision_and_keeps_float32_gradients(off_policy: Any) -> None:
    c = case(bias=False)
    exact = on_cpu(c)
    rounded = on_cpu(c, rounded=torch.bfloat16)
    with torch.autocast("cuda", torch.bfloat16):
        got = fused(Objective(), c, 1.0, 0.0, **({"old_logp": c["old"]} if off_policy else {}))
    right, _, _ = full(Objective(), exact, 1.0, 0.0, **({"old_logp": exact["old"]} if off_policy else {}))
    logp = full(Objective(), rounded, 1.0, 0.0)[1]

    torch.testing.assert_close(got.logp.cpu().double(), logp, rtol=1e-5, atol=1e-4)
    assert worst(c, got.loss, exact, right) < 2e-2


def test_token_logps_pass_gradcheck_in_float64() -> None:
    c = case()
    rows = c["hidden"].detach().double().reshape(-1, H)[:3, :5].requires_grad_()
    weight = c["weight"].detach().double()[:9, :5].requires_grad_()
    targets = c["targets"].flatten()[:3] % 9

    assert torch.autograd.gradcheck(
        lambda h, w: token_logps(h, Head(w, None, 1.3), targets, rows=2), (rows, weight)
    )


def test_a_wrong_expectation_changes_no_gradient() -> None:
    c = case(bias=False)
    targets, hidden = c["targets"].flatten(), c["hidden"].detach().reshape(-1, H).requires_grad_()
    right = Slopes(*torch.randn(2, len(targets), generator=RNG).to(DEVICE))
    wrong = Slopes(right.logp * 1.001, -right.entropy)
    found = [
        torch.autograd.grad(
            token_logps(hidden, Head(c["weight"]), targets, expected=e), (hidden, c["weight"]), right
        )
        for e in (None, right, wrong)
    ]

    for others in found[1:]:
        for got, first in zip(others, found[0], strict=True):
            torch.testing.assert_close(got, first, rtol=1e-4, atol=1e-5)


def test_the_gradient_repeats_to_the_bit() -> None:
    c = case(torch.bfloat16, bias=False)
    first, second = (
        torch.autograd.grad(fused(Objective(), c, 1.0, 0.1).loss, (c["hidden"], c["weight"]))
        for _ in range(2)
    )

    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_memory_is_that_of_one_chunk_of_logits() -> None:
    """Of 16,384 positions with 131,072 words: float32 logits would be 8 GiB, a chunk has 1 GiB."""
    hidden = torch.randn(1, 16_384, 64, device=DEVICE, dtype=torch.bfloat16).requires_grad_()
    weight = torch.randn(131_072, 64, device=DEVICE, dtype=torch.bfloat16).requires_grad_()
    targets = torch.randint(0, 131_072, (1, 16_384), device=DEVICE)
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    loss = linear_policy_loss(
        Objective(), hidden, Head(weight), targets, torch.ones(1, device=DEVICE), torch.ones_like(targets)
    ).loss
    torch.autograd.backward(loss)

    rise = torch.cuda.max_memory_allocated() - before
    assert CUDA_LOGITS * 4 < rise < CUDA_LOGITS * 4 * 1.2


def test_targets_outside_the_vocabulary_are_refused_before_a_kernel_sees_them() -> None:
    with pytest.raises(HeadError, match="targets lie in 0 to 9; they must be 0 to 8"):
        token_logps(
            torch.zeros(2, 4, device=DEVICE),
            Head(torch.zeros(9, 4, device=DEVICE)),
            torch.tensor([0, 9], device=DEVICE),
        )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_advantages_are_those_of_a_cpu(dtype: Any) -> None:
    rewards = torch.randn(16, generator=RNG).to(dtype)
    values, more = torch.randn(2, 4, 9, generator=RNG).to(dtype)
    mask = torch.rand(4, 9, generator=RNG) < 0.8
    for here, there in (
        (advantages.group_relative(rewards.to(DEVICE), 4), advantages.group_relative(rewards, 4)),
        (advantages.leave_one_out(rewards.to(DEVICE), 4), advantages.leave_one_out(rewards, 4)),
        *zip(
            advantages.gae(more.to(DEVICE), values.to(DEVICE), mask.to(DEVICE), gamma=0.99),
            advantages.gae(more, values, mask, gamma=0.99),
            strict=True,
        ),
    ):
        assert here.device.type == DEVICE
        torch.testing.assert_close(here.cpu(), there, rtol=1e-5, atol=1e-6)


def test_rewards_take_tensors_of_the_gpu() -> None:
    rows = [[1, 2, 3, 1, 2, 3], [7, 7, 7, 7, 0, 0]]
    padded = torch.tensor(rows, device=DEVICE)
    batch = TokenBatch.from_padded(padded, padded > 0)
    for reward in (RepetitionPenalty(2), DistinctN(1), PatternMatch([[1, 2]], at_most=2)):
        assert reward(list(padded)) == reward(rows)
        assert reward(batch) == reward([rows[0], rows[1][:4]])


def make_trainer(model: Any, tokenizer: Any, digit_ids: Any, folder: Any, **options: Any) -> Any:
    trl = import_module("trl")
    fused_head = options.pop("fused_head", True)
    return ours.GRPOTrainer(
        model=import_module("transformers").LlamaForCausalLM.from_pretrained(model),
        reward_funcs=PatternMatch([[i] for i in digit_ids], value=1 / 8, at_most=8),
        args=trl.GRPOConfig(**{"output_dir": str(folder), **GRPO, **options}),
        train_dataset=prompts(),
        processing_class=tokenizer,
        fused_head=fused_head,
    )


@pytest.mark.parametrize(
    ("options", "tolerance"),
    [
        ({}, 2e-5),
        ({"loss_type": "cispo", "epsilon_high": 5.0, "entropy_coef": 0.2, "temperature": 0.8}, 2e-5),
        ({"beta": 0.05}, 2e-5),
        ({"bf16": True}, 3e-2),
        ({"bf16": True, "cast_lm_head_to_fp32": True}, 3e-2),
    ],
    ids=str,
)
def test_the_trainers_loss_is_that_of_trl(
    model_folder: Any, tokenizer: Any, digit_ids: Any, tmp_path: Any, options: Any, tolerance: Any
) -> None:
    """One batch, one model, both heads: loss and gradients agree."""
    found = []
    for fused_head in (True, False):
        trainer = make_trainer(model_folder, tokenizer, digit_ids, tmp_path, fused_head=fused_head, **options)
        trainer.current_gradient_accumulation_steps = 1
        torch.manual_seed(0)
        batch = trainer._generate_and_score_completions([{"prompt": "1+1="}] * 16)
        with trainer.compute_loss_context_manager():
            loss = trainer._compute_loss(trainer.model, batch)
        loss.backward()
        found.append((batch, loss, {n: p.grad for n, p in trainer.model.named_parameters()}))
    (batch, loss, mine), (same, right, theirs) = found

    assert trainer.model.device.type == DEVICE
    assert torch.equal(batch["completion_ids"], same["completion_ids"])
    torch.testing.assert_close(loss, right, rtol=tolerance, atol=tolerance)
    for name, gradient in theirs.items():
        assert (mine[name] - gradient).norm() <= tolerance * gradient.norm(), name


@pytest.mark.parametrize("options", [{}, {"bf16": True}], ids=str)
def test_share_of_digits_is_learned(
    model_folder: Any, tokenizer: Any, digit_ids: Any, tmp_path: Any, options: Any
) -> None:
    trainer = make_trainer(model_folder, tokenizer, digit_ids, tmp_path, max_steps=40, **options)
    trainer.train()
    rewards = [entry["reward"] for entry in trainer.state.log_history if "reward" in entry]

    assert sum(rewards[-6:]) / 6 > 0.9
