import math
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from trl.rewards.other_rewards import get_repetition_penalty_reward, get_soft_overlong_punishment

from airskills.rl.errors import RewardParameterError
from airskills.rl.rewards import (
    DistinctN,
    LengthDistribution,
    LengthTarget,
    PatternMatch,
    RepetitionPenalty,
    SelfBleu,
    SoftOverlong,
    TokenEntropy,
)

RNG = np.random.default_rng(1)
ROWS = [RNG.zipf(1.3, n).clip(0, 128_000).tolist() for n in (0, 1, 2, 3, 40, 300, 700)]

# reward, rows, what they are worth by hand
BY_HAND = [
    (RepetitionPenalty(2), [[1, 2, 3], [5] * 5, [1]], [0.0, -0.75, 0.0]),  # [5]*5: 1 unique of 4
    (RepetitionPenalty(1, -2.0), [[1, 1], []], [-1.0, 0.0]),
    (DistinctN(1), [[1, 1, 2, 3], []], [0.75, None]),
    (TokenEntropy(), [[1, 1, 2, 2], [9]], [0.5, None]),  # log 2 / log 4
    (PatternMatch([[5, 5]], at_most=9), [[5, 5, 5], [5]], [2.0, 0.0]),  # overlapping
    (PatternMatch([[1], [2]], value=-1.0), [[3], [1, 2]], [0.0, -1.0]),
    (LengthTarget(4, 2), [[1] * 4, [1] * 3, [1] * 9, []], [0.0, -0.5, -1.0, -1.0]),
    (LengthDistribution(2.0, 1.0), [[1, 1], [1]], [1.0, math.exp(-0.5)]),
    (SoftOverlong(10, 4), [[1] * 6, [1] * 8, [1] * 10, [1] * 11], [0.0, -0.5, -1.0, -1.0]),
    (SoftOverlong(3, 0), [[1] * 3, [1] * 4], [0.0, -1.0]),
    # [1,2,3] against [1,2]: precisions 2/3 and 1/2, order 3 smoothed to 1/2; longer than the reference
    (SelfBleu(2), [[1, 2, 3], [1, 2]], [-((2 / 3 * 1 / 2 * 1 / 2) ** (1 / 3)), -math.exp(1 - 3 / 2)]),
    (SelfBleu(1), [[1, 2, 3]], [None]),
    (SelfBleu(2), [[], [1]], [None, 0.0]),
]


@pytest.mark.parametrize("backend", ["python", "numba"])
@pytest.mark.parametrize(
    ("reward", "rows", "expected"), BY_HAND, ids=[f"{case[0].__name__}-{i}" for i, case in enumerate(BY_HAND)]
)
def test_reward_is_what_the_formula_says(reward: Any, rows: Any, expected: Any, backend: Any) -> None:
    scores = replace(reward, backend=backend)(completion_ids=rows, prompts=None)

    assert [score is None for score in scores] == [value is None for value in expected]
    assert [s for s in scores if s is not None] == pytest.approx(
        [v for v in expected if v is not None], rel=1e-12
    )


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_repetition_penalty_equals_trl_to_the_last_bit(n: Any) -> None:
    assert RepetitionPenalty(n)(ROWS) == get_repetition_penalty_reward(n, -1.0)(completion_ids=ROWS)


@pytest.mark.parametrize(("length", "cache"), [(300, 100), (40, 0), (700, 700)])
def test_soft_overlong_equals_trl(length: Any, cache: Any) -> None:
    assert SoftOverlong(length, cache)(ROWS) == get_soft_overlong_punishment(length, cache)(
        completion_ids=ROWS
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RepetitionPenalty(0), "ngram_size is 0; it must be a whole number, 1 or more"),
        (lambda: RepetitionPenalty(2.5), "ngram_size is 2.5; it must be a whole number"),  # type: ignore[arg-type]
        (lambda: RepetitionPenalty(3, float("-inf")), "max_penalty is -inf; it must be finite"),
        (lambda: RepetitionPenalty(3, 0.5), "max_penalty is 0.5; it must be 0 or negative"),
        (lambda: DistinctN(0), "n is 0"),
        (lambda: DistinctN("2"), "n is '2'; it must be a whole number"),  # type: ignore[arg-type]
        (lambda: PatternMatch([]), "one or more non-empty token sequences"),
        (lambda: PatternMatch([[]]), "must be one or more non-empty token sequences"),
        (lambda: PatternMatch([[1]], at_most=0), "at_most is 0"),
        (lambda: PatternMatch([[1]], value=float("nan")), "value is nan; it must be finite"),
        (lambda: SelfBleu(0), "group_size is 0"),
        (lambda: SelfBleu(2, scale=float("inf")), "scale is inf"),
        (lambda: SelfBleu(2, threads=2), "one thread"),
        (
            lambda: SelfBleu(2)([[1]]),
            "1 completions cannot be split into groups of 2. Set group_size to the trainer's",
        ),
        (lambda: LengthTarget(-1, 1), "target is -1"),
        (lambda: LengthTarget(1, 0), "tolerance is 0"),
        (lambda: LengthDistribution(1, 0), "std is 0"),
        (lambda: LengthDistribution(float("nan"), 1), "mean is nan"),
        (lambda: SoftOverlong(4, 5), r"cache is 5; it must be 0 to max_length \(4\)"),
    ],
)
def test_a_parameter_out_of_range_is_refused(make: Any, message: Any) -> None:
    with pytest.raises(RewardParameterError, match=message):
        make()


def test_repetition_penalty_is_at_least_five_times_as_fast_as_trl() -> None:
    rows = [RNG.zipf(1.2, 512).clip(0, 128_000).tolist() for _ in range(512)]
    peer, ours = get_repetition_penalty_reward(3, -1.0), RepetitionPenalty(3)
    assert peer(completion_ids=rows) == ours(rows)
    ratios = [_seconds(lambda: peer(completion_ids=rows)) / _seconds(lambda: ours(rows)) for _ in range(7)]

    assert max(ratios) >= 5


def _seconds(call: Any) -> Any:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
