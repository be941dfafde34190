# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
"""Ask a running MLflow tracking server what its clients would stumble over (MLflow 3.17); nothing is written.

Asked are its version, whether it accepts the host names by which clients call it, and where experiments keep files.
"""

from __future__ import annotations

import argparse
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlparse

EXAMPLE = """example:
  python check_server.py http://127.0.0.1:5000
  python check_server.py http://10.0.0.5:5000 --host mlflow.example.com:5000 --client 3.17.2 --json

exit status: 0 nothing found, 1 something found, 2 the server does not answer.
"""
SEARCH = "/api/2.0/mlflow/experiments/search?max_results=200"


@dataclass(frozen=True)
class Finding:
    """One thing that clients would stumble over."""

    code: str
    what: str
    cure: str


def ask(address: str, path: str, host: str | None = None) -> tuple[int, str]:
    """Status and body of a GET; with another Host header if host is given."""
    request = urllib.request.Request(address + path, headers={"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode("utf-8")
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode("utf-8", "replace")


def versions(server: str, client: str | None) -> Iterator[Finding]:
    """A client that is newer than the server."""
    if client and release(client) > release(server):
        yield Finding("version", f"server {server} is older than client {client}, which is not supported",
                      "upgrade the server first (back up, mlflow db upgrade)")  # fmt: skip


def release(version: str) -> tuple[int, ...]:
    """(3, 17) of "3.17.2"."""
    return tuple(int(part) for part in version.split(".")[:2])


def hosts(address: str, names: list[str]) -> Iterator[Finding]:
    """Host names that the server refuses."""
    for name in names:
        status, body = ask(address, SEARCH, name)
        if status == 403 and "Host" in body:
            yield Finding("host", f"requests to {name} are refused with 403: {body.strip()}",
                          f"mlflow server --allowed-hosts '{name.partition(':')[0]},{name}'")  # fmt: skip


def places(experiments: list[dict[str, Any]], address: str) -> Iterator[Finding]:
    """Experiments whose files go to the disk of whoever logs them."""
    for experiment in experiments:
        place = experiment.get("artifact_location", "")
        if urlparse(place).scheme in ("", "file") and place:
            yield Finding("local-files", f"experiment {experiment['name']!r} keeps files in {place}: on each client's own disk",
                          f"mlflow server --artifacts-destination ... at {address}, and a new experiment")  # fmt: skip


def findings(address: str, names: list[str], client: str | None) -> tuple[str, list[Finding]]:
    """Version of the server, and everything found.

    Raises:
        OSError: The server cannot be reached.
        ValueError: What answers is no tracking server.
    """
    server = ask(address, "/version")[1].strip()
    status, body = ask(address, SEARCH)
    if status == 403 and "Host" in body:
        return server, list(hosts(address, [urlparse(address).netloc, *names]))
    experiments = json.loads(body).get("experiments", [])
    return server, [*versions(server, client), *hosts(address, names), *places(experiments, address)]


def main() -> int:
    """Print what is found."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("address", help="for example http://127.0.0.1:5000")
    parser.add_argument(
        "--host", action="append", default=[], help="a name[:port] by which clients call it; repeatable"
    )
    parser.add_argument("--client", help="version of mlflow on the clients")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    try:
        server, found = findings(args.address.rstrip("/"), args.host, args.client)
    except (OSError, ValueError) as error:
        print(f"error: {args.address} is no tracking server that answers: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps({"version": server, "findings": [asdict(one) for one in found]}))
    else:
        print(f"mlflow {server}")
        for one in found:
            print(f"{one.code}: {one.what}\n    cure: {one.cure}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
