"""A tiny model without weights, vllm's own parser and configuration, and its real HTTP server over random tokens."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import logging
import os
import shutil
import tempfile
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

os.environ |= {
    "VLLM_TARGET_DEVICE": "cpu",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "HF_HUB_OFFLINE": "1",
}

# Half a minute, most of it torch's compiler: imported here, once for all blocks and facts.
import openai
import uvicorn  # noqa: F401
import vllm.engine.arg_utils
import vllm.entrypoints.common.cli_args
import vllm.entrypoints.launchers.api_server.app_state
import vllm.entrypoints.launchers.app
import vllm.entrypoints.openai.chat_completion.protocol
import vllm.entrypoints.openai.completion.protocol
import vllm.model_executor.models.llama
import vllm.v1.engine.input_processor
import vllm.v1.structured_output.backend_xgrammar  # noqa: F401

warnings.simplefilter("ignore")
HERE = Path(__file__).resolve().parent
SCHEMA = {
    "type": "object",
    "properties": {"city": {"enum": ["Oslo", "Rome"]}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
STRICT = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA, "strict": True}}
HERMES = ("--enable-auto-tool-choice", "--tool-call-parser", "hermes")
MESSAGES = [{"role": "user", "content": "hi"}]


def prepare(root: str) -> dict[str, str]:
    """The skill's scripts, where each block begins."""
    shutil.copytree(
        HERE.parent / "scripts", Path(root) / "scripts", ignore=shutil.ignore_patterns("__pycache__")
    )
    return {}


@cache
def dry_server() -> Any:
    """scripts/dry_server.py as a module."""
    spec = importlib.util.spec_from_file_location("dry_server", HERE.parent / "scripts" / "dry_server.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tiny(**generation: Any) -> str:
    """Folder of a tiny model, with this generation_config.json."""
    return str(dry_server().tiny_model(Path(tempfile.mkdtemp()) / "tiny", **generation))


def flags(*words: str) -> Any:
    """What `vllm serve MODEL words` parses to; ValueError with its last line where it is refused."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return dry_server().parse(["model", *words])
    except SystemExit:
        raise ValueError(said.getvalue().strip()) from None


def engine_config(*words: str) -> Any:
    """The configuration that `vllm serve tiny words` ends with."""
    return dry_server().configure(dry_server().parse([tiny(), *words]))


@contextlib.contextmanager
def served(*words: str, **generation: Any) -> Iterator[Any]:
    """A client of a running server; `client.seen` are the sampling parameters that reached the engine."""
    with dry_server().serving([tiny(**generation), "--served-model-name", "tiny", *words]) as (address, dice):
        client = openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)
        client.seen, client.address = dice.seen, address
        yield client


def ask(client: Any, **request: Any) -> Any:
    """One chat completion of at most 200 tokens."""
    request = {"model": "tiny", "messages": MESSAGES, "max_tokens": 200, **request}
    return client.chat.completions.create(**request)


def status(client: Any, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str]]:
    """Status and headers, in lower case, of a plain request."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **headers}
    request = urllib.request.Request(client.address + path, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}
    except urllib.error.HTTPError as refused:
        return refused.code, {name.lower(): value for name, value in refused.headers.items()}


@contextlib.contextmanager
def logged(level: int = logging.WARNING) -> Iterator[list[str]]:
    """Messages that vllm logs meanwhile."""
    kept: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            kept.append(record.getMessage())

    logger, handler = logging.getLogger("vllm"), Keep(level)
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(level)
    try:
        yield kept
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
