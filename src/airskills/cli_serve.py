"""The command `serve`: the visible skills over the Model Context Protocol."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from airskills.cli_help import Command
from airskills.errors import AirskillsError
from airskills.library import Library

if TYPE_CHECKING:
    from airskills.finding import Finding

LOOPBACK = "127.0.0.1"


@click.command(cls=Command)
@click.option(
    "--http",
    "place",
    metavar="[HOST:]PORT",
    help="Serve over HTTP instead of standard input and output; on 127.0.0.1 unless told otherwise.",
)
@click.option("--token-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="With --http: hosts must send what this file holds as bearer token. Or set AIRSKILLS_TOKEN.")  # fmt: skip
@click.option("--allow-host", "hosts", multiple=True, metavar="NAME", help="With --http: a further name that requests may be addressed to. May be repeated.")  # fmt: skip
@click.option("--allow-origin", "origins", multiple=True, metavar="URL", help="With --http: an origin that may send requests from a browser. May be repeated.")  # fmt: skip
@click.option("--rate", type=click.FloatRange(min=1), default=200.0, show_default=True, help="With --http: requests per second.")  # fmt: skip
@click.option("--watch/--no-watch", default=True, help="Follow changes of the files.")
@click.option("--path", "paths", multiple=True, type=click.Path(exists=True), help="Use only the skills under this folder. May be repeated.")  # fmt: skip
@click.option("--trust/--no-trust", default=None, help="Show project skills, or hide them. Default: those trusted before with `airskills trust`.")  # fmt: skip
def serve(
    place: str | None,
    token_file: Path | None,
    hosts: tuple[str, ...],
    origins: tuple[str, ...],
    rate: float,
    watch: bool,
    paths: tuple[str, ...],
    trust: bool | None,
) -> None:
    """Serve the visible skills to agents over MCP: as skills, as resources, as tools and as prompts.

    What is left out is said on standard error. Ends when its input closes, or with SIGTERM.

    Examples:
      airskills serve
      airskills serve --path skills
      airskills serve --http 8765
      AIRSKILLS_TOKEN=secret airskills serve --http 0.0.0.0:8765 --allow-host skills.example.org
    """
    if place is None and (token_file or hosts or origins):
        raise click.UsageError("--token-file, --allow-host and --allow-origin need --http")
    address = _address(place) if place else None
    token = _token(token_file)
    if address and not token and not _is_loopback(address[0]):
        raise AirskillsError(
            f"{address[0]} can be reached from other machines, and no token is asked for",
            help="Set AIRSKILLS_TOKEN, give --token-file, or listen on 127.0.0.1",
        )
    from airskills.server import app

    def opened() -> Library:
        return Library.open(*paths, trust=trust)

    if address is None:
        app.serve_stdio(opened, tell=_tell, watch=watch)
        return
    http = app.Http(*address, token=token, hosts=hosts, origins=origins, rate=rate)
    app.serve_http(opened, http, tell=_tell, ready=_ready, watch=watch)


def _address(place: str) -> tuple[str, int]:
    """Host and port; a port alone is one of this machine."""
    host, colon, port = place.rpartition(":")
    host = host if colon else LOOPBACK
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise click.BadParameter(f"{place!r} is not [HOST:]PORT, such as 127.0.0.1:8765", param_hint="--http")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _token(file: Path | None) -> str | None:
    """The bearer token, never from the command line, which every user of the machine can read."""
    found = (
        file.read_text(encoding="utf-8").strip() if file else os.environ.get("AIRSKILLS_TOKEN", "").strip()
    )
    if file and not found:
        raise AirskillsError(f"{file} is empty", help="Write the token into it")
    return found or None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _tell(finding: Finding) -> None:
    click.echo(str(finding), err=True)


def _ready(url: str) -> None:
    click.echo(f"Serving skills at {url}", err=True)
