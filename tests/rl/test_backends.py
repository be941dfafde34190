from pathlib import Path

import pytest

from airskills.rl import backends
from airskills.rl.backends import mojo_kernels
from airskills.rl.errors import BackendUnavailableError
from airskills.rl.rewards import LengthTarget, RepetitionPenalty


def test_the_oracle_has_every_kernel_of_every_backend() -> None:
    names = {
        kernel
        for backend in backends.registered().values()
        if not backend.available()
        for kernel in backend.kernels
    }

    assert names == set(backends.PYTHON.kernels)


def test_the_argument_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(backends.VARIABLE, "numba")

    assert backends.choose("python").name == "python"
    assert backends.choose().name == "numba"


def test_an_unknown_backend_lists_the_known_ones() -> None:
    with pytest.raises(
        BackendUnavailableError, match=r"No backend is called 'cuda'. Choose from numba, python, mojo"
    ):
        backends.choose("cuda")


def test_a_forced_backend_that_cannot_run_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = backends.Backend("absent", "nowhere", ("no_such_package",))
    monkeypatch.setitem(backends.registered(), "absent", absent)

    with pytest.raises(
        BackendUnavailableError, match=r"'absent' cannot be used: not installed: no_such_package"
    ):
        backends.choose("absent")


def test_a_backend_without_a_program_it_needs_names_it() -> None:
    unlinked = backends.Backend("unlinked", "nowhere", (), ("no-such-cc", "no-such-clang"))

    assert unlinked.available() == "not on PATH: no-such-cc or no-such-clang"


def test_mojo_that_cannot_build_says_what_the_compiler_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "mojo"
    broken.write_text("#!/bin/sh\necho 'error: no linker' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(mojo_kernels, "compiler", lambda: str(broken))

    with pytest.raises(BackendUnavailableError, match=r"Mojo cannot build kernels\.mojo: error: no linker"):
        mojo_kernels._build(tmp_path / "cache" / "kernels.so")
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_automatic_choice_falls_back_to_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(backends.VARIABLE, raising=False)
    monkeypatch.setattr(backends, "NUMBA", backends.Backend("numba", "nowhere", ("no_such_package",)))

    assert backends.choose().name == "python"


def test_a_kernel_the_backend_lacks_comes_from_python(monkeypatch: pytest.MonkeyPatch) -> None:
    partial = backends.Backend("partial", "json")
    monkeypatch.setattr("json.KERNELS", {}, raising=False)
    monkeypatch.setitem(backends.registered(), "partial", partial)

    assert backends.resolve("unique_ngrams", "partial")[1] == "python"


def test_a_reward_says_which_backend_runs() -> None:
    assert RepetitionPenalty(backend="python").active_backend == "python"
    assert LengthTarget(target=1, tolerance=1).active_backend is None
