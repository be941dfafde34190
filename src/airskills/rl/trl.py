"""The only module that imports TRL: its trainers with our rewards, advantages and fused head, and `train`.

Written against TRL 1.16. Every private name of TRL that is used here stands in `HOOKS`, and a test holds it against
the installed version.
"""

from __future__ import annotations

import copy
import functools
import types
from collections.abc import Callable
from contextlib import nullcontext
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
import torch
import trl
from torch import Tensor
from trl.trainer.utils import FusedCausalLMOutput

from airskills.rl import advantages
from airskills.rl.callbacks import TrainingMonitor
from airskills.rl.curriculum import Curriculum, CurriculumSampler
from airskills.rl.errors import RlError
from airskills.rl.fused import Head, token_logps
from airskills.rl.spec import RewardSpec

TESTED = "1.16"
# Private names of GRPOTrainer we override or read: the parameters we rely on, or `None` for an attribute.
HOOKS: dict[str, tuple[str, ...] | None] = {
    "_calculate_rewards": ("self", "inputs", "prompts", "completions", "completion_ids_list"),
    "_generate_and_score_completions": ("self", "inputs"),
    "_get_train_sampler": ("self", "dataset"),
    "_entropy_bonus_enabled": None,
    "reward_weights": None,
    "reward_func_names": None,
    "ref_model": None,
    "entropy_coef": None,
    "beta": None,
    "temperature": None,
    "num_generations": None,
    "num_generations_eval": None,
    "num_iterations": None,
}
SCALED = (
    "final_logit_softcapping",
    "logit_scale",
    "output_multiplier",
    "lm_head_multiplier",
    "logits_scaling",
)


class TrainerError(RlError, ValueError):
    """A trainer was asked for what it cannot do."""


class Rollout(NamedTuple):
    """What an advantage is computed from.

    Attributes:
        rewards: `[n, k]`, of all processes, gated and clipped, NaN where a reward does not apply.
        weights: `[k]`.
        group_size: completions per prompt, contiguous.
        local: rows of this process.
        batch: what TRL's loss will get: `completion_ids`, `completion_mask` and more, rows of this process.
    """

    rewards: Tensor
    weights: Tensor
    group_size: int
    local: slice
    batch: dict[str, Any]

    @property
    def total(self) -> Tensor:
        """`[n]`, weighted sum; NaN where no reward applies."""
        return weighted_total(self.rewards, self.weights)


def weighted_total(rewards: Tensor, weights: Tensor) -> Tensor:
    """`[n]` from `[n, k]` and `[k]`; NaN where no reward applies."""
    return torch.where(rewards.isnan().all(1), torch.nan, (rewards * weights).nansum(1))


Advantage = Callable[[Rollout], Tensor]
ADVANTAGES: dict[str, Advantage] = {
    "leave_one_out": lambda rollout: advantages.leave_one_out(rollout.total, rollout.group_size),
    "gdpo": lambda rollout: advantages.gdpo(rollout.rewards, rollout.weights, rollout.group_size),
}


class _SpecRewards:
    """Rewards of a `RewardSpec` in a trainer that has `_calculate_rewards`."""

    reward_spec: RewardSpec | None
    reward_weights: Tensor
    reward_func_names: list[str]
    state: Any
    callback_handler: Any

    def _calculate_rewards(
        self, inputs: Any, prompts: Any, completions: Any, completion_ids_list: Any
    ) -> Tensor:
        """`[n, k]` of all processes, gated and clipped; the weights of this step are set on the way."""
        with self._timed():
            parent: Any = super()
            rewards: Tensor = parent._calculate_rewards(inputs, prompts, completions, completion_ids_list)  # noqa: SLF001 - TRL's hook
        self._refuse_infinite(rewards)
        if self.reward_spec is not None:
            self.reward_weights = torch.tensor(self.reward_spec.weights(self.state.global_step))
            gated = self.reward_spec.gated(rewards.double().cpu().numpy().astype(np.float64))
            rewards = torch.from_numpy(gated).to(rewards)
        self._scored = rewards
        return rewards

    def _refuse_infinite(self, rewards: Tensor) -> None:
        """An infinite reward would make the advantages of its whole group NaN, and then the weights."""
        infinite = rewards.isinf()
        if infinite.any():
            row, column = infinite.nonzero()[0].tolist()
            raise TrainerError(
                f"Reward {self.reward_func_names[column]!r} returned {rewards[row, column].item()} for completion {row}",
                help="Clip it, or return None where it does not apply",
            )

    def _timed(self) -> Any:
        monitors = [
            callback for callback in self.callback_handler.callbacks if isinstance(callback, TrainingMonitor)
        ]
        return monitors[0].rewards() if monitors else nullcontext()


class GRPOTrainer(_SpecRewards, trl.GRPOTrainer):  # type: ignore[misc, name-defined]  # TRL exports lazily
    """TRL's `GRPOTrainer` with a reward spec, a choice of advantage, and a faster output layer on CPU.

    Everything else, every `loss_type` among it, is TRL's own code.
    """

    def __init__(
        self,
        *args: Any,
        reward_spec: RewardSpec | None = None,
        advantage: str | Advantage | None = None,
        curriculum: Curriculum | None = None,
        fused_head: bool = True,
        **options: Any,
    ) -> None:
        """Construct as TRL's trainer.

        Args:
            args: as TRL's.
            reward_spec: in place of `reward_funcs`, `reward_weights` and `multi_objective_aggregation`.
            advantage: `leave_one_out`, `gdpo`, or a function of a `Rollout` that returns `[n]`, or `[b, T]` for the
                rows of this process; `None` for TRL's own.
            curriculum: draw prompts by success rate; needs a dataset with a length.
            fused_head: replace TRL's output layer where ours is faster, which is on CPU.
            options: as TRL's.

        Raises:
            TrainerError: for an unknown advantage, or a spec beside `reward_funcs`.
        """
        if isinstance(advantage, str) and advantage not in ADVANTAGES:
            raise TrainerError(
                f"No advantage is called {advantage!r}", help=f"Choose from {', '.join(ADVANTAGES)}"
            )
        self.reward_spec = reward_spec
        self.curriculum = curriculum
        self._advantage = ADVANTAGES[advantage] if isinstance(advantage, str) else advantage
        super().__init__(*args, **_with_spec(options, reward_spec))
        for model in (self.model, self.ref_model) if fused_head else ():
            if model is not None:
                add_cpu_head(_base(model), self.temperature)

    def _get_train_sampler(self, dataset: Any = None) -> Any:
        """TRL's sampler, or one that follows the curriculum in the same layout."""
        if self.curriculum is None:
            return super()._get_train_sampler(dataset)
        return CurriculumSampler(
            self.curriculum,
            (self.train_dataset if dataset is None else dataset)["prompt"],
            per_batch=self.args.generation_batch_size // self.num_generations,
            group_size=self.num_generations,
            repeats=self.num_iterations * self.args.steps_per_generation,
            seed=self.args.seed,
        )

    def _calculate_rewards(
        self, inputs: Any, prompts: Any, completions: Any, completion_ids_list: Any
    ) -> Tensor:
        rewards = super()._calculate_rewards(inputs, prompts, completions, completion_ids_list)
        if self.curriculum is not None and self.model.training:
            totals = weighted_total(rewards, self.reward_weights.to(rewards))
            self.curriculum.record(import_module("accelerate.utils").gather_object(prompts), totals.tolist())
        return rewards

    def _generate_and_score_completions(self, inputs: Any) -> dict[str, Any]:
        """TRL's batch, with our advantages in it."""
        batch: dict[str, Any] = super()._generate_and_score_completions(inputs)
        if self._advantage is not None:
            count = len(batch["completion_ids"])
            start = self.accelerator.process_index * count
            group_size = self.num_generations if self.model.training else self.num_generations_eval
            weights = self.reward_weights.to(self._scored)
            rollout = Rollout(self._scored, weights, group_size, slice(start, start + count), batch)
            batch["advantages"] = _local(self._advantage(rollout), rollout).to(batch["advantages"])
        return batch


class RLOOTrainer(_SpecRewards, trl.RLOOTrainer):  # type: ignore[misc, name-defined]  # TRL exports lazily
    """TRL's `RLOOTrainer` with a reward spec."""

    def __init__(self, *args: Any, reward_spec: RewardSpec | None = None, **options: Any) -> None:
        """Construct as TRL's trainer.

        Raises:
            TrainerError: for a spec that normalizes each reward, which RLOO does not do.
        """
        if reward_spec is not None and reward_spec.aggregation != "sum_then_normalize":
            raise TrainerError(
                f"RLOO cannot aggregate by {reward_spec.aggregation!r}", help="Use GRPOTrainer"
            )
        self.reward_spec = reward_spec
        super().__init__(*args, **_with_spec(options, reward_spec))


def _with_spec(options: dict[str, Any], spec: RewardSpec | None) -> dict[str, Any]:
    """Options of the trainer with functions, weights and aggregation of the spec; the caller's config is not changed."""
    if spec is None:
        return options
    if options.get("reward_funcs") is not None:
        raise TrainerError("reward_spec and reward_funcs are both given; give one")
    if options.get("args") is None:
        raise TrainerError("A reward_spec needs the trainer's config as args=")
    args = copy.copy(options["args"])
    args.reward_weights = spec.weights(0)
    if hasattr(args, "multi_objective_aggregation"):
        args.multi_objective_aggregation = spec.aggregation
    return {**options, "args": args, "reward_funcs": _named(spec)}


def _named(spec: RewardSpec) -> list[Any]:
    """Functions of the spec under the names of the spec."""
    return [_Named(item.function, item.key) if item.name else item.function for item in spec.rewards]


class _Named:
    """A reward under another name in the logs."""

    def __init__(self, reward: Callable[..., Any], name: str) -> None:
        self.reward = reward
        self.__name__ = name

    def __call__(self, **columns: Any) -> Any:
        return self.reward(**columns)


def _local(values: Tensor, rollout: Rollout) -> Tensor:
    """Rows of this process.

    Raises:
        TrainerError: for a shape that is neither `[n]` nor `[b, T]`, or values that are not finite.
    """
    grid = rollout.batch["completion_mask"].shape
    if values.shape == (len(rollout.rewards),):
        values = values[rollout.local]
    elif values.shape != grid:
        raise TrainerError(
            f"The advantage is {list(values.shape)}; it must be [{len(rollout.rewards)}] or {list(grid)}"
        )
    if not values.isfinite().all():
        raise TrainerError(
            "The advantage has values that are not finite", help="Rewards can be NaN: leave them out"
        )
    return values


METHODS = {"sft": "SFT", "dpo": "DPO", "grpo": "GRPO", "rloo": "RLOO"}


def classes(method: str) -> tuple[Any, Any]:
    """Trainer and config of a method: ours where there is one, TRL's otherwise."""
    name = METHODS[method]
    trainer = {"grpo": GRPOTrainer, "rloo": RLOOTrainer}.get(method) or getattr(trl, f"{name}Trainer")
    return trainer, getattr(trl, f"{name}Config")


def _base(model: Any) -> Any:
    """Return the causal language model itself, which TRL patches too, under PEFT's wrapper."""
    return (
        model.get_base_model()
        if hasattr(model, "peft_config") and hasattr(model, "get_base_model")
        else model
    )


def add_cpu_head(model: Any, temperature: float) -> bool:
    """Score completions by `fused.token_logps` on CPU, where TRL's head computes every position, prompts included.

    A model that scales or caps its logits, or returns router logits, keeps TRL's head, and so does every other
    device. Calls without `fused_lm_head=True` are unchanged.

    Returns:
        Whether the head was replaced.
    """
    config = model.config.get_text_config()
    scaled = any(getattr(config, name, None) is not None for name in SCALED)
    if scaled or getattr(config, "output_router_logits", False) or model.device.type != "cpu":
        return False
    theirs = model.forward

    @functools.wraps(type(model).forward)
    def forward(
        self: Any, *args: Any, fused_lm_head: bool = False, labels: Tensor | None = None, **options: Any
    ) -> Any:
        ours = fused_lm_head and "shift_labels" not in options and not options.get("output_router_logits")
        if not ours or labels is None or labels.device.type != "cpu":
            return theirs(*args, fused_lm_head=fused_lm_head, labels=labels, **options)
        hidden = self.base_model(*args, **{**options, "use_cache": False}).last_hidden_state[:, :-1]
        return _scores(hidden, self.get_output_embeddings(), labels[:, 1:], temperature)

    model.forward = types.MethodType(forward, model)
    return True


def _scores(hidden: Tensor, layer: Any, labels: Tensor, temperature: float) -> Any:
    keep = labels != -100
    head = Head(layer.weight, layer.bias, temperature)
    scores = token_logps(hidden[keep], head, labels[keep])
    logp, entropy = (value.new_zeros(keep.shape).masked_scatter(keep, value) for value in scores)
    loss = -logp.sum() / keep.sum().clamp(min=1)
    return FusedCausalLMOutput(loss=loss, log_probs=logp, entropy=entropy, label_mask=keep)
