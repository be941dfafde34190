import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airskills.grokking import stats
from airskills.grokking.errors import GrokkingError
from airskills.grokking.stats import Times

with warnings.catch_warnings():  # a reference for the tests; its warnings are not ours
    warnings.simplefilter("ignore")
    from lifelines import KaplanMeierFitter
    from lifelines.statistics import logrank_test
    from lifelines.utils import restricted_mean_survival_time

# Times 200 and 250, two of four runs not within 2,000 steps.
HALF = Times.of([200, 250, None, None], 2_000)
SAMPLES = st.lists(st.tuples(st.integers(1, 50), st.booleans()), min_size=1, max_size=15)


def sample(pairs: Any) -> Any:
    return Times(np.array([p[0] for p in pairs], float), np.array([p[1] for p in pairs], bool))


def test_kaplan_meier_by_hand() -> None:
    times, share = stats.kaplan_meier(HALF)

    assert times.tolist() == [200, 250, 2_000]
    assert share.tolist() == [0.75, 0.5, 0.5]


def test_restricted_mean_by_hand_is_not_the_mean_of_the_survivors() -> None:
    # (200 + 250 + 2000 + 2000) / 4; the mean of those that made it would be 225
    assert stats.rmst(HALF, 2_000) == 1_112.5


def test_median_is_reached_or_not() -> None:
    assert stats.median(HALF) == 250
    assert stats.median(Times.of([200, None, None], 2_000)) is None


def test_early_censoring_is_not_an_event() -> None:
    # One run seen to 10 only, one grokked at 20: share 1 until 20, then 0 (one at risk); the area to 30 is 20.
    times = Times(np.array([10.0, 20.0]), np.array([False, True]))

    assert stats.rmst(times, 30) == 20


def test_a_time_after_the_horizon_is_censored_there() -> None:
    assert Times.of([900], 500).times.tolist() == [500]
    assert not Times.of([900], 500).events.any()


@given(SAMPLES)
def test_survival_and_restricted_mean_equal_lifelines(pairs: Any) -> None:
    ours = sample(pairs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = KaplanMeierFitter().fit(ours.times, ours.events)
        area = restricted_mean_survival_time(theirs, t=40)
    times, share = stats.kaplan_meier(ours)

    assert np.allclose(share, theirs.survival_function_at_times(times).to_numpy())
    assert stats.rmst(
        Times(np.minimum(ours.times, 40), ours.events & (ours.times <= 40)), 40
    ) == pytest.approx(area)


@given(SAMPLES, SAMPLES)
def test_log_rank_equals_lifelines(one: Any, two: Any) -> None:
    a, b = sample(one), sample(two)
    chi2, p = stats.log_rank(a, b)
    if chi2 == 0:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = logrank_test(a.times, b.times, a.events, b.events)

    assert chi2 == pytest.approx(theirs.test_statistic, abs=1e-8)
    assert p == pytest.approx(theirs.p_value)


def test_wilson_by_hand() -> None:
    # 8 of 10: center (.8 + 3.8415 / 20) / 1.38415 = .71674, half width .22659
    interval = stats.wilson(8, 10)

    assert [interval.low, interval.high] == pytest.approx([0.49016, 0.94332], abs=1e-4)


@pytest.mark.parametrize(("successes", "total"), [(0, 10), (10, 10), (0, 0)])
def test_wilson_stays_between_zero_and_one(successes: Any, total: Any) -> None:
    interval = stats.wilson(successes, total)

    assert 0 <= interval.low < interval.high <= 1


def test_equal_samples_have_the_ratio_one_without_spread() -> None:
    ratio = stats.rmst_ratio(HALF, HALF, 2_000, resamples=100)

    assert (ratio.value, ratio.low, ratio.high) == (1, 1, 1)


def test_pairing_removes_the_difference_between_seeds() -> None:
    # Every seed takes half as long: the paired ratio is exactly .5, though seeds differ by a factor of 30.
    slow: Any = [100, 300, 1_000, 3_000]
    ratio = stats.rmst_ratio(Times.of([t // 2 for t in slow], 5_000), Times.of(slow, 5_000), 5_000)

    assert (ratio.low, ratio.value, ratio.high) == (0.5, 0.5, 0.5)


def test_a_comparison_needs_the_same_seeds() -> None:
    with pytest.raises(GrokkingError, match="Paired comparison of 1 and 4 runs"):
        stats.rmst_ratio(Times.of([1], 10), HALF, 10)


def test_the_interval_covers_the_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    draws = rng.exponential(100, (200, 30))
    intervals = [stats.rmst_interval(Times.of(list(row), 10_000), 10_000, resamples=500) for row in draws]
    covered = np.mean([i.low <= 100 <= i.high for i in intervals])

    assert 0.87 <= covered <= 0.98


def test_the_interval_of_a_mean_by_hand() -> None:
    # Resamples of (1, 3) have the means 1, 2 and 3, a quarter, a half and a quarter of them.
    assert stats.mean_interval([1, 3]) == stats.Interval(2, 1, 3)
