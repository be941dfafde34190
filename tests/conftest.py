"""Shared fixtures: no test sees the user's home, cache or environment, and none leaves anything behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# What hypothesis measures in seconds depends on what else the machine does; what it finds does not.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")

# Tiny tensors: a second thread costs more than it brings, and on a busy machine many times more.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell that starts the tests in the background has them ignore Ctrl-C, and so would every program that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).resolve().parent.parent
SKILLS = REPOSITORY / "skills"

MakeSkill = Callable[..., Path]


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    base = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(base))
    monkeypatch.setenv("AIRSKILLS_CACHE_DIR", str(base / "cache"))
    monkeypatch.setenv("AIRSKILLS_STATE_DIR", str(base / "state"))
    for name in ("AIRSKILLS_PATH", "AIRSKILLS_DISABLED", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def make_skill() -> MakeSkill:
    """Write a skill folder under a root: `make_skill(root, "peft", description="...", body="...")`."""

    def make(
        root: Path,
        name: str,
        *,
        folder: str | None = None,
        description: str = "A tool for tests. Use when testing.",
        body: str = "# Title\n",
        extra: str = "",
    ) -> Path:
        directory = root / (folder or name)
        directory.mkdir(parents=True, exist_ok=True)
        text = f"---\nname: {name}\ndescription: {description}\n{extra}---\n\n{body}"
        (directory / "SKILL.md").write_text(text, encoding="utf-8")
        return directory

    return make
