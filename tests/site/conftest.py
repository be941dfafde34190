"""The site of this repository, built once as `make docs` builds it, served below a path of its own, in one browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
BELOW = "some/where"  # a site must not need to be at the root of its host
QUIET = {"NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"}


def run(*command: str, cwd: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=cwd,
        env={**os.environ, **QUIET},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `mkdocs.yml` finds all it names, with the tree written."""
    pytest.importorskip("mkdocs", reason="needs the group docs")
    work = tmp_path_factory.mktemp("docs")
    shutil.copy(REPOSITORY / "mkdocs.yml", work)
    for name in ("docs", "src"):
        (work / name).symlink_to(REPOSITORY / name)
    run("airskills", "site", str(REPOSITORY), "--out", str(work / "build" / "docs"), cwd=work)
    return work


@pytest.fixture(scope="session")
def site(work: Path) -> Path:
    """The folder of the built site."""
    out = work / "served" / BELOW
    run("mkdocs", "build", "--strict", "--quiet", "--site-dir", str(out), cwd=work)
    run("airskills", "export", str(REPOSITORY), "--site", str(out), cwd=work)
    return out


@pytest.fixture(scope="session")
def canary(work: Path) -> Path:
    """The same tree as Zensical builds it, without a warning."""
    pytest.importorskip("zensical", reason="needs the group docs")
    run("zensical", "build", "--strict", "--clean", cwd=work)
    return work / "site"


class Quiet(SimpleHTTPRequestHandler):
    """Serves without a log."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """Where the site is served."""
    root = site.parents[len(Path(BELOW).parts) - 1]
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/{BELOW}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium. It ends with its module: while it runs, asyncio takes this thread's loop for busy."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs chromium: apt-get install chromium")
    with playwright.sync_playwright() as tool:
        started = tool.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()
