"""Every Python that a skill starts imports this first: it answers SIGUSR2 with its stack, and may cut the network.

It writes no bytecode beside the skill's own files: a test leaves a skill as it was, down to the hash that trust rests on.

Where no network namespace is to be had, an audit hook refuses connections other than to this machine. It reaches child
Pythons and costs nothing, and does not see clients written in C or Rust: the report says that it was only a hook.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from importlib import import_module
from importlib.machinery import SourceFileLoader
from typing import Any

_write: Any = SourceFileLoader.set_data
_LOCAL = ("localhost", "::1", "", None)


def _set_data(loader: SourceFileLoader, path: str, data: bytes, **options: Any) -> None:
    if not path.startswith(f"{os.environ.get('AIRSKILLS_SKILL')}/"):
        _write(loader, path, data, **options)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        host = arguments[0]
    elif event in {"socket.connect", "socket.sendto", "socket.sendmsg"} and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return  # something else, or a socket that is a file
    text = host.decode(errors="replace") if isinstance(host, bytes) else host
    if text not in _LOCAL and not str(text).startswith("127."):
        raise ConnectionRefusedError(f"airskills cut the network: {event} to {text!r}")


faulthandler.register(signal.SIGUSR2, file=2, all_threads=False)
SourceFileLoader.set_data = _set_data  # type: ignore[assignment,method-assign]  # importlib writes cache files by it
if os.environ.get("AIRSKILLS_GUARD") == "hook":
    sys.addaudithook(_refuse)
if "AIRSKILLS_RECORD" in os.environ:
    import_module("airskills_recorder").start(os.environ["AIRSKILLS_SKILL"], os.environ["AIRSKILLS_RECORD"])
