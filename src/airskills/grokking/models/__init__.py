"""Networks: frozen descriptions with `init` (one run) and `forward` (all runs at once)."""

from airskills.grokking.models.gat import GraphAttention
from airskills.grokking.models.message import MessagePair
from airskills.grokking.models.mlp import TokenMLP, VectorMLP
from airskills.grokking.models.network import Network, Output, Params
from airskills.grokking.models.presets import BaseModel, FastGrokModel, NoiseModel
from airskills.grokking.models.transformer import Transformer

__all__ = [
    "BaseModel",
    "FastGrokModel",
    "GraphAttention",
    "MessagePair",
    "Network",
    "NoiseModel",
    "Output",
    "Params",
    "TokenMLP",
    "Transformer",
    "VectorMLP",
]
