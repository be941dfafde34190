# /// script
# requires-python = ">=3.11"
# dependencies = ["torch==2.13.0"]
# ///
"""The same student with and without a teacher, on a CPU and offline: labels alone against labels and soft answers.

Labels are drawn from ten classes with probabilities that depend on the input, so a label says less than the
probabilities. A teacher sees 3,000 labeled rows; the student sees 300 of them. Both arms choose step size and number of steps on
the same validation rows, with the same number of trials.
Run it as `python student_against_labels.py [SEED ...]`. It ends in assertions, and leaves nothing behind.
"""

from __future__ import annotations

import sys
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

INPUTS, CLASSES, ROWS, FEW = 20, 10, 3_000, 300
RATES, CHECKS = (0.003, 0.01, 0.03), (20, 40, 80, 120)
TEMPERATURE, SHARE = 2.0, 0.9  # share of the loss that is the teacher's


def world(seed: int) -> Any:
    """A function from a number of rows to inputs and drawn labels."""
    generator = torch.Generator().manual_seed(seed)
    first = torch.randn(INPUTS, 32, generator=generator) / INPUTS**0.5
    second = torch.randn(32, CLASSES, generator=generator)

    def draw(rows: int) -> tuple[Tensor, Tensor]:
        x = torch.randn(rows, INPUTS, generator=generator)
        chances = ((2 * x @ first).tanh() @ second * 0.7).softmax(1)
        return x, torch.multinomial(chances, 1, generator=generator).squeeze(1)

    return draw


def network(width: int, seed: int) -> nn.Sequential:
    """Two layers."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(INPUTS, width), nn.ReLU(), nn.Linear(width, CLASSES))


def distillation_loss(student: Tensor, targets: Tensor, teacher: Tensor | None) -> Tensor:
    """Cross-entropy with the labels, and T^2 KL(teacher || student) at temperature T where there is a teacher."""
    hard = functional.cross_entropy(student, targets)
    if teacher is None:
        return hard
    soft = functional.kl_div(
        (student / TEMPERATURE).log_softmax(1),
        (teacher / TEMPERATURE).log_softmax(1),
        reduction="batchmean",
        log_target=True,
    )
    return (1 - SHARE) * hard + SHARE * TEMPERATURE**2 * soft


def accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """Share of rows answered with the drawn label."""
    with torch.no_grad():
        answers: Tensor = model(x)
    right: Tensor = answers.argmax(1) == y
    return float(right.double().mean())


def fit(
    width: int,
    seed: int,
    train: Any,
    valid: Any,
    teacher: Tensor | None = None,
    rates: tuple[float, ...] = RATES,
) -> nn.Module:
    """The best of all rates and stopping points by validation accuracy."""
    best, kept = -1.0, network(width, seed)
    for rate in rates:
        model = network(width, seed)
        optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01, fused=True)
        for step in range(1, CHECKS[-1] + 1):
            optimizer.zero_grad()
            distillation_loss(model(train[0]), train[1], teacher).backward()
            optimizer.step()
            if step in CHECKS and (found := accuracy(model, *valid)) > best:
                best = found
                kept.load_state_dict(model.state_dict())
    return kept


def run(seed: int) -> tuple[float, float, float]:
    """Test accuracy of the teacher, of the student on labels, and of the student with the teacher."""
    draw = world(seed)
    many, valid, test = draw(ROWS), draw(500), draw(4_000)
    few = many[0][:FEW], many[1][:FEW]
    teacher = fit(64, seed, many, valid, rates=(0.01,))
    with torch.no_grad():
        soft: Tensor = teacher(few[0])
    plain, taught = fit(16, seed, few, valid), fit(16, seed, few, valid, soft)
    return accuracy(teacher, *test), accuracy(plain, *test), accuracy(taught, *test)


def main() -> None:
    """Five seeds, a line each."""
    torch.set_num_threads(1)
    gains = []
    for seed in [int(a) for a in sys.argv[1:]] or range(5):
        teacher, plain, taught = run(seed)
        gains.append(taught - plain)
        print(
            f"seed {seed}: teacher {teacher:.3f}, student on labels {plain:.3f}, with the teacher {taught:.3f}"
        )
    assert min(gains) > 0
    print(f"the teacher is worth {sum(gains) / len(gains):.3f} of accuracy on the same {FEW} rows")


if __name__ == "__main__":
    main()
