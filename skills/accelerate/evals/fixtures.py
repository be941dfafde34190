"""Two real processes on a CPU, loaders and models of a few numbers, for the blocks and facts of this skill."""

from __future__ import annotations

import contextlib
import io
import os
import socket
import tempfile
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator, debug_launcher
from torch.utils.data import DataLoader

os.environ.setdefault("OMP_NUM_THREADS", "1")


def two(work: Callable[[Accelerator], Any], **settings: Any) -> list[Any]:
    """What work(accelerator) returns in each of two gloo processes."""
    with tempfile.TemporaryDirectory() as folder:

        def run() -> None:
            warnings.simplefilter("ignore")
            accelerator = Accelerator(cpu=True, **settings)
            torch.save(work(accelerator), Path(folder) / str(accelerator.process_index))

        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            debug_launcher(run, num_processes=2)
        return [torch.load(Path(folder) / str(rank), weights_only=False) for rank in range(2)]


def launch(*flags: str, config: str = "") -> tuple[str, dict[str, str]]:
    """Which launcher `accelerate launch FLAGS train.py` takes, and the environment that the script would see."""
    from accelerate.commands import launch as command

    chosen: list[tuple[str, dict[str, str]]] = []
    command.simple_launcher = lambda args: chosen.append(
        ("one", command.prepare_simple_launcher_cmd_env(args)[1])
    )
    command.multi_gpu_launcher = lambda args: chosen.append(
        (str(args.num_processes), command.prepare_multi_gpu_env(args))
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        path.write_text(config, encoding="utf-8")
        given = [f"--config_file={path}"] if config else []
        command.launch_command(command.launch_command_parser().parse_args([*given, *flags, "train.py"]))
    return chosen[0]


def as_torchrun(work: Callable[[], Any]) -> list[Any]:
    """What work() returns in each of two processes with the variables that torchrun sets."""
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
        free.close()

        def run(rank: int) -> None:
            names = {"LOCAL_RANK": rank, "RANK": rank, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2}
            os.environ |= {name: str(value) for name, value in names.items()}
            os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "GLOO_SOCKET_IFNAME": "lo"}
            torch.save(work(), Path(folder) / str(rank))

        torch.multiprocessing.start_processes(run, nprocs=2, start_method="fork")
        return [torch.load(Path(folder) / str(rank), weights_only=False) for rank in range(2)]


def loader(rows: Iterable[Any] = range(16), batch: int = 2, **settings: Any) -> DataLoader[Any]:
    """A plain loader over numbers."""
    return DataLoader(list(rows), batch_size=batch, **settings)


def order(batches: Iterable[torch.Tensor]) -> list[list[int]]:
    """The rows of each batch."""
    return [batch.flatten().tolist() for batch in batches]


def line(weight: float = 0.0) -> torch.nn.Linear:
    """y = weight * x."""
    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(model.weight, weight)
    return model


def tiny_llama() -> Any:
    """Two random layers with tied embeddings."""
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "vocab_size": 32}
    return LlamaForCausalLM(
        LlamaConfig(num_attention_heads=2, num_key_value_heads=2, tie_word_embeddings=True, **sizes)
    )
