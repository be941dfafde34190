"""The only module that imports TRL: its trainers with our rewards, advantages and fused head, and `train`.

Written against TRL 1.16. Every private name of TRL that is used here stands in `HOOKS`, and a test holds it against
the installed version.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import nullcontext
from importlib import import_module
from typing import Any, cast

import numpy as np
import torch
import trl
from torch import Tensor
from trl.trainer.utils import FusedCausalLMOutput

from airskills.rl.callbacks import TrainingMonitor
from airskills.rl.curriculum import Curriculum, CurriculumSampler
from airskills.rl.fused import on_policy_slopes
from airskills.rl.head import FusedHead
from airskills.rl.linear import Slopes
from airskills.rl.losses import TERMS, Objective, entropy_bonus, policy_loss
from airskills.rl.rollout import ADVANTAGES, Advantage, Rollout, TrainerError, local_rows, weighted_total
from airskills.rl.spec import RewardSpec

TESTED = "1.16"
# Private names of GRPOTrainer we override or read: the parameters we rely on, or `None` for an attribute.
HOOKS: dict[str, tuple[str, ...] | None] = {
    "_calculate_rewards": ("self", "inputs", "prompts", "completions", "completion_ids_list"),
    "_generate_and_score_completions": ("self", "inputs"),
    "_compute_loss": ("self", "model", "inputs"),
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
    "loss_type": None,
    "importance_sampling_level": None,
    "epsilon_low": None,
    "epsilon_high": None,
    "max_completion_length": None,
    "use_adaptive_entropy": None,
    "top_entropy_quantile": None,
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
    """TRL's `GRPOTrainer` with a reward spec, a choice of advantage, and a faster output layer.

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
            fused_head: replace TRL's output layer where ours is faster: on CPU, and on-policy on CUDA.
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
        exact = self.args.cast_lm_head_to_fp32
        self._head = FusedHead(FusedCausalLMOutput, self.temperature, exact=exact)
        for model in (self.model, self.ref_model) if fused_head else ():
            if model is not None:
                self._head.attach(_base(model))

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
            batch["advantages"] = local_rows(self._advantage(rollout), rollout).to(batch["advantages"])
        return batch

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> Tensor:
        """TRL's loss and metrics; on-policy our head forms its gradient in the forward pass."""
        with self._head.expecting(self._slopes(inputs)):
            return cast("Tensor", super()._compute_loss(model, inputs))

    def _slopes(self, inputs: dict[str, Any]) -> Slopes | None:
        """Gradient of TRL's loss at each completion token, `[B, T]`, where it can be known before the forward pass.

        But for one factor: both parts of the loss are divided by the number of accumulated batches, which is left out.
        """
        unknown = self.beta or self.use_adaptive_entropy or self.top_entropy_quantile < 1
        if unknown or "old_per_token_logps" in inputs or self.loss_type not in TERMS:
            return None
        mask = inputs["completion_mask"] * inputs.get("tool_mask", 1)
        tokens = inputs["num_items_in_batch"].clamp(min=1.0)
        normalizer = tokens / self.accelerator.num_processes / self.args.steps_per_generation

        def loss_of(logp: Tensor, entropy: Tensor) -> Tensor:
            loss = policy_loss(objective_of(self), logp, inputs["advantages"], mask, normalizer=normalizer)
            bonus: Tensor = self.entropy_coef * entropy_bonus(entropy, mask)
            return loss - bonus

        return on_policy_slopes(loss_of, mask.float())


def objective_of(trainer: Any) -> Objective:
    """The loss that a `GRPOTrainer` of TRL is configured for."""
    args = trainer.args
    return Objective(
        loss_type=trainer.loss_type,
        level=trainer.importance_sampling_level,
        epsilon_low=trainer.epsilon_low,
        epsilon_high=trainer.epsilon_high,
        delta=args.delta,
        sapo_temperature_pos=args.sapo_temperature_pos,
        sapo_temperature_neg=args.sapo_temperature_neg,
        vespo_k_pos=args.vespo_k_pos,
        vespo_lambda_pos=args.vespo_lambda_pos,
        vespo_k_neg=args.vespo_k_neg,
        vespo_lambda_neg=args.vespo_lambda_neg,
        beta=trainer.beta,
        bias_corrected_kl=args.use_bias_correction_kl,
        max_completion_length=trainer.max_completion_length,
    )


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
