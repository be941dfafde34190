"""The message game with PettingZoo's parallel interface, for agents from elsewhere.

Two steps: agent `sender` sees a and acts a vector of numbers; then agent `receiver` sees b and the message and
acts a class. Both get 1 if it is (a + b) mod p. `part` chooses which joint states occur: those of the train part,
or those held out.
"""

from typing import Any, Literal

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from airskills.grokking.data import Data, Split
from airskills.grokking.models.message import MessagePair
from airskills.grokking.models.network import Params

Observations = dict[str, Any]
AGENTS = ["sender", "receiver"]


class MessageGame(ParallelEnv[str, Any, Any]):  # type: ignore[misc]  # pettingzoo ships no types
    """One joint state per episode, drawn from one part of the data."""

    metadata = {"name": "message_game_v0", "render_modes": []}  # noqa: RUF012 - PettingZoo reads it from the class

    def __init__(
        self, data: Data, states: int, *, channel: int = 16, part: Literal["train", "test"] = "train"
    ) -> None:
        self.rows: Split = getattr(data, part)
        self.states, self.channel = states, channel
        self.possible_agents = list(AGENTS)
        self.agents: list[str] = []
        self.render_mode = None
        self.rng = np.random.default_rng()
        message = spaces.Box(-1, 1, (channel,), np.float32)
        sight = spaces.Dict({"state": spaces.Discrete(states), "message": message})
        self.observation_spaces = dict.fromkeys(AGENTS, sight)
        self.action_spaces = {"sender": message, "receiver": spaces.Discrete(states)}

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        """Own state and the message heard (zeros before there is one)."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """Numbers in [-1, 1] for the sender, a class for the receiver."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observations, Observations]:
        """Draw a joint state; `options={"row": i}` takes row i of the part."""
        if seed is not None:
            self.rng = np.random.default_rng(seed)
        row = (options or {}).get("row", self.rng.integers(len(self.rows.targets)))
        self.state_pair = [int(v) for v in self.rows.inputs[int(row)]]
        self.wanted = int(self.rows.targets[int(row)])
        self.agents = list(AGENTS)
        self.message: NDArray[np.float32] | None = None
        return self._see(), self._infos()

    def step(self, actions: dict[str, Any]) -> tuple[Any, ...]:
        """First call: the sender's action becomes the message. Second call: the receiver's action is scored."""
        last = self.message is not None
        reward = float(last and int(actions["receiver"]) == self.wanted)
        if not last:
            self.message = np.clip(np.asarray(actions["sender"], np.float32), -1, 1)
        seen, infos = self._see(), self._infos()
        ended, cut = dict.fromkeys(AGENTS, last), dict.fromkeys(AGENTS, False)
        if last:
            self.agents = []
        return seen, dict.fromkeys(AGENTS, reward), ended, cut, infos

    def _see(self) -> Observations:
        heard = np.zeros(self.channel, np.float32) if self.message is None else self.message
        silent = np.zeros(self.channel, np.float32)
        a, b = self.state_pair
        return {"sender": {"state": a, "message": silent}, "receiver": {"state": b, "message": heard}}

    def _infos(self) -> dict[str, dict[str, Any]]:
        return {agent: {} for agent in AGENTS}

    def render(self) -> None:
        """Nothing is drawn."""


@torch.no_grad()
def cross_play(network: MessagePair, senders: Params, receivers: Params, rows: Split) -> float:
    """Accuracy of the senders of one run with the receivers of another, without noise, on [1, rows] of a part.

    High with its own partner and at chance with others': the code is a private convention.
    """
    message = network.speak(senders)[:, rows.inputs[0, :, 0]]
    logits = network.act(receivers, rows.inputs[..., 1], message).logits
    return float((logits.argmax(-1) == rows.targets).float().mean())
