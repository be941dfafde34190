"""The smallest task, and a method of each kind, for tests of the engine on a CPU and on a GPU."""

from airskills.grokking import tasks
from airskills.grokking.config import Method, Surge

SMALL = tasks.get("add-31")
METHODS = {
    "adamw": Method(lr=0.03, weight_decay=1.0),
    "sgd": Method(optimizer="sgd", lr=0.1, momentum=0.9),
    "muon": Method(optimizer="muon", lr=0.01, weight_decay=0.3),
    "grokfast_ema": Method(lr=0.01, filter="ema"),
    "grokfast_ma": Method(lr=0.01, filter="ma", window=5, lamb=1.0),
    "perpendicular": Method(lr=0.01, perpendicular=True),
    "stablemax": Method(lr=0.01, stablemax=True),
    "noise": Method(lr=0.01, noise=0.01),
    "surge": Method(lr=0.01, surge=Surge(interval=8, length=2, factor=3, collapse="random", refill=0.1)),
    "cosine": Method(lr=0.02, schedule="cosine"),
}
