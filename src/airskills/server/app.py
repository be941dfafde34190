"""The server put together, and run on standard input and output or over HTTP."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Any

# FastMCP reads a `.env` of the working folder: whatever project an agent works in would configure the server.
os.environ["FASTMCP_ENV_FILE"] = os.devnull

import anyio
import mcp_types
import uvicorn
from fastmcp import FastMCP
from fastmcp.server.auth import AccessToken, TokenVerifier
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.server.middleware.rate_limiting import RateLimitingMiddleware
from mcp.server.transport_security import RequestBodyLimitMiddleware
from starlette.middleware import Middleware as AsgiMiddleware

from airskills import __version__
from airskills.errors import AirskillsError
from airskills.finding import Finding
from airskills.library import Library
from airskills.server.extension import SkillsExtension
from airskills.server.live import Live
from airskills.server.provider import SkillsProvider
from airskills.server.served import Catalogue
from airskills.server.tools import Tools
from airskills.toolbox import instructions

PATH = "/mcp"
MAX_BODY = 256 * 1024  # bytes of a request; the longest sensible one is a search of a few hundred
MAX_CONNECTIONS = 256
GRACE_SECONDS = 3


@dataclass(frozen=True)
class Http:
    """How to serve over HTTP.

    Attributes:
        host: address to listen on.
        port: its port; 0 takes a free one.
        token: what a host must send as bearer token; None asks for none.
        hosts: further names that may stand in the Host header.
        origins: further origins that may send requests from a browser.
        rate: requests per second of all hosts together, twice as many at once.
    """

    host: str
    port: int
    token: str | None = None
    hosts: Sequence[str] = field(default=())
    origins: Sequence[str] = field(default=())
    rate: float = 200.0


def build(live: Live, *, http: Http | None = None) -> FastMCP[Any]:
    """A server over the catalogue of `live`."""
    server: FastMCP[Any] = FastMCP(
        "airskills",
        instructions=instructions(list(live.catalogue.skills)),
        version=__version__,
        lifespan=_lifespan(live),
        auth=_Token(http.token) if http and http.token else None,
        mask_error_details=True,  # of a fault of ours nothing is told to a stranger; the log has it
        middleware=[_Connections(live), *([_limit(http.rate)] if http else [])],
    )
    server.add_provider(SkillsProvider(live, Tools(lambda: live.catalogue, local=http is None)))
    server.add_extension(SkillsExtension(live))
    # FastMCP 4.2 has no public way to serve this method of the protocol; a test holds the private one.
    server._mcp_server.add_request_handler(  # noqa: SLF001
        "subscriptions/listen", mcp_types.SubscriptionsListenRequestParams, live.listen
    )

    def say(catalogue: Catalogue) -> None:
        server.instructions = instructions(list(catalogue.skills))

    live.changed.append(say)
    return server


def serve_stdio(
    opened: Callable[[], Library], *, tell: Callable[[Finding], None], watch: bool = True
) -> None:
    """Serve one agent on standard input and output until its end closes."""
    server = build(Live(opened, tell=tell, watch=watch))
    anyio.run(lambda: server.run_stdio_async(show_banner=False, log_level="ERROR"))


def serve_http(
    opened: Callable[[], Library],
    http: Http,
    *,
    tell: Callable[[Finding], None],
    ready: Callable[[str], None],
    watch: bool = True,
) -> None:
    """Serve over streamable HTTP until the process is told to end; what is under way is finished first.

    Args:
        opened: opens the library anew.
        http: where and for whom.
        tell: is given each finding about a skill that is not served.
        ready: is given the address once connections are taken.
        watch: whether to follow changes.

    Raises:
        AirskillsError: the address cannot be listened on.
    """
    with listening(http) as listener:
        live = Live(opened, tell=tell, watch=watch)
        server = build(live, http=http)
        ready(url(http.host, listener.getsockname()[1]))
        for number in (
            signal.SIGTERM,
            signal.SIGINT,
        ):  # uvicorn ends in order and then raises the signal again
            signal.signal(number, lambda *_: None)
        anyio.run(lambda: _serve(server, live, http, listener))


def listening(http: Http) -> socket.socket:
    """A socket that listens on the address.

    Raises:
        AirskillsError: it cannot be had.
    """
    try:
        family, _, _, _, place = socket.getaddrinfo(http.host, http.port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(place[:2], family=family, backlog=MAX_CONNECTIONS)
    except OSError as error:
        raise AirskillsError(
            f"Cannot listen on {http.host}:{http.port}: {error.strerror}",
            help="Choose another address, or port 0 for a free one",
        ) from error


def url(host: str, port: int) -> str:
    """Address that a host connects to."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{PATH}"


async def _serve(server: FastMCP[Any], live: Live, http: Http, listener: socket.socket) -> None:
    app = server.http_app(
        path=PATH,
        host_origin_protection=True,
        allowed_hosts=list(http.hosts),
        allowed_origins=list(http.origins),
        middleware=[AsgiMiddleware(RequestBodyLimitMiddleware, max_body_size=MAX_BODY)],
    )
    config = uvicorn.Config(
        app,
        host=http.host,
        timeout_graceful_shutdown=GRACE_SECONDS,
        limit_concurrency=MAX_CONNECTIONS,
        log_level="critical",
        ws="none",
    )
    await _Uvicorn(config, live).serve(sockets=[listener])


class _Uvicorn(uvicorn.Server):
    """Tells the hosts that listen for changes that the end is meant, before it waits for them."""

    def __init__(self, config: uvicorn.Config, live: Live) -> None:
        super().__init__(config)
        self._live = live

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close their streams, then everything else."""
        self._live.listen.close()
        await super().shutdown(sockets)


def _lifespan(live: Live) -> Any:
    @asynccontextmanager
    async def lifespan(_server: FastMCP[Any]) -> AsyncGenerator[None]:
        async with live.running():
            yield

    return lifespan


def _limit(rate: float) -> Middleware:
    return RateLimitingMiddleware(max_requests_per_second=rate, global_limit=True)


class _Token(TokenVerifier):
    """One token that whoever starts the server gives to whom they like."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self._token = token.encode()

    async def verify_token(self, token: str) -> AccessToken | None:
        """Compare in a time that does not depend on where the texts differ."""
        known = compare_digest(token.encode(errors="replace"), self._token)
        return AccessToken(token=token, client_id="airskills", scopes=[]) if known else None


class _Connections(Middleware):
    """Notes the connections of hosts that are told of changes on them, until they close."""

    def __init__(self, live: Live) -> None:
        self._live = live

    async def on_initialize(
        self,
        context: MiddlewareContext[mcp_types.InitializeRequest],
        call_next: CallNext[mcp_types.InitializeRequest, mcp_types.InitializeResult | None],
    ) -> mcp_types.InitializeResult | None:
        """A handshake begins such a connection."""
        result = await call_next(context)
        if context.fastmcp_context is not None:
            connection = context.fastmcp_context.session._connection  # noqa: SLF001 - as FastMCP itself does
            connection.exit_stack.callback(self._live.connections.discard, connection)
            self._live.connections.add(connection)
        return result
