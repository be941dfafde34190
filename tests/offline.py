"""How a test installs this project without a network: what it needs is lent by the environment that runs the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib import import_module
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
# Modules of the declared dependencies and of theirs, and of the build back end.
RUNTIME = (
    "click",
    "jinja2",
    "markupsafe",
    "markdown_it",
    "mdurl",
    "packaging",
    "platformdirs",
    "rich",
    "Stemmer",
    "yaml",
    "pygments",
)
BUILD = ("hatchling", "pathspec", "pluggy", "trove_classifiers")
# What a build of the wheel reads.
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "src", "skills", "templates")


def lend(folder: Path, modules: tuple[str, ...]) -> Path:
    """Fill a folder with links to installed modules; on `PYTHONPATH` or in a .pth file it lends just these."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in modules:
        file = Path(str(import_module(name).__file__))
        package = file.name.startswith("__init__.")
        (folder / (name if package else file.name)).symlink_to(file.parent if package else file)
    return folder


def pip_environment(folder: Path) -> dict[str, str]:
    """Environment in which `pip install` of this project and the installed tool work offline."""
    return {
        **os.environ,
        "PYTHONPATH": str(lend(folder, RUNTIME + BUILD)),
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads the value as that of --build-isolation
    }


def copy_of_the_repository(folder: Path) -> Path:
    """The files of a checkout that other repositories install from, as they are now, in a git repository."""
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.nbi", "*.nbc")
    for name in (*SOURCES, ".pre-commit-hooks.yaml", "action.yml"):
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, folder / name)
    commit_all(folder)
    return folder


def commit_all(folder: Path) -> None:
    """Make the folder a git repository that holds all of its files."""
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    for command in (["init", "--quiet"], ["add", "--all"], [*who, "commit", "--quiet", "--message", "All"]):
        subprocess.run(["git", *command], cwd=folder, check=True)


def head(folder: Path) -> str:
    """The commit that a git repository is at."""
    command = ["git", "rev-parse", "HEAD"]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
