"""A package index on this machine (PEP 691): what `drift` asks for releases and uv for wheels, without a network."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@contextmanager
def serving(house: Path, yanked: tuple[str, ...] = ()) -> Iterator[str]:
    """Serve the wheels in a folder; gives the address of the index.

    Args:
        house: the wheels, looked at anew for each question.
        yanked: file names that were withdrawn.
    """

    class Index(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.strip("/").split("/")[-1]
            if name.endswith(".whl"):
                self._answer((house / name).read_bytes(), "application/octet-stream")
                return
            files = [
                _row(path, path.name in yanked)
                for path in sorted(house.glob(f"{name.replace('-', '_')}-*.whl"))
            ]
            if not files:
                self.send_error(404)
                return
            page = {"meta": {"api-version": "1.0"}, "name": name, "files": files}
            self._answer(json.dumps(page).encode(), "application/vnd.pypi.simple.v1+json")

        def _answer(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/simple"
        finally:
            server.shutdown()


def _row(path: Path, yanked: bool) -> dict[str, object]:  # noqa: FBT001 - private
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {
        "filename": path.name,
        "url": f"../files/{path.name}",
        "hashes": {"sha256": digest},
        "yanked": yanked,
    }
