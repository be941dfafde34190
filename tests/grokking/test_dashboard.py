import json
import shutil
import sys
from http.client import HTTPConnection
from io import StringIO
from subprocess import Popen
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from airskills.grokking import dashboard, runner
from airskills.grokking.cli import group
from airskills.grokking.config import Method, RunSpec
from airskills.grokking.errors import GrokkingError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: Any) -> Any:
    out = tmp_path_factory.mktemp("watched")
    methods = Method(id="adamw", lr=0.03, weight_decay=1.0), Method(id="<b>slow</b>", lr=1e-3)
    specs = [RunSpec(task="add-31", method=m, seed=s, budget=40) for m in methods for s in (100, 101)]
    runner.write_json(out / "plan.json", {"tier": "smoke", "runs": 6})
    runner.run_all(specs, out, workers=1)
    batch = {
        "task": "message-31",
        "methods": ["adamw"],
        "step": 300,
        "budget": 600,
        "runs": 4,
        "seconds": 2.0,
    }
    runner.write_json(
        out / "progress" / "x.json", batch | {"memorized": 4, "generalized": 1, "train": 1, "test": 0.5}
    )
    return out


@pytest.fixture
def web(folder: Any) -> Any:
    with dashboard.server(folder) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def get(web: Any, path: Any, host: Any = "127.0.0.1") -> Any:
    connection = HTTPConnection("127.0.0.1", web.server_port, timeout=30)
    connection.request("GET", path, headers={"Host": f"{host}:{web.server_port}"})
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, body


def test_the_terminal_table_has_going_and_finished_runs(folder: Any) -> None:
    shown = StringIO()
    console = Console(width=140, file=shown)
    console.print(dashboard.table(dashboard.state(folder)))
    text = shown.getvalue()

    assert "4 of 6 runs finished" in text
    assert "300/600" in text
    assert "add-31" in text


def test_the_command_prints_once_and_names_a_missing_folder(folder: Any, tmp_path: Any) -> None:
    shown = CliRunner().invoke(group, ["watch", str(folder), "--once"])
    missing = CliRunner().invoke(group, ["watch", str(tmp_path / "none"), "--once"])

    assert (shown.exit_code, missing.exit_code) == (0, 2)
    assert "no such folder" in missing.output


def test_the_state_of_an_empty_folder_is_empty(tmp_path: Any) -> None:
    seen = dashboard.state(tmp_path)

    assert (seen["finished"], seen["active"], seen["cells"]) == (0, [], [])


def test_the_page_loads_nothing_from_elsewhere(web: Any) -> None:
    status, body = get(web, "/")

    assert status == 200
    assert "/*PLOTLY*/" not in body
    assert "<script src" not in body
    assert "<link" not in body.split("<script>", 1)[0]


def test_the_state_is_served_as_json(web: Any, folder: Any) -> None:
    status, body = get(web, "/state.json")

    assert status == 200
    assert json.loads(body) == dashboard.state(folder)


@pytest.mark.parametrize(
    ("path", "host", "status"), [("/../plan.json", "localhost", 404), ("/", "evil.example", 403)]
)
def test_other_paths_and_foreign_hosts_are_refused(web: Any, path: Any, host: Any, status: Any) -> None:
    assert get(web, path, host)[0] == status


def test_a_taken_port_is_named(web: Any, folder: Any) -> None:
    with pytest.raises(GrokkingError, match=f"Port {web.server_port} cannot be opened"):
        dashboard.server(folder, web.server_port)


@pytest.mark.slow
def test_the_page_follows_a_run_in_a_real_browser(tmp_path: Any) -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        pytest.skip("needs Chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    code = "from airskills.grokking.cli import group; group()"
    command = [
        sys.executable,
        "-c",
        code,
        "bench",
        "--tier",
        "smoke",
        "--out",
        str(tmp_path),
        "--workers",
        "1",
    ]
    tmp_path.joinpath("progress").mkdir()
    with (
        Popen(command) as running,
        dashboard.server(tmp_path) as server,
        playwright.sync_playwright() as tool,
    ):
        Thread(target=server.serve_forever, daemon=True).start()
        browser = tool.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        page.wait_for_selector("tr.active", timeout=120_000)
        page.wait_for_function(
            "document.querySelectorAll('#survival .scatterlayer .trace').length > 0", timeout=120_000
        )
        first = page.inner_text("#count")
        assert running.poll() is None  # the run is still going on
        page.wait_for_function(f"document.getElementById('count').textContent !== {first!r}", timeout=120_000)
        assert page.locator("#task option").count() >= 1
        assert errors == []
        browser.close()
        server.shutdown()
        running.terminate()
