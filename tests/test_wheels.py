"""Unpacking: what is kept, what is refused, what an interruption leaves. The index is a folder of small wheels."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from airskills import own, wheels
from airskills.errors import AirskillsError
from airskills.pins import Pin, parse_pins
from wheelhouse import make_wheel


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "house"
    folder.mkdir()
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    return folder


def unpack(text: str, tmp_path: Path, **options: Any) -> wheels.Unpacked:
    return wheels.unpack(parse_pins(text), cache=tmp_path / "cache", offline=True, **options)


def test_only_what_a_checker_reads_is_kept_and_the_console_scripts_are_known(
    house: Path, tmp_path: Path
) -> None:
    files = {
        "demo/__init__.py": "X = 1\n",
        "demo/typed.pyi": "",
        "demo/py.typed": "",
        "demo/native.so": "\x7fELF",
        "demo/data/words.txt": "a",
        "single.py": "",
        "space/inner/__init__.py": "",
    }
    made = make_wheel(house, "demo", "1.0", files, scripts={"demo-run": "demo.cli:main"})
    said: list[tuple[str, int, int]] = []
    found = unpack("demo==1.0", tmp_path, progress=lambda what, done, total: said.append((what, done, total)))
    wheel = found.wheels[Pin("demo", "1.0")]
    kept = {p.relative_to(wheel.root).as_posix() for p in wheel.root.rglob("*") if p.is_file()}
    code = {path for path in kept if ".dist-info/" not in path}
    assert code == {
        "demo/__init__.py",
        "demo/typed.pyi",
        "demo/py.typed",
        "single.py",
        "space/inner/__init__.py",
    }
    assert wheel.modules == ("demo", "single", "space.inner")
    assert wheel.console_scripts == {"demo-run": "demo.cli:main"}
    assert said == [("demo==1.0", made.stat().st_size, made.stat().st_size)]
    assert wheel.root.parent.name == wheel.sha256


def test_a_second_run_reads_the_cache_and_starts_no_process(
    house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(house, "demo", "1.0", {"demo/__init__.py": ""})
    first = unpack("demo==1.0", tmp_path)
    monkeypatch.setattr(wheels, "Installer", None)
    assert unpack("demo==1.0", tmp_path) == first


def test_what_cannot_be_had_is_a_reason_and_the_rest_is_unpacked(house: Path, tmp_path: Path) -> None:
    make_wheel(house, "demo", "1.0", {"demo/__init__.py": ""})
    make_wheel(house, "windows", "1.0", {"w/__init__.py": ""}, tag="cp312-cp312-win_amd64")
    found = unpack("demo==1.0 nowhere==3.0 demo-two==1.0 windows==1.0", tmp_path)
    assert list(found.wheels) == [Pin("demo", "1.0")]
    assert sorted(pin.name for pin in found.missing) == ["demo-two", "nowhere", "windows"]
    assert all(reason and "\n" not in reason for reason in found.missing.values())


def test_a_wheel_for_linux_serves_where_this_machine_has_none(house: Path, tmp_path: Path) -> None:
    make_wheel(house, "demo", "1.0", {"demo/__init__.py": ""}, tag="cp312-cp312-manylinux_2_17_x86_64")
    assert not unpack("demo==1.0", tmp_path).missing


def test_two_versions_of_one_distribution_need_two_roots(house: Path, tmp_path: Path) -> None:
    for version in ("1.0", "2.0"):
        make_wheel(house, "demo", version, {"demo/__init__.py": f"V = {version}\n"})
    make_wheel(house, "other", "1.0", {"other/__init__.py": ""})
    found = wheels.unpack(
        [Pin("demo", "1.0"), Pin("demo", "2.0"), Pin("other", "1.0")], cache=tmp_path / "cache", offline=True
    ).wheels
    old, new, other = (found[pin] for pin in sorted(found))
    roots = wheels.unite([[old], [old, other], [new]])
    assert [[str(w.pin) for w in root.wheels] for root in roots] == [
        ["demo==1.0", "other==1.0"],
        ["demo==2.0"],
    ]


@pytest.mark.parametrize("path", ["../../escaped.py", "/escaped.py", "demo/../../../../escaped.py"])
def test_a_wheel_that_writes_outside_itself_writes_nothing_outside(
    house: Path, tmp_path: Path, path: str
) -> None:
    made = make_wheel(house, "demo", "1.0", {"demo/__init__.py": "", path: "evil = 1\n"})
    assert path in zipfile.ZipFile(made).namelist()
    found = unpack("demo==1.0", tmp_path)
    assert not list(tmp_path.rglob("escaped.py"))
    assert not (tmp_path.anchor and (tmp_path / tmp_path.anchor / "escaped.py").exists())
    assert found.missing or found.wheels[Pin("demo", "1.0")].modules == ("demo",)


def test_a_wheel_with_too_many_files_is_refused(
    house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels, "MAX_FILES", 20)
    make_wheel(house, "demo", "1.0", {f"demo/m{n}.py": "" for n in range(30)})
    found = unpack("demo==1.0", tmp_path)
    assert "limit is 20" in found.missing[Pin("demo", "1.0")]
    assert not list((tmp_path / "cache" / "wheels").glob(".draft-*"))


def test_a_wheel_that_is_damaged_is_refused_and_leaves_nothing(house: Path, tmp_path: Path) -> None:
    made = make_wheel(house, "demo", "1.0", {"demo/__init__.py": "X = 1\n" * 1000})
    made.write_bytes(made.read_bytes()[:200])
    found = unpack("demo==1.0", tmp_path)
    assert found.missing
    assert {path.name for path in (tmp_path / "cache" / "wheels").iterdir()} == {"pins"}


def test_a_half_made_folder_in_the_cache_is_made_again(house: Path, tmp_path: Path) -> None:
    make_wheel(house, "demo", "1.0", {"demo/__init__.py": ""})
    wheel = unpack("demo==1.0", tmp_path).wheels[Pin("demo", "1.0")]
    (wheel.root.parent / "wheel.json").write_text("{")
    assert unpack("demo==1.0", tmp_path).wheels[Pin("demo", "1.0")].modules == ("demo",)


def test_many_processes_at_once_end_with_one_whole_wheel(house: Path, tmp_path: Path) -> None:
    make_wheel(house, "demo", "1.0", {f"demo/m{n}.py": "x = 1\n" for n in range(200)})
    code = (
        "import sys; from pathlib import Path; from airskills import wheels, pins;"
        "print(len(wheels.unpack(pins.parse_pins('demo==1.0'), cache=Path(sys.argv[1]), offline=True).wheels))"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "cache")], stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    assert [process.communicate(timeout=60)[0] for process in running] == ["1\n"] * 4
    assert not list((tmp_path / "cache" / "wheels").glob(".draft-*"))


def test_the_index_is_asked_for_released_wheels_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [
        {"filename": "demo-1.10.0-py3-none-any.whl"},
        {"filename": "demo-1.9.0-py3-none-any.whl"},
        {"filename": "demo-2.0.0.tar.gz"},
        {"filename": "demo-1.11.0-py3-none-any.whl", "yanked": "broken"},
    ]

    class Index(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/demo-x/" else 404)
            self.end_headers()
            self.wfile.write(json.dumps({"files": files}).encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{server.server_port}/")
        assert [str(v) for v in wheels.releases("Demo_X")] == ["1.9.0", "1.10.0"]
        with pytest.raises(AirskillsError, match="no releases of 'nothing'"):
            wheels.releases("nothing")
        server.shutdown()


def test_an_index_that_is_no_web_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "file:///etc")
    with pytest.raises(AirskillsError, match="no web address"):
        wheels.releases("demo")


def test_this_package_itself_is_what_is_installed(tmp_path: Path) -> None:
    pin = Pin(own.NAME, own.version())
    found = wheels.unpack([pin, Pin(own.NAME, "0.0.0.dev1")], cache=tmp_path, offline=True)
    wheel = found.wheels[pin]
    assert wheel.modules == ("airskills",)
    assert wheel.console_scripts["airskills"].startswith("airskills.")
    assert (wheel.root / "airskills" / "wheels.py").read_bytes() == Path(wheels.__file__).read_bytes()
    assert [other.version for other in found.missing] == ["0.0.0.dev1"]
