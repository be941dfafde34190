"""Stand-in for the training code: accuracy curves as a function of the settings. Do not change."""

from collections.abc import Iterator

STEPS = 40


def train(lr: float, decay: float) -> Iterator[float]:
    """Yield validation accuracy at each of 40 evaluations; a run with enough decay generalizes late."""
    onset = 12 + 20 * abs(lr - 0.6) + 6 * (1 - decay)
    for step in range(STEPS):
        early = 0.3 * (1 - decay)  # what is memorized by chance, highest where nothing will come
        yield 1.0 if decay > 0.3 and step >= onset else early


def steps_to_generalize(curve: list[float]) -> int:
    """Evaluations until the accuracy is 1; all of them if that never happens."""
    return next((i for i, value in enumerate(curve) if value >= 1.0), STEPS)
