"""A server in a process of its own, as an agent's host starts it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mcp_types
from anyio.from_thread import start_blocking_portal
from mcp import Client

SECRET = "the-secret-outside-every-skill"


def environment(home: Path, **more: str) -> dict[str, str]:
    """An environment with its own home, cache and state, in which this checkout is imported."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRSKILLS")}
    own = {"HOME": home, "AIRSKILLS_CACHE_DIR": home / "cache", "AIRSKILLS_STATE_DIR": home / "state"}
    return {**kept, **{name: str(value) for name, value in own.items()}, **more}


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "airskills", "serve", *map(str, arguments)]


@dataclass
class Served:
    """A running server: its process, its address once it is ready, and what it said on standard error."""

    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)
    ready: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return next(line.split()[-1] for line in self.said if line.startswith("Serving skills at "))

    def hear(self) -> None:
        """Read all that it says, so that it never waits for a reader."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if line.startswith("Serving skills at "):
                self.ready.set()
        self.ready.set()


@contextmanager
def over_http(home: Path, *arguments: str | Path, **more: str) -> Iterator[Served]:
    """A server on a free port of this machine."""
    process = subprocess.Popen(
        command("--http", "127.0.0.1:0", *arguments),
        env=environment(home, **more),
        cwd=home,
        stderr=subprocess.PIPE,
        text=True,
    )
    served = Served(process)
    hearing = threading.Thread(target=served.hear)
    hearing.start()
    try:
        served.ready.wait()
        yield served
    finally:
        process.terminate()
        process.wait(timeout=30)
        hearing.join()
        assert process.stderr is not None
        process.stderr.close()


class AnyParams(mcp_types.RequestParams, extra="allow"):
    """Whatever a request takes."""


class AnyResult(mcp_types.Result, extra="allow"):
    """Whatever it is answered with."""


async def ask(client: Client, method: str, params: dict[str, Any]) -> dict[str, Any]:
    """Send a request that the SDK may have no method for."""
    request: Any = mcp_types.Request(method=method, params=AnyParams.model_validate(params))
    result: Any = await client.session.send_request(request, AnyResult)
    return dict(result.model_dump(by_alias=True, mode="json"))


@contextmanager
def connected(url: str) -> Iterator[Callable[..., Any]]:
    """A connection that stays open; what is yielded calls a function of the client and waits for it."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(Client(url)) as client:
        yield lambda function, *arguments: portal.call(function, client, *arguments)


def library_of(root: Path) -> Path:
    """Three skills worth serving, one that is broken, one secret outside."""
    root.parent.joinpath("secret.txt").write_text(SECRET, encoding="utf-8")
    for name in ("alpha", "beta", "gamma"):
        folder = root / name
        (folder / "references" / "deep").mkdir(parents=True)
        folder.joinpath("SKILL.md").write_text(
            f"---\nname: {name}\ndescription: Tools of {name}. Use when {name} matters.\nlicense: MIT\n"
            f'metadata:\n  airskills-version: "1.0"\n---\n\n# {name}\n\nRead references/guide.md.\n',
            encoding="utf-8",
        )
        folder.joinpath("references", "guide.md").write_text(f"The guide of {name}: é ü.\n", encoding="utf-8")
        folder.joinpath("references", "deep", "data.bin").write_bytes(b"\xff\x00\xfe")
        folder.joinpath("a b#c.txt").write_text("spaces\n", encoding="utf-8")
        folder.joinpath("out.txt").symlink_to(root.parent / "secret.txt")
    broken = root / "broken"
    broken.mkdir()
    broken.joinpath("SKILL.md").write_bytes(b"\xff\xfe no frontmatter")
    return root
