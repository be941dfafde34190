"""Our trainer inside TRL: the private hooks it uses, equality with TRL's own numbers, and learning."""

import dataclasses
import inspect
import json
import pickle
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

from airskills.rl import linear, presets
from airskills.rl import trl as ours
from airskills.rl.advantages import leave_one_out
from airskills.rl.callbacks import AdaptiveKL, CallbackError, EntropyGuard, StopOnCollapse, TrainingMonitor
from airskills.rl.head import FusedHead
from airskills.rl.rewards import DistinctN, PatternMatch
from airskills.rl.rollout import TrainerError
from airskills.rl.spec import RewardSpec
from rl_cases import GRPO, prompts

trl = import_module("trl")
pytestmark = pytest.mark.usefixtures("quiet")


def grpo_config(folder: Any, **options: Any) -> Any:
    return trl.GRPOConfig(**{"output_dir": str(folder), "use_cpu": True, **GRPO, **options})


@pytest.fixture
def make_trainer(make_model: Any, tokenizer: Any, tmp_path: Path) -> Any:
    def make(
        reward: Any = None,
        *,
        kind: Any = ours.GRPOTrainer,
        callbacks: Any = (),
        model: Any = None,
        data: Any = None,
        options: Any = None,
        **config: Any,
    ) -> Any:
        return kind(
            model=model or make_model(),
            args=grpo_config(tmp_path, **config),
            train_dataset=data or prompts(),
            processing_class=tokenizer,
            callbacks=list(callbacks),
            **({"reward_funcs": reward} if reward else {}),
            **(options or {}),
        )

    return make


def log_of(trainer: Any, key: Any) -> Any:
    return [entry[key] for entry in trainer.state.log_history if key in entry]


@pytest.fixture
def digits(digit_ids: Any) -> Any:
    """Share of digits among 8 tokens, by the pattern kernel."""
    return PatternMatch([[i] for i in digit_ids], value=1 / 8, at_most=8)


def test_the_installed_trl_is_the_one_this_is_written_against() -> None:
    assert trl.__version__.rsplit(".", 1)[0] == ours.TESTED


@pytest.mark.parametrize("name", ours.HOOKS)
def test_private_hook_is_as_expected(name: Any, make_trainer: Any, digits: Any) -> None:
    parameters = ours.HOOKS[name]
    if parameters is None:
        assert hasattr(make_trainer(digits, kind=trl.GRPOTrainer), name)
    else:
        assert tuple(inspect.signature(getattr(trl.GRPOTrainer, name)).parameters) == parameters


def test_the_fused_output_has_the_fields_we_fill() -> None:
    fields = {
        field.name for field in dataclasses.fields(import_module("trl.trainer.utils").FusedCausalLMOutput)
    }

    assert {"loss", "log_probs", "entropy", "label_mask"} <= fields


def test_the_batch_has_the_keys_we_read(make_trainer: Any, digits: Any) -> None:
    trainer = make_trainer(digits)
    batch = trainer._generate_and_score_completions([{"prompt": "1+1="}] * 16)

    assert {
        "prompt_ids",
        "prompt_mask",
        "completion_ids",
        "completion_mask",
        "advantages",
        "num_items_in_batch",
    } <= set(batch)
    assert batch["advantages"].shape == (16,)


@pytest.mark.parametrize(
    "name", [name for name in dir(presets) if name[0].islower() and not name.startswith("_")]
)
def test_preset_is_a_ready_picklable_reward(name: Any) -> None:
    reward = getattr(presets, name)

    assert callable(reward)
    assert pickle.loads(pickle.dumps(reward)) == reward


@pytest.mark.parametrize(
    "variant", [{"beta": 0.05}, {"entropy_coef": 0.1, "gradient_accumulation_steps": 2}], ids=str
)
def test_our_head_trains_like_the_one_of_trl(
    make_trainer: Any, digits: Any, model_folder: Any, variant: Any
) -> None:
    """The same seeds and rewards give the same parameters after two steps."""
    transformers = import_module("transformers")
    trained = []
    for fused in (True, False):
        model = transformers.LlamaForCausalLM.from_pretrained(model_folder)
        trainer = make_trainer(digits, model=model, options={"fused_head": fused}, **variant)
        trainer.train()
        trained.append((trainer.model.state_dict(), log_of(trainer, "entropy")))
    (mine, my_entropy), (theirs, their_entropy) = trained

    assert my_entropy == pytest.approx(their_entropy, rel=1e-4)
    for name, value in theirs.items():
        torch.testing.assert_close(mine[name], value, rtol=1e-3, atol=2e-4)


@pytest.mark.parametrize("off_policy", [False, True], ids=["on-policy", "off-policy"])
@pytest.mark.parametrize("by_token", [False, True], ids=["advantage [B]", "advantage [B, T]"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"entropy_coef": 0.1},
        {"loss_type": "grpo", "temperature": 0.8},
        {"loss_type": "bnpo"},
        {"loss_type": "dr_grpo", "delta": 1.1},
        {"loss_type": "luspo", "importance_sampling_level": "sequence"},
        {"loss_type": "cispo", "epsilon_high": 5.0, "entropy_coef": 0.2},
        {"loss_type": "sapo"},
        {"loss_type": "vespo"},
    ],
    ids=str,
)
def test_the_fused_loss_is_the_loss_of_trl(
    options: Any,
    by_token: Any,
    off_policy: Any,
    make_trainer: Any,
    digits: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One batch, one model, both heads: loss, gradients and logged metrics agree; on-policy logits are made once."""
    again = []
    original = linear._again

    def count(*given: Any) -> Any:
        again.append(given)
        return original(*given)

    monkeypatch.setattr(linear, "_again", count)
    found = []
    for fused in (True, False):
        trainer = make_trainer(digits, options={"fused_head": fused}, **options)
        trainer.current_gradient_accumulation_steps = 1
        torch.manual_seed(0)
        batch = trainer._generate_and_score_completions([{"prompt": "1+1="}] * 16)
        scale = torch.linspace(0.5, 1.5, batch["completion_mask"].shape[1])
        if by_token:
            batch["advantages"] = batch["advantages"][:, None] * scale
        if off_policy:
            batch["old_per_token_logps"] = -3 - scale.expand(16, -1)
        loss = trainer._compute_loss(trainer.model, batch)
        loss.backward()
        gradients = {name: value.grad for name, value in trainer.model.named_parameters()}
        found.append((loss.detach(), gradients, dict(trainer._metrics["train"])))
    (loss, gradients, metrics), (their_loss, their_gradients, their_metrics) = found

    torch.testing.assert_close(loss, their_loss, rtol=1e-5, atol=1e-6)
    for name, gradient in their_gradients.items():
        assert (gradients[name] - gradient).norm() <= 1e-5 * gradient.norm(), name
    for name, values in their_metrics.items():
        assert metrics[name] == pytest.approx(values, rel=1e-4, abs=1e-6, nan_ok=True), name
    assert len(again) == off_policy


def scaled(model: Any) -> None:
    model.config.final_logit_softcapping = 30.0


def spread(model: Any) -> None:
    model.hf_device_map = {"model": 0, "lm_head": 1}


@pytest.mark.parametrize("change", [scaled, spread], ids=["scales its logits", "lies on two devices"])
def test_a_model_keeps_the_head_of_trl(make_model: Any, change: Any) -> None:
    model = make_model()
    change(model)

    assert not FusedHead(dict, 1.0).attach(model)
    assert "forward" not in vars(model)


def test_a_weight_that_has_to_be_gathered_is_left_to_trl() -> None:
    head, whole, sharded = FusedHead(dict, 1.0), torch.nn.Parameter(torch.zeros(3, 2)), torch.zeros(3, 2)

    assert head.serves(whole)
    assert not head.serves(sharded)
    whole.__dict__["ds_id"] = 0  # as DeepSpeed marks it
    assert not head.serves(whole)


def test_a_spec_gives_the_rewards_and_advantages_of_trl(
    make_trainer: Any, digits: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two rewards and weights through a spec, or handed to TRL directly: the same batch."""
    variety = DistinctN(1)
    monkeypatch.setattr(presets, "digits", digits, raising=False)
    spec = RewardSpec.model_validate(
        {
            "rewards": [
                {"reward": "airskills.rl.presets.digits"},
                {"reward": "DistinctN", "args": {"n": 1}, "name": "variety", "weight": 0.5},
            ]
        }
    )
    batches = []
    for options, config in (
        ({"reward_spec": spec}, {}),
        ({"reward_funcs": [digits, variety]}, {"reward_weights": [1.0, 0.5]}),
    ):
        trainer = make_trainer(options=options, **config)
        torch.manual_seed(0)
        batches.append(trainer._generate_and_score_completions([{"prompt": "1+1="}] * 16))

    torch.testing.assert_close(batches[0]["advantages"], batches[1]["advantages"])


def test_gates_and_schedules_act_in_the_trainer(make_trainer: Any) -> None:
    spec = RewardSpec.model_validate(
        {
            "rewards": [
                {"reward": "FormatMatch", "args": {"pattern": "never"}, "name": "form"},
                {"reward": "DistinctN", "args": {"n": 1}, "schedule": {"start": 1, "to": 0, "end_step": 2}},
            ],
            "gates": [{"reward": "form", "at_least": 1}],
        }
    )
    trainer = make_trainer(options={"reward_spec": spec}, max_steps=3)
    trainer.train()

    assert log_of(trainer, "rewards/form/mean") == [0.0] * 3
    assert log_of(trainer, "rewards/distinct_1/mean") == [0.0] * 3
    assert trainer.reward_weights.tolist() == [1.0, 0.0]


def test_a_named_advantage_takes_the_place_of_trls(make_trainer: Any, digits: Any) -> None:
    trainer = make_trainer(digits, options={"advantage": "leave_one_out"})
    batch = trainer._generate_and_score_completions([{"prompt": "1+1="}] * 16)
    counts = torch.isin(batch["completion_ids"], torch.tensor([p[0] for p in digits.patterns])).sum(1)

    torch.testing.assert_close(batch["advantages"], leave_one_out(counts / 8, 8))


def test_an_advantage_by_token_is_trained_on(make_trainer: Any, digits: Any) -> None:
    seen = []

    def by_token(rollout: Any) -> Any:
        mask = rollout.batch["completion_mask"]
        seen.append(mask.shape)
        return leave_one_out(rollout.total, rollout.group_size)[rollout.local, None] * mask

    trainer = make_trainer(digits, options={"advantage": by_token})
    trainer.train()

    assert seen
    assert len(log_of(trainer, "loss")) == 2


@pytest.mark.parametrize(
    ("advantage", "message"),
    [
        (lambda r: r.total[:3], r"The advantage is \[3\]; it must be \[16\] or \[16, 8\]"),
        (lambda r: r.total * torch.nan, "not finite"),
    ],
    ids=["shape", "nan"],
)
def test_an_advantage_that_does_not_fit_is_refused(
    make_trainer: Any, digits: Any, advantage: Any, message: Any
) -> None:
    trainer = make_trainer(digits, options={"advantage": advantage})

    with pytest.raises(TrainerError, match=message):
        trainer._generate_and_score_completions([{"prompt": "1+1="}] * 16)


def infinite(completions: Any, **_: Any) -> Any:
    return [0.0] * (len(completions) - 1) + [float("inf")]


def test_an_infinite_reward_is_named_before_it_reaches_the_weights(make_trainer: Any) -> None:
    with pytest.raises(TrainerError, match="Reward 'infinite' returned inf for completion 31"):
        make_trainer(infinite).train()


def one_value(**_: Any) -> Any:
    return [1.0]


def test_a_reward_of_the_wrong_length_is_named(make_trainer: Any) -> None:
    with pytest.raises(ValueError, match="'one_value' returned 1 rewards, but 32 were expected"):
        make_trainer(one_value).train()


def test_wrong_combinations_are_refused(make_trainer: Any, digits: Any) -> None:
    spec = RewardSpec.model_validate({"rewards": [{"reward": "DistinctN"}]})
    with pytest.raises(TrainerError, match=r"No advantage is called 'gea'\. Choose from leave_one_out, gdpo"):
        make_trainer(digits, options={"advantage": "gea"})
    with pytest.raises(TrainerError, match="both given"):
        make_trainer(digits, options={"reward_spec": spec})
    with pytest.raises(TrainerError, match="RLOO cannot aggregate"):
        ours.RLOOTrainer(reward_spec=spec.model_copy(update={"aggregation": "normalize_then_sum"}))


def test_share_of_digits_is_learned(make_trainer: Any, digits: Any) -> None:
    trainer = make_trainer(digits, max_steps=40)
    trainer.train()
    rewards = log_of(trainer, "reward")
    first, last = sum(rewards[:6]) / 6, sum(rewards[-6:]) / 6

    assert last - first > 0.3
    assert last > 0.9


def test_the_monitor_accounts_for_the_step(make_trainer: Any, digits: Any, tmp_path: Path) -> None:
    monitor = TrainingMonitor(tmp_path / "log.jsonl", tensorboard=tmp_path / "tb")
    trainer = make_trainer(digits, callbacks=[monitor], max_steps=4)
    trainer.train()
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    events = import_module("tensorboard.backend.event_processing.event_accumulator").EventAccumulator(
        str(tmp_path / "tb")
    )
    events.Reload()

    assert lines == monitor.records
    assert [line["step"] for line in lines] == [1, 2, 3, 4]
    assert all(0 < line["rewards_s"] < line["step_s"] for line in lines)
    assert all(line["rewards_share"] == pytest.approx(line["rewards_s"] / line["step_s"]) for line in lines)
    assert lines[0]["tokens_per_s"] > 0
    assert [event.value for event in events.Scalars("monitor/reward")] == pytest.approx(
        [line["reward"] for line in lines]
    )


def test_the_guard_moves_the_entropy_coefficient_towards_the_target(make_trainer: Any, digits: Any) -> None:
    trainer = make_trainer(digits, entropy_coef=0.1, max_steps=3)
    trainer.add_callback(EntropyGuard(trainer, target=100.0, factor=2.0, highest=0.3))
    trainer.train()
    assert trainer.entropy_coef == 0.3

    guard = EntropyGuard(trainer, target=1.0, factor=2.0, lowest=0.1)
    guard.on_log(logs={"entropy": 2.0})
    guard.on_log(logs={"loss": 2.0})
    assert trainer.entropy_coef == 0.15
    guard.on_log(logs={"entropy": 2.0})
    assert trainer.entropy_coef == 0.1


def test_beta_follows_the_divergence_within_a_fifth(
    make_trainer: Any, digits: Any, model_folder: Any
) -> None:
    transformers = import_module("transformers")
    model = transformers.LlamaForCausalLM.from_pretrained(model_folder)
    trainer = make_trainer(digits, model=model, beta=0.1, max_steps=1)
    control = AdaptiveKL(trainer, target=1.0, gain=0.5)
    control.on_log(logs={"kl": 1.1})  # error 0.1
    assert trainer.beta == pytest.approx(0.1 * 1.05)
    control.on_log(logs={"kl": 0.0})  # error -1, clipped to -0.2
    assert trainer.beta == pytest.approx(0.1 * 1.05 * 0.9)
    control.on_log(logs={"kl": float("nan")})
    assert trainer.beta == pytest.approx(0.1 * 1.05 * 0.9)


def test_a_run_without_spread_of_rewards_is_stopped(make_trainer: Any) -> None:
    stop = StopOnCollapse(patience=3)
    trainer = make_trainer(constant, callbacks=[stop], max_steps=9)
    trainer.train()

    assert trainer.state.global_step == 3
    assert stop.reason == "collapsed: 3 logs without spread of rewards at step 3"


def constant(completions: Any, **_: Any) -> Any:
    return [1.0] * len(completions)


def test_a_callback_that_cannot_act_says_so(make_trainer: Any, digits: Any) -> None:
    trainer = make_trainer(digits)
    with pytest.raises(CallbackError, match="Set entropy_coef above 0"):
        EntropyGuard(trainer, target=1.0)
    with pytest.raises(CallbackError, match="Set beta above 0"):
        AdaptiveKL(trainer, target=1.0)
    trainer._entropy_bonus_enabled = True
    with pytest.raises(CallbackError, match=r"factor 1\.0 must be above 1"):
        EntropyGuard(trainer, target=1.0, factor=1.0)


def test_all_rows_without_reward_have_no_advantage(make_trainer: Any) -> None:
    trainer = make_trainer(DistinctN(99), options={"advantage": "leave_one_out"})
    trainer.train()

    assert log_of(trainer, "loss") == [0.0, 0.0]
