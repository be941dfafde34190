"""Rewards that read token ids: independent of language and tokenizer, computed by the kernels."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, ClassVar

import numpy as np

from airskills.rl import backends
from airskills.rl.batch import Float64, TokenBatch, ingest
from airskills.rl.errors import RewardParameterError


def require(condition: bool, message: str) -> None:  # noqa: FBT001 - reads like assert
    """Raise `RewardParameterError` unless the condition holds."""
    if not condition:
        raise RewardParameterError(message)


def require_count(name: str, value: Any, least: int = 1) -> None:
    """Raise `RewardParameterError` unless the value is a whole number of at least `least`."""
    require(
        isinstance(value, Integral) and int(value) >= least,
        f"{name} is {value!r}; it must be a whole number, {least} or more",
    )


def require_finite(name: str, value: float) -> None:
    """Raise `RewardParameterError` unless the value is a finite number."""
    require(
        isinstance(value, int | float) and math.isfinite(value), f"{name} is {value!r}; it must be finite"
    )


def as_rewards(scores: Float64) -> list[float | None]:
    """`[B]` to a list, NaN to `None`."""
    values: list[float | None] = scores.tolist()
    if np.isnan(scores).any():
        return [None if value != value else value for value in values]  # noqa: PLR0124 - NaN is the value unequal to itself
    return values


@dataclass(frozen=True)
class TokenReward:
    """What the rewards below share: ingestion, choice of backend, conversion.

    Attributes:
        backend: name of the kernel backend, or `None` to choose.
        threads: shares of the batch computed at the same time.
    """

    backend: str | None = field(default=None, kw_only=True)
    threads: int = field(default=1, kw_only=True)
    __name__: ClassVar[str] = "token_reward"
    kernel: ClassVar[str | None] = None

    def __call__(self, completion_ids: Any, **columns: Any) -> list[float | None]:
        """Score each completion.

        Args:
            completion_ids: `list[list[int]]` or a `TokenBatch`; an empty batch gives an empty list.
            columns: the rest of what a trainer passes. `trainer_state` among it means that the same list goes to
                all rewards of the step, so that one ingestion serves them all.
        """
        return as_rewards(self.score(ingest(completion_ids, share="trainer_state" in columns)))

    def score(self, batch: TokenBatch) -> Float64:
        """`[B]`, NaN where the reward does not apply."""
        raise NotImplementedError

    @property
    def active_backend(self) -> str | None:
        """Name of the backend that will run, `None` if no kernel is needed."""
        return None if self.kernel is None else backends.resolve(self.kernel, self.backend)[1]

    def _run(self, batch: TokenBatch, *parameters: Any) -> Float64:
        assert self.kernel is not None  # noqa: S101 - a subclass that runs a kernel names it
        return backends.run(self.kernel, batch, *parameters, backend=self.backend, threads=self.threads)


@dataclass(frozen=True)
class RepetitionPenalty(TokenReward):
    r"""Penalty for repeated n-grams: $p\,(1 - \text{unique} / \text{total})$.

    Yeo et al. 2025, https://arxiv.org/abs/2502.03373, appendix C.2. A completion of fewer than `ngram_size` tokens
    gets 0. Equal to the last bit to TRL's `get_repetition_penalty_reward`.

    >>> RepetitionPenalty(ngram_size=2)([[1, 2, 3, 4], [5, 5, 5, 5, 5]])
    [0.0, -0.75]
    """

    ngram_size: int = 3
    max_penalty: float = -1.0
    __name__: ClassVar[str] = "repetition_penalty"
    kernel: ClassVar[str | None] = "unique_ngrams"

    def __post_init__(self) -> None:
        require_count("ngram_size", self.ngram_size)
        require_finite("max_penalty", self.max_penalty)
        require(self.max_penalty <= 0, f"max_penalty is {self.max_penalty}; it must be 0 or negative")

    def score(self, batch: TokenBatch) -> Float64:
        """`[B]`, in `[max_penalty, 0]`."""
        unique = self._run(batch, self.ngram_size)
        total = np.maximum(batch.lengths - self.ngram_size + 1, 0)
        share = np.where(total > 0, 1 - unique / np.maximum(total, 1), 0.0)
        return share * self.max_penalty + 0.0  # -0.0 becomes 0.0


@dataclass(frozen=True)
class DistinctN(TokenReward):
    """Share of different n-grams among all n-grams of the completion: 1 where nothing repeats.

    Distinct-1 and -2 of Li et al. 2016, https://arxiv.org/abs/1510.03055. `None` for fewer than `n` tokens.
    Falls with length by itself: compare completions of like length, or clip.

    >>> DistinctN(n=1)([[1, 1, 2, 3], []])
    [0.75, None]
    """

    n: int = 2
    kernel: ClassVar[str | None] = "unique_ngrams"

    def __post_init__(self) -> None:
        require_count("n", self.n)

    @property
    def __name__(self) -> str:  # type: ignore[override]  # with n, so that two of them have two curves in the log
        return f"distinct_{self.n}"

    def score(self, batch: TokenBatch) -> Float64:
        """`[B]`, in `(0, 1]`."""
        total = batch.lengths - self.n + 1
        return np.where(total > 0, self._run(batch, self.n) / np.maximum(total, 1), np.nan)


@dataclass(frozen=True)
class TokenEntropy(TokenReward):
    """Shannon entropy of the tokens within the completion, over the largest possible, `log(length)`.

    It measures variety of the text, not the policy's entropy. `None` for fewer than 2 tokens.

    >>> TokenEntropy()([[7, 7, 7], [1, 2, 3, 4], [1]])
    [0.0, 1.0, None]
    """

    __name__: ClassVar[str] = "token_entropy"
    kernel: ClassVar[str | None] = "token_entropy"

    def score(self, batch: TokenBatch) -> Float64:
        """`[B]`, in `[0, 1]`."""
        lengths = batch.lengths
        return np.where(lengths > 1, self._run(batch) / np.log(np.maximum(lengths, 2)), np.nan)


@dataclass(frozen=True)
class PatternMatch(TokenReward):
    """`value` for each occurrence of one of the token sequences, counted up to `at_most`.

    Occurrences may overlap. With a negative `value` it is a penalty for forbidden sequences.

    >>> PatternMatch([[1, 2], [9]], value=0.5)([[1, 2, 1, 2], [9], [2, 1]])
    [0.5, 0.5, 0.0]
    """

    patterns: Any
    value: float = 1.0
    at_most: int = 1
    __name__: ClassVar[str] = "pattern_match"
    kernel: ClassVar[str | None] = "pattern_count"

    def __post_init__(self) -> None:
        object.__setattr__(self, "patterns", tuple(tuple(pattern) for pattern in self.patterns))
        require(
            bool(self.patterns) and all(self.patterns),
            "patterns must be one or more non-empty token sequences",
        )
        require_finite("value", self.value)
        require_count("at_most", self.at_most)

    def score(self, batch: TokenBatch) -> Float64:
        """`[B]`, `value` times 0 to `at_most`."""
        wanted = TokenBatch.from_lists([list(pattern) for pattern in self.patterns])
        found = self._run(batch, wanted.ids, wanted.offsets)
        return np.minimum(found, self.at_most) * self.value + 0.0


@dataclass(frozen=True)
class SelfBleu(TokenReward):
    """How much a completion repeats the others of its group: `scale` times its BLEU against them.

    Zhu et al. 2018 (Texygen), https://arxiv.org/abs/1802.01886. Sentence BLEU on token ids with orders 1 to `max_n`
    as far as the completion has them, NIST smoothing (Chen and Cherry 2014, method 3), and the closest length.
    `None` for an empty completion, and where `group_size` is 1. Groups are contiguous, as TRL makes them.

    >>> SelfBleu(group_size=2)([[1, 2, 3, 4], [1, 2, 3, 4], [1, 2], [3, 4]])
    [-1.0, -1.0, 0.0, 0.0]
    """

    group_size: int
    max_n: int = 4
    scale: float = -1.0
    __name__: ClassVar[str] = "self_bleu"
    kernel: ClassVar[str | None] = "self_bleu"

    def __post_init__(self) -> None:
        require_count("group_size", self.group_size)
        require_count("max_n", self.max_n)
        require_finite("scale", self.scale)
        require(self.threads == 1, "SelfBleu compares rows of a group and runs on one thread")

    def score(self, batch: TokenBatch) -> Float64:
        """`[B]`, in `[scale, 0]` for a negative scale."""
        if len(batch) % self.group_size:
            raise RewardParameterError(
                f"{len(batch)} completions cannot be split into groups of {self.group_size}",
                help="Set group_size to the trainer's num_generations",
            )
        applies = (batch.lengths > 0) & (self.group_size > 1)
        return np.where(applies, self._run(batch, self.group_size, self.max_n) * self.scale + 0.0, np.nan)


@dataclass(frozen=True)
class LengthTarget(TokenReward):
    """0 at `target` tokens, falling linearly to -1 at `tolerance` tokens away, and no further.

    >>> LengthTarget(target=4, tolerance=2)([[1] * 4, [1] * 5, [1] * 9])
    [0.0, -0.5, -1.0]
    """

    target: int
    tolerance: int
    __name__: ClassVar[str] = "length_target"

    def __post_init__(self) -> None:
        require_count("target", self.target, least=0)
        require_count("tolerance", self.tolerance)

    def score(self, batch: TokenBatch) -> Float64:
        """`[B]`, in `[-1, 0]`."""
        return -np.minimum(np.abs(batch.lengths - self.target) / self.tolerance, 1.0) + 0.0


@dataclass(frozen=True)
class LengthDistribution(TokenReward):
    r"""Likelihood of the length under a normal distribution, relative to its mode: $e^{-(L-\mu)^2 / 2\sigma^2}$.

    >>> LengthDistribution(mean=3, std=1)([[1] * 3, [1] * 4])
    [1.0, 0.6065306597126334]
    """

    mean: float
    std: float
    __name__: ClassVar[str] = "length_distribution"

    def __post_init__(self) -> None:
        require_finite("mean", self.mean)
        require_finite("std", self.std)
        require(self.std > 0, f"std is {self.std}; it must be positive")

    def score(self, batch: TokenBatch) -> Float64:
        """`[B]`, in `[0, 1]`."""
        scores: Float64 = np.exp(-0.5 * ((batch.lengths - self.mean) / self.std) ** 2)
        return scores


@dataclass(frozen=True)
class SoftOverlong(TokenReward):
    """0 up to `max_length - cache` tokens, then falling linearly to -1 at `max_length`, and -1 beyond.

    Yu et al. 2025 (DAPO), https://arxiv.org/abs/2503.14476, equation 13. Equal to TRL's
    `get_soft_overlong_punishment`.

    >>> SoftOverlong(max_length=100, cache=20)([[1] * 80, [1] * 90, [1] * 101])
    [0.0, -0.5, -1.0]
    """

    max_length: int
    cache: int
    __name__: ClassVar[str] = "soft_overlong"

    def __post_init__(self) -> None:
        require_count("max_length", self.max_length)
        require_count("cache", self.cache, least=0)
        require(
            self.cache <= self.max_length,
            f"cache is {self.cache}; it must be 0 to max_length ({self.max_length})",
        )

    def score(self, batch: TokenBatch) -> Float64:
        """`[B]`, in `[-1, 0]`."""
        free = self.max_length - self.cache
        lengths = batch.lengths
        falling = (free - lengths) / max(self.cache, 1)
        return np.where(lengths <= free, 0.0, np.where(lengths <= self.max_length, falling, -1.0))
