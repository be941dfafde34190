# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
"""Run the real HTTP front end of the installed vllm on a machine without a GPU, over an engine that draws random tokens.

Flags, routes, validation, chat template, tool and reasoning parsers, errors and streaming are vllm's own. What is drawn
obeys the grammar that vllm compiles from the request, so that structured outputs and forced tool calls are valid; the
text means nothing. For tests of clients and of `vllm serve` command lines.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import socket
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi import FastAPI
    from transformers import PreTrainedTokenizerFast
    from vllm.config import VllmConfig
    from vllm.outputs import RequestOutput
    from vllm.sampling_params import SamplingParams
    from vllm.v1.structured_output.backend_types import StructuredOutputGrammar

EXAMPLE = """examples:
  python dry_server.py --tiny --port 8000
  python dry_server.py --tiny --check -- --tool-call-parser hermes --enable-auto-tool-choice --max-model-len 2K
  python dry_server.py /models/qwen3 --json --check -- --tensor-parallel-size 4

What follows -- goes to vllm as it is. --check stops after the configuration was made: exit status 0 accepted, 1 refused.
Parallel sizes, CUDA-only kernels and free memory are not looked at: the platform is "cpu". Sizes of batches that are not
given are those of a CPU; a GPU gets others, by its memory.
"""
TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def quiet_cpu() -> None:
    """What must be set before vllm is imported."""
    defaults = {"VLLM_TARGET_DEVICE": "cpu", "VLLM_LOGGING_LEVEL": "ERROR", "VLLM_NO_USAGE_STATS": "1"}
    for name, value in {**defaults, "HF_HUB_OFFLINE": "1", "VLLM_CPU_KVCACHE_SPACE": "1"}.items():
        os.environ.setdefault(name, value)


def tiny_model(folder: Path, **generation: Any) -> Path:
    """A folder with the configuration of a 2-layer Llama and a tokenizer of bytes; no weights."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    bpe = Tokenizer(models.BPE({letter: number for number, letter in enumerate(letters)}, []))
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token="<s>", eos_token="</s>", chat_template=TEMPLATE
    )
    fast.save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(fast), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=4096, bos_token_id=fast.bos_token_id, eos_token_id=fast.eos_token_id,
    )  # fmt: skip
    config.architectures = ["LlamaForCausalLM"]
    config.save_pretrained(folder)
    (folder / "generation_config.json").write_text(json.dumps(generation), encoding="utf-8")
    return folder


def parse(words: list[str]) -> argparse.Namespace:
    """The words of `vllm serve`, read and validated by vllm.

    Raises:
        SystemExit: vllm's parser refuses them.
        ValueError, TypeError: vllm's checks refuse them.
    """
    from vllm.entrypoints.common.cli_args import make_arg_parser, validate_parsed_serve_args
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    FlexibleArgumentParser.print_usage = lambda *_: None  # 300 lines
    parser = make_arg_parser(FlexibleArgumentParser(prog="vllm serve"))
    arguments = parser.parse_args(words)
    arguments.model = arguments.model_tag or arguments.model
    validate_parsed_serve_args(arguments)
    return arguments


def configure(arguments: argparse.Namespace) -> VllmConfig:
    """The configuration of the engine, as vllm would make it on a CPU.

    Raises:
        ValueError: vllm refuses it.
    """
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.model_executor.models.llama import LlamaForCausalLM
    from vllm.model_executor.models.registry import ModelRegistry
    from vllm.usage.usage_lib import UsageContext

    ModelRegistry.register_model(
        "LlamaForCausalLM", LlamaForCausalLM
    )  # else a process of its own looks at the class

    return AsyncEngineArgs.from_cli_args(arguments).create_engine_config(UsageContext.OPENAI_API_SERVER)


class Dice:
    """Takes the place of vllm's engine: draws tokens, under a grammar where the request has one."""

    errored = is_stopped = False
    is_running = True
    dead_error = None

    def __init__(self, config: VllmConfig, seed: int) -> None:
        from vllm.renderers import renderer_from_config
        from vllm.v1.engine.input_processor import InputProcessor

        self.vllm_config, self.model_config = config, config.model_config
        self.renderer = renderer_from_config(config)
        self.input_processor = InputProcessor(config, self.renderer)
        self.tokenizer: PreTrainedTokenizerFast = self.renderer.tokenizer
        self.random = random.Random(seed)
        self.letters = [self.tokenizer.convert_tokens_to_ids(letter) for letter in "abcdefgh"]
        self.seen: list[SamplingParams] = []  # the sampling parameters of each request

    def __getattr__(self, name: str) -> Any:
        async def nothing(*_: Any, **__: Any) -> None:
            """Health, profiling, caches: nothing to do."""

        if name.startswith("_"):
            raise AttributeError(name)
        return nothing

    def check_admission(self, *_: Any, **__: Any) -> None:
        """Nobody is turned away."""

    async def get_supported_tasks(self) -> tuple[str, ...]:
        """Only text."""
        return ("generate",)

    def grammar(self, params: SamplingParams) -> StructuredOutputGrammar | None:
        """The grammar of a request, or None."""
        from vllm.v1.structured_output.backend_xgrammar import XgrammarBackend
        from vllm.v1.structured_output.request import get_structured_output_key

        if params.structured_outputs is None:
            return None
        backend = XgrammarBackend(self.vllm_config, tokenizer=self.tokenizer, vocab_size=len(self.tokenizer))
        return backend.compile_grammar(*get_structured_output_key(params.structured_outputs))

    def draw(self, params: SamplingParams) -> Iterator[int]:
        """Token ids until the end token, the limit, or the end of the grammar; what closes something comes soon."""
        import numpy as np
        import torch

        grammar = self.grammar(params)
        end = self.tokenizer.eos_token_id
        closing = {*map(self.tokenizer.convert_tokens_to_ids, '"}]'), end}
        plain = {*self.letters, *map(self.tokenizer.convert_tokens_to_ids, ",:1"), *closing}
        mask = torch.zeros(1, -(-len(self.tokenizer) // 32), dtype=torch.int32)
        for step in range(params.max_tokens):
            allowed = {*self.letters, end} if step > 7 else {*self.letters}
            if grammar is not None:
                grammar.fill_bitmask(mask, 0)
                bits = np.unpackbits(mask.numpy().view(np.uint8), bitorder="little")[: len(self.tokenizer)]
                allowed = {*np.flatnonzero(bits).tolist()}
                allowed = (allowed & closing if step > 40 else ()) or allowed & plain or allowed
            token = self.random.choice(sorted(allowed))
            if grammar is not None:
                grammar.accept_tokens("", [token])
            if token == end:
                return
            yield token
            if grammar is not None and grammar.is_terminated():
                return

    async def generate(
        self, prompt: Any, params: SamplingParams, request_id: str, **_: Any
    ) -> AsyncIterator[RequestOutput]:
        """What vllm's engine would give: pieces while streaming, else one output."""
        from vllm.outputs import CompletionOutput, RequestOutput
        from vllm.sampling_params import RequestOutputKind

        request = self.input_processor.process_inputs(request_id, prompt, params, ("generate",))
        params = request.sampling_params
        self.seen.append(params)
        tokens = [list(self.draw(params)) for _ in range(params.n)]
        ends = ["length" if len(drawn) >= params.max_tokens else "stop" for drawn in tokens]
        steps = max(map(len, tokens)) if params.output_kind is RequestOutputKind.DELTA else 0
        for step in range(steps):
            pieces = [
                CompletionOutput(i, self.tokenizer.decode([drawn[step]]), [drawn[step]], None, None)
                for i, drawn in enumerate(tokens) if step < len(drawn)
            ]  # fmt: skip
            yield RequestOutput(request_id, None, request.prompt_token_ids, None, pieces, finished=False)
            await asyncio.sleep(0)
        whole = [
            CompletionOutput(i, "" if steps else self.tokenizer.decode(drawn), [] if steps else drawn, None, None, finish_reason=end)
            for i, (drawn, end) in enumerate(zip(tokens, ends, strict=True))
        ]  # fmt: skip
        yield RequestOutput(request_id, None, request.prompt_token_ids, None, whole, finished=True)


async def application(arguments: argparse.Namespace, dice: Dice) -> FastAPI:
    """vllm's application, as `vllm serve` builds it."""
    from vllm.entrypoints.launchers.api_server.app_state import init_app_state
    from vllm.entrypoints.launchers.app import build_app

    tasks = await dice.get_supported_tasks()
    app = build_app(arguments, tasks, dice.model_config)
    await init_app_state(dice, app.state, arguments, tasks)
    return app


@contextlib.contextmanager
def serving(words: list[str], seed: int = 0, port: int = 0) -> Iterator[tuple[str, Dice]]:
    """A running server in a thread: its address, and its engine."""
    import uvicorn

    arguments = parse(words)
    dice = Dice(configure(arguments), seed)
    bound = socket.create_server(("127.0.0.1", port))
    started = threading.Event()
    servers: list[uvicorn.Server] = []

    async def run() -> None:
        app = await application(arguments, dice)
        servers.append(uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off")))
        started.set()
        await servers[0].serve(sockets=[bound])

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    try:
        while not started.wait(0.1):
            if not thread.is_alive():
                raise RuntimeError("the server ended while it started")
        yield f"http://127.0.0.1:{bound.getsockname()[1]}", dice
    finally:
        for server in servers:
            server.should_exit = True
        thread.join(10)
        bound.close()


def main() -> int:
    """Command line."""
    own = sys.argv[1 : sys.argv.index("--")] if "--" in sys.argv else sys.argv[1:]
    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE, formatter_class=formatter)
    parser.add_argument("model", nargs="?", help="folder with config.json and tokenizer, as for vllm serve")
    parser.add_argument("--tiny", action="store_true", help="make a tiny model in a temporary folder")
    parser.add_argument("--check", action="store_true", help="make the configuration, serve nothing")
    parser.add_argument("--port", type=int, default=8000, help="on 127.0.0.1 (default: 8000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args(own)
    if bool(given.model) == given.tiny:
        parser.error("give a model, or --tiny")
    quiet_cpu()
    model = given.model or str(tiny_model(Path(tempfile.mkdtemp()) / "tiny"))
    if given.check:
        return check([model, *words], as_json=given.json)
    with serving([model, *words], given.seed, given.port) as (address, _):
        print(
            json.dumps({"address": address})
            if given.json
            else f"{address}/v1 serves random tokens; Ctrl+C ends it",
            flush=True,
        )
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
    return 0


def check(words: list[str], *, as_json: bool) -> int:
    """Print what vllm makes of the words."""
    try:
        given = parse(words)
        config = configure(given)
    except SystemExit:
        return 1  # the parser has said why
    except (ValueError, TypeError) as refused:
        print(json.dumps({"accepted": False, "why": str(refused)}) if as_json else f"refused: {refused}")
        return 1
    cache, scheduler = config.cache_config, config.scheduler_config
    said = {
        "accepted": True,
        "max_model_len": config.model_config.max_model_len,
        "max_num_seqs": scheduler.max_num_seqs
        if given.max_num_seqs
        else None,  # else by the memory of the GPU
        "max_num_batched_tokens": scheduler.max_num_batched_tokens if given.max_num_batched_tokens else None,
        "enable_prefix_caching": cache.enable_prefix_caching,
        "gpu_memory_utilization": cache.gpu_memory_utilization,
        "quantization": config.model_config.quantization,
        "sampling_defaults": config.model_config.get_diff_sampling_param(),
    }
    print(json.dumps(said) if as_json else "\n".join(f"{name}: {value}" for name, value in said.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
