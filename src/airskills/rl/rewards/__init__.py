"""Rewards as small picklable objects with TRL's signature.

Each is a frozen dataclass: `reward(completions=..., completion_ids=..., **columns)` returns one `float` per
completion, or `None` where the reward does not apply. `reward.__name__` is the key in the trainer's logs.
"""

from airskills.rl.rewards.execution import CodeTests
from airskills.rl.rewards.formats import FormatMatch, JsonSchema, TagFormat
from airskills.rl.rewards.language import Readability, Sentiment, Similarity, ToxicWords
from airskills.rl.rewards.math_answer import MathAnswer
from airskills.rl.rewards.text import unproven
from airskills.rl.rewards.tokens import (
    DistinctN,
    LengthDistribution,
    LengthTarget,
    PatternMatch,
    RepetitionPenalty,
    SelfBleu,
    SoftOverlong,
    TokenEntropy,
)

__all__ = [
    "CodeTests",
    "DistinctN",
    "FormatMatch",
    "JsonSchema",
    "LengthDistribution",
    "LengthTarget",
    "MathAnswer",
    "PatternMatch",
    "Readability",
    "RepetitionPenalty",
    "SelfBleu",
    "Sentiment",
    "Similarity",
    "SoftOverlong",
    "TagFormat",
    "TokenEntropy",
    "ToxicWords",
    "unproven",
]
