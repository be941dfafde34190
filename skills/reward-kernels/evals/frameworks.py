"""The code of verl and OpenRLHF that calls a reward, from their wheels, without Ray and vLLM.

Install them with `uv pip install --no-deps verl==0.9.1 openrlhf==0.11.2`: the functions that run are theirs. What is
replaced is what they only pass through: Ray, OmegaConf, tensordict, the inference engine.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.util
import logging
import sys
import tempfile
import types
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from unittest.mock import MagicMock

import numpy as np
import torch

VERL_STUBS = ("ray", "ray.actor", "omegaconf", "tensordict", "verl.workers.reward_manager")
VERL_FOLDERS = ("utils", "experimental", "experimental.reward_loop", "trainer", "trainer.ppo")
PAD, EOS = "<|endoftext|>", "<|im_end|>"


@cache
def _folder(package: str) -> Path:
    """Where a package lies, without importing it; asked before it is replaced by a bare one."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"{package} is not installed: `uv pip install --no-deps {package}`")
    return Path(next(iter(spec.submodule_search_locations)))


def _bare(name: str, folder: Path, **names: Any) -> None:
    """A package whose modules can be imported, and whose own `__init__` never runs."""
    module = types.ModuleType(name)
    module.__path__ = [str(folder)]
    vars(module).update(names)
    sys.modules[name] = module


def verl(module: str) -> Any:
    """A module of verl by its dotted path below `verl`."""
    if "verl" not in sys.modules:
        folder = _folder("verl")
        _bare("verl", folder, DataProto=object)
        for name in VERL_FOLDERS:
            _bare(f"verl.{name}", folder.joinpath(*name.split(".")))
        for name in VERL_STUBS:
            sys.modules.setdefault(name, MagicMock())
    return importlib.import_module(f"verl.{module}")


def verl_advantages() -> Any:
    """verl's module of advantages, `verl.trainer.ppo.core_algos`."""
    verl("utils.import_utils")
    for name in ("verl.workers", "verl.workers.config", "verl.trainer.config", "verl.utils.torch_functional"):
        sys.modules.setdefault(name, MagicMock())
    vars(sys.modules["verl.utils"]).update(as_torch_index=None, group_mean_std=None)
    return verl("trainer.ppo.core_algos")


class _Rows(list[Any]):
    """A `DataProto` as far as a reward manager reads it: slices are rows again."""

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return _Rows(found) if isinstance(key, slice) else found


class CharTokenizer:
    """One token per character; ids 1 and 2 are special."""

    special: ClassVar[dict[int, str]] = {1: PAD, 2: EOS}

    def encode(self, text: str) -> list[int]:
        """Ids of a text, without special tokens."""
        return [ord(character) + 10 for character in text]

    def __call__(self, text: str, **_: Any) -> dict[str, torch.Tensor]:
        return {"input_ids": torch.tensor([self.encode(text)])}

    def decode(self, ids: Any, *, skip_special_tokens: bool) -> str:
        """Text of ids."""
        special = {} if skip_special_tokens else self.special
        return "".join(special.get(i, "") if i < 10 else chr(i - 10) for i in map(int, ids))


def verl_score(
    function: Callable[..., Any],
    text: str,
    ground_truth: Any = "7",
    *,
    manager: str = "naive",
    extra_info: dict[str, Any] | None = None,
    reward_config: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """What verl's reward manager makes of one response: `reward_score` and `reward_extra_info`."""
    managers = verl("experimental.reward_loop.reward_manager")
    tokenizer = CharTokenizer()
    response = [*tokenizer.encode(text), 2]
    row = SimpleNamespace(
        batch={
            "prompts": torch.zeros(4),
            "responses": torch.tensor([*response, 1, 1]),
            "attention_mask": torch.tensor([1] * 4 + [1] * len(response) + [0, 0]),
        },
        non_tensor_batch={
            "data_source": "mine",
            "reward_model": {"ground_truth": ground_truth},
            "extra_info": extra_info or {},
        },
    )

    async def run() -> dict[str, Any]:
        config = SimpleNamespace(reward=reward_config or {})
        made = managers.get_reward_manager_cls(manager)(config, tokenizer, function)
        result: dict[str, Any] = await made.run_single(_Rows([row]))
        return result

    return asyncio.run(run())


def verl_batch(scores: list[Any]) -> torch.Tensor:
    """The tensor that verl puts the scores of a batch into, `[B, 3]`, each at the last of 2 tokens."""
    manager = verl("experimental.reward_loop.reward_manager").NaiveRewardManager
    batch = {
        "prompts": torch.zeros(len(scores), 4),
        "responses": torch.zeros(len(scores), 3),
        "attention_mask": torch.tensor([[1] * 6 + [0]] * len(scores)),
    }
    tensor: torch.Tensor = manager.assemble_rm_scores(SimpleNamespace(batch=batch), scores)
    return tensor


def verl_grpo(scores: list[float], group: int = 4, **options: Any) -> list[float]:
    """verl's GRPO advantages of scores, groups in a row."""
    rewards = torch.tensor(scores, dtype=torch.float32).unsqueeze(1)
    index = np.arange(len(scores)) // group
    compute = verl_advantages().compute_grpo_outcome_advantage
    advantages, _ = compute(rewards, torch.ones_like(rewards), index, **options)
    result: list[float] = advantages[:, 0].tolist()
    return result


def openrlhf(module: str) -> Any:
    """A module of OpenRLHF by its dotted path below `openrlhf`."""
    if "openrlhf" not in sys.modules:
        folder = _folder("openrlhf")
        for name in ("", "utils", "trainer", "trainer.ppo_utils"):
            _bare(f"openrlhf.{name}".rstrip("."), folder.joinpath(*name.split(".")))
        for name in ("aiohttp", "pylatexenc"):
            if importlib.util.find_spec(name) is None:
                sys.modules[name] = MagicMock()
    return importlib.import_module(f"openrlhf.{module}")


class _Engine:
    """Answers with one text."""

    def __init__(self, text: str) -> None:
        self.text = text

    async def generate(self, _ids: Any, _options: Any, **_: Any) -> SimpleNamespace:
        """The text, ended by EOS."""
        ids = [*CharTokenizer().encode(self.text), 2]
        output = SimpleNamespace(token_ids=ids, text=self.text, finish_reason="stop", logprobs=None)
        return SimpleNamespace(outputs=[output])


def openrlhf_score(source: str | Path, prompt: str, text: str, label: Any = "7") -> dict[str, Any]:
    """What OpenRLHF's rollout makes of one response: `reward`, `scores`, `extra_logs`.

    `source` is the text or the path of a file with `reward_func`.
    """
    agent = openrlhf("utils.agent")
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as folder:
        path = source if isinstance(source, Path) else Path(folder, "reward.py")
        if not isinstance(source, Path):
            path.write_text(source, encoding="utf-8")
        executor = agent.SingleTurnAgentExecutor(str(path))
        options = SimpleNamespace(max_tokens=256, logprobs=None)
        run = executor.execute(prompt, label, options, 4096, CharTokenizer(), _Engine(text))
        output = asyncio.run(run)
    return {key: output[key] for key in ("reward", "scores", "extra_logs")}


def openrlhf_text(path: str) -> str:
    """Text of a file of the wheel that cannot be imported without Ray."""
    return (_folder("openrlhf") / path).read_text(encoding="utf-8")


def openrlhf_usage(arguments: list[str]) -> None:
    """Parse arguments of `openrlhf.cli.train_ppo_ray` with its own parser; SystemExit where it refuses them."""
    source = openrlhf_text("cli/train_ppo_ray.py")
    start = source.index("    parser = argparse.ArgumentParser(")
    lines = source[start : source.index("args = parser.parse_args()")].splitlines()
    body = "\n".join(line.removeprefix("    ") for line in lines)
    names: dict[str, Any] = {"argparse": argparse, "datetime": datetime}
    exec(body, names)
    names["parser"].parse_args(arguments)
