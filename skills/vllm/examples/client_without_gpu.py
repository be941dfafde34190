# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "aiohttp==3.14.5",
#   "cachetools==8.0.2",
#   "cbor2==6.3.0",
#   "cloudpickle==3.1.3",
#   "compressed-tensors==0.17.0",
#   "einops==0.8.2",
#   "fastapi==0.136.1",
#   "ijson==3.6.0",
#   "llguidance==1.7.6",
#   "lm-format-enforcer==0.11.3",
#   "mistral-common==1.13.1",
#   "model-hosting-container-standards==0.1.16",
#   "msgspec==0.22.0",
#   "numpy==2.3.5",
#   "openai==3.57.0",
#   "opencv-python-headless==5.0.0.93",
#   "orjson==3.13.0",
#   "oss-harmony==0.0.11",
#   "partial-json-parser==0.2.1.1.post7",
#   "pillow==13.0.0",
#   "prometheus-client==0.26.0",
#   "prometheus-fastapi-instrumentator==8.1.0",
#   "psutil==7.2.2",
#   "py-cpuinfo==9.0.0",
#   "pybase64==1.5.1",
#   "pydantic==2.14.4",
#   "python-multipart==0.0.34",
#   "pyzmq==27.3.0",
#   "regex==2026.11.19",
#   "sentencepiece==0.2.3",
#   "setuptools==80.10.2",
#   "tiktoken==0.14.0",
#   "tokenizers==0.23.3",
#   "torch==2.13.0",
#   "transformers==5.20.2",
#   "uvicorn==0.54.0",
#   "uvloop==0.23.0",
#   "vllm==0.33.0",
#   "watchfiles==1.3.0",
#   "xgrammar==0.2.8",
# ]
# ///
"""One client against vllm's real HTTP server, on a machine without a GPU: chat, streaming, structured outputs, tools.

The engine behind the server draws random tokens under the grammar of each request (scripts/dry_server.py), so what is
asserted is the protocol: what reaches the engine, what is constrained, what is refused, and what is silently ignored.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from openai import BadRequestError, OpenAI

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "dry_server.py"
SCHEMA = {
    "type": "object",
    "properties": {"city": {"enum": ["Oslo", "Rome"]}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
ASKED = [{"role": "user", "content": "Where to, and for how long?"}]


def dry_server() -> Any:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("dry_server", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tool(*, strict: bool) -> dict[str, Any]:
    """A function with SCHEMA as its parameters."""
    return {"type": "function", "function": {"name": "trip", "parameters": SCHEMA, "strict": strict}}


def fits(text: str) -> bool:
    """Whether it is JSON of SCHEMA."""
    value = json.loads(text)
    return isinstance(value, dict) and set(value) == {"city", "days"} and value["city"] in {"Oslo", "Rome"}


def talk(client: OpenAI, seen: list[Any]) -> dict[str, int]:
    """All checks; counts for the last line."""

    def ask(**request: Any) -> Any:
        return client.chat.completions.create(
            **{"model": "tiny", "messages": ASKED, "max_tokens": 900, **request}
        )

    chunks = list(ask(stream=True, stream_options={"include_usage": True}, max_tokens=20))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text
    assert chunks[-1].usage.completion_tokens == len(text)
    assert (seen[-1].temperature, seen[-1].top_p) == (
        0.6,
        0.95,
    )  # of generation_config.json, not of the request

    schema = {"type": "json_schema", "json_schema": {"name": "trip", "schema": SCHEMA}}
    structured = [ask(response_format=schema).choices[0].message.content for _ in range(5)]
    assert all(map(fits, structured))
    choice = ask(extra_body={"structured_outputs": {"choice": ["yes", "no"]}}).choices[0].message.content
    assert choice in {"yes", "no"}

    old = ask(extra_body={"guided_choice": ["yes", "no"]}).choices[0].message.content  # removed in 0.12
    assert old not in {"yes", "no"}
    assert seen[-1].structured_outputs is None

    def called(*, strict: bool) -> list[str]:
        answers = [ask(tools=[tool(strict=strict)], tool_choice="required").choices[0] for _ in range(5)]
        assert {answer.finish_reason for answer in answers} == {"tool_calls"}
        return [answer.message.tool_calls[0].function.arguments for answer in answers]

    assert all(map(fits, called(strict=True)))
    loose = [arguments for arguments in called(strict=False) if not fits(arguments)]
    assert loose  # JSON of any kind
    pieces = [call for chunk in ask(tools=[tool(strict=True)], tool_choice="required", stream=True)
              if chunk.choices for call in chunk.choices[0].delta.tool_calls or []]  # fmt: skip
    assert pieces[0].function.name == "trip"
    assert fits("".join(piece.function.arguments or "" for piece in pieces))

    refused = 0
    for request in (
        {"tools": []},
        {"max_tokens": 5000},
        {"stream_options": {"include_usage": True}},
        {"temperature": -1},
    ):
        try:
            ask(**request)
        except BadRequestError:
            refused += 1
    assert refused == 4
    return {
        "constrained": len(structured) + 6,
        "loose": len(loose),
        "refused": refused,
        "requests": len(seen),
    }


def main(seed: int) -> None:
    """Start, talk, print one line."""
    dry = dry_server()
    dry.quiet_cpu()
    model = dry.tiny_model(Path(tempfile.mkdtemp()) / "tiny", temperature=0.6, top_p=0.95)
    words = [
        str(model),
        "--served-model-name",
        "tiny",
        "--enable-auto-tool-choice",
        "--tool-call-parser",
        "hermes",
    ]
    with dry.serving(words, seed) as (address, engine):
        client = OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)
        assert (client.models.list().data[0].model_extra or {})["max_model_len"] == 4096
        print(talk(client, engine.seen))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
