"""The methods of the benchmark: settings from their papers, and the box in which each may be tuned.

Every method gets the same number of trials; more knobs do not buy more trials.
"""

from dataclasses import dataclass, field

from airskills.grokking.config import Method, Surge, TaskCard
from airskills.grokking.errors import GrokkingError

LR = (1e-3, 0.1)  # log-uniform
DECAYS = (0.0, 0.03, 0.1, 0.3, 1.0, 2.0, 3.0)
BETAS = (0.95, 0.98, 0.99, 0.999)
Choices = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A method with the settings of its paper and its own knobs (choices) besides lr, decay and beta2."""

    default: Method
    knobs: dict[str, Choices] = field(default_factory=dict)
    decays: Choices = DECAYS
    softmax_only: bool = False

    def space(self) -> dict[str, Choices]:
        """All choices besides the learning rate; what the optimizer does not read is not searched."""
        betas = {} if self.default.optimizer == "sgd" else {"beta2": BETAS}
        return {"weight_decay": self.decays, **betas, **self.knobs}

    def applies(self, card: TaskCard) -> bool:
        """StableMax is defined only where the task's loss has a softmax."""
        return card.loss == "cross_entropy" or not self.softmax_only


_SURGE = Surge(interval=100, length=10, factor=1.0, share=0.5, refill=0.1)
_KINDS = {"surge": "magnitude", "surge_random": "random", "surge_none": "none"}

METHODS: dict[str, Entry] = {
    # Power et al. 2022: AdamW lr 1e-3, decay 1, beta2 .98.
    "adamw": Entry(Method(id="adamw", lr=1e-3, weight_decay=1.0)),
    # Lee et al. 2024, arXiv:2405.20233: the authors' scripts for modular multiplication.
    "grokfast_ema": Entry(
        Method(id="grokfast_ema", lr=1e-3, weight_decay=0.005, filter="ema", alpha=0.98, lamb=2.0),
        {"alpha": (0.8, 0.9, 0.95, 0.98, 0.99), "lamb": (0.1, 0.5, 1.0, 2.0, 5.0)},
    ),
    "grokfast_ma": Entry(
        Method(id="grokfast_ma", lr=1e-3, weight_decay=0.01, filter="ma", window=100, lamb=5.0),
        {"lamb": (0.1, 0.5, 1.0, 2.0, 5.0)},
    ),
    # Prieto et al. 2025, arXiv:2501.04697: no decay is the point; it may be tuned like anything else.
    "perpendicular": Entry(Method(id="perpendicular", lr=0.01, perpendicular=True)),
    "perpendicular_sgd": Entry(
        Method(id="perpendicular_sgd", optimizer="sgd", lr=0.1, momentum=0.9, perpendicular=True)
    ),
    "stablemax": Entry(Method(id="stablemax", lr=0.01, beta2=0.999, stablemax=True), softmax_only=True),
    "stablemax_perpendicular": Entry(
        Method(id="stablemax_perpendicular", lr=0.01, stablemax=True, perpendicular=True), softmax_only=True
    ),
    # Muon with the scaling that lets AdamW's learning rates carry over; decay as in torch.optim.Muon.
    "muon": Entry(Method(id="muon", optimizer="muon", lr=1e-3, weight_decay=0.1), {"momentum": (0.9, 0.95)}),
    # Neelakantan et al. 2015, arXiv:1511.06807: eta from {.01, .3, 1}.
    "noise": Entry(
        Method(id="noise", lr=1e-3, weight_decay=1.0, noise=0.01), {"noise": (1e-4, 1e-3, 0.01, 0.3, 1.0)}
    ),
    # Liu et al. 2022, arXiv:2210.01117: a smaller norm at the start.
    "small_init": Entry(
        Method(id="small_init", lr=1e-3, weight_decay=1.0, init_scale=0.5), {"init_scale": (0.1, 0.25, 0.5)}
    ),
} | {
    name: Entry(
        Method(id=name, lr=0.03, weight_decay=1.0, surge=_SURGE.model_copy(update={"collapse": kind}))
    )
    for name, kind in _KINDS.items()
}


def get(name: str) -> Entry:
    """Return a method by name.

    Raises:
        GrokkingError: if there is none.
    """
    if name not in METHODS:
        raise GrokkingError(f"Unknown method {name!r}; there are: {', '.join(METHODS)}")
    return METHODS[name]
