"""Environments of pins: made once, under a lock, complete or not at all; from an index that is a folder."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from airskills.environments import Environment, EnvironmentUnavailableError, current, environment
from airskills.pins import parse_pins
from wheelhouse import make_wheel


@pytest.fixture(autouse=True)
def _index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "index"
    make_wheel(folder, "alpha", "1.0", {"alpha.py": "VALUE = 1\n"}, scripts={"alpha": "alpha:main"})
    make_wheel(folder, "alpha", "2.0", {"alpha.py": "VALUE = 2\n"})
    make_wheel(folder, "beta", "1.0+cpu", {"beta.py": "VALUE = 3\n"})
    make_wheel(folder, "gamma", "1.0", {"gamma.py": "VALUE = 4\n"}, requires="alpha<2")
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))


def made(pins: str, cache: Path, **options: str) -> Environment:
    return environment(parse_pins(pins), cache=cache, **options)  # type: ignore[arg-type]


def value(found: Environment, module: str) -> str:
    code = f"import {module}; print({module}.VALUE)"
    return subprocess.run(
        [found.python, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_an_environment_has_exactly_the_pins(tmp_path: Path) -> None:
    found = made("alpha==1.0", tmp_path)

    assert value(found, "alpha") == "1"
    assert found.version == platform.python_version()
    assert found.pins == parse_pins("alpha==1.0")


def test_the_same_pins_have_one_environment_and_others_their_own(tmp_path: Path) -> None:
    first = made("alpha==1.0 beta==1.0+cpu", tmp_path)
    again = made("beta==1.0+cpu alpha==1.0", tmp_path)
    other = made("alpha==2.0 beta==1.0+cpu", tmp_path)

    assert first.python == again.python != other.python
    assert first.installed == again.installed != other.installed
    assert (value(first, "alpha"), value(other, "alpha")) == ("1", "2")
    assert again.seconds < first.seconds


def test_a_bare_pin_is_installed_without_what_it_depends_on(tmp_path: Path) -> None:
    (gamma,) = parse_pins("gamma==1.0")
    beside = [*parse_pins("alpha==2.0"), replace(gamma, bare=True)]

    found = environment(beside, cache=tmp_path)
    alone = environment([replace(gamma, bare=True)], cache=tmp_path)

    assert (value(found, "alpha"), value(found, "gamma")) == ("2", "4")
    assert alone.installed != made("gamma==1.0", tmp_path).installed
    with pytest.raises(EnvironmentUnavailableError, match="alpha"):
        made("alpha==2.0 gamma==1.0", tmp_path)


def test_an_environment_that_was_not_finished_is_made_anew(tmp_path: Path) -> None:
    first = made("alpha==1.0", tmp_path)
    (first.python.parent.parent / "airskills.json").unlink()
    next(first.python.parent.parent.glob("lib/python*/site-packages/alpha.py")).unlink()

    assert value(made("alpha==1.0", tmp_path), "alpha") == "1"


def test_an_environment_whose_interpreter_is_gone_is_made_anew(tmp_path: Path) -> None:
    first = made("alpha==1.0", tmp_path)
    first.python.unlink()
    first.python.symlink_to(tmp_path / "uninstalled")

    assert value(made("alpha==1.0", tmp_path), "alpha") == "1"


def test_many_at_once_make_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: made("alpha==1.0", tmp_path), range(4)))

    assert len({one.python for one in found}) == 1
    assert {value(one, "alpha") for one in found} == {"1"}


@pytest.mark.parametrize(
    ("pins", "reason"), [("alpha==3.0", "alpha==3.0"), ("no-such-package==1.0", "no-such-package")]
)
def test_what_cannot_be_had_is_a_reason_and_leaves_nothing_that_counts(
    tmp_path: Path, pins: str, reason: str
) -> None:
    for _ in range(2):
        with pytest.raises(EnvironmentUnavailableError, match=reason):
            made(pins, tmp_path)


def test_a_version_of_python_that_is_not_here_is_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    with pytest.raises(EnvironmentUnavailableError, match=r"uv: .*3\.99"):
        made("alpha==1.0", tmp_path, python=">=3.99")


def test_a_request_for_a_version_finds_an_interpreter(tmp_path: Path) -> None:
    found = made("alpha==1.0", tmp_path, python=f"=={platform.python_version()}")

    assert found.version == platform.python_version()


def test_no_pins_are_an_empty_environment(tmp_path: Path) -> None:
    found = made("", tmp_path)

    assert json.loads(subprocess.check_output([found.python, "-c", "print(1)"])) == 1


def test_the_running_environment_counts_if_it_has_every_pin_exactly() -> None:
    found = current(parse_pins(f"pytest=={version('pytest')}"))

    assert found.python == Path(sys.executable)
    assert found.version == platform.python_version()


@pytest.mark.parametrize(
    ("pins", "message"),
    [
        ("pytest==0.1", f"pytest==0.1 is not installed here, but {version('pytest')}"),
        ("no-such-package==1.0", "no-such-package==1.0 is not installed here"),
    ],
)
def test_the_running_environment_does_not_count_otherwise(pins: str, message: str) -> None:
    with pytest.raises(EnvironmentUnavailableError) as caught:
        current(parse_pins(pins))

    assert str(caught.value) == message
