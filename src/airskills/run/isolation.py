"""How the code under test is kept apart: which kind of isolation this machine allows, and the environment it starts with.

From strongest to weakest: `namespaces` (own network, and own process numbers, so that everything a job started dies with
it), `network` (own network; processes are found by a mark in their environment), `hook` (Python's own audit hook refuses
connections; clients in C and Rust are not seen). Reports name the one that was used.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

Isolation = Literal["namespaces", "network", "hook"]
KINDS: tuple[Isolation, ...] = ("namespaces", "network", "hook")

_WRAPPERS: dict[Isolation, tuple[str, ...]] = {
    "namespaces": ("unshare", "-rn", "-pf", "--kill-child", "--mount-proc", "--"),
    "network": ("unshare", "-rn", "--"),
    "hook": (),
}
WHAT_IT_MEANS: dict[Isolation, str] = {
    "namespaces": "network and processes in namespaces of their own",
    "network": "network in a namespace of its own, processes killed by group and mark",
    "hook": "network cut by an audit hook only, which clients written in C or Rust pass by",
}
# What code may see of the user's environment; keys and tokens are not among it.
_KEPT = (
    "PATH",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "LD_LIBRARY_PATH",
    "SSL_CERT_FILE",
    "CUDA_VISIBLE_DEVICES",
)
_FIXED = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",  # a process with threads cannot be forked safely
    "PYTHONHASHSEED": "0",
    "PYTHONNOUSERSITE": "1",
    "PYTHONUTF8": "1",
    "WANDB_MODE": "disabled",
    "DO_NOT_TRACK": "1",
}
_FOLDERS = {
    "HOME": "home",
    "TMPDIR": "tmp",
    "HF_HOME": "hf",
    "MPLCONFIGDIR": "matplotlib",
    "XDG_CACHE_HOME": "cache",
    "XDG_CONFIG_HOME": "config",
    "XDG_DATA_HOME": "data",
    "XDG_STATE_HOME": "state",
}
GUARD = Path(__file__).with_name("guard")


def wrapped(command: list[str], kind: Isolation) -> list[str]:
    """The command line that runs `command` so isolated."""
    return [*_WRAPPERS[kind], *command]


def environment(root: Path, python: Path, kind: Isolation) -> dict[str, str]:
    """Variables for code that runs under `root`: no keys, no user folders, one thread, no network, repeatable hashes."""
    kept = {name: value for name, value in os.environ.items() if name in _KEPT}
    kept["PATH"] = os.pathsep.join([str(python.parent), kept.get("PATH", os.defpath)])
    folders = {name: str(root / folder) for name, folder in _FOLDERS.items()}
    return {**kept, **_FIXED, **folders, "PYTHONPATH": str(GUARD), "AIRSKILLS_GUARD": kind}


def fresh(root: Path) -> None:
    """Empty `root` and make its folders anew, whatever the last job left there."""
    remove(root)
    for folder in ("work", *_FOLDERS.values()):
        (root / folder).mkdir(parents=True)


def remove(path: Path) -> None:
    """Delete a file or folder, also one that its maker has locked; a link goes, what it points to stays."""
    if path.is_dir() and not path.is_symlink():
        path.chmod(0o700)
        for child in path.iterdir():
            remove(child)
        path.rmdir()
    elif path.is_symlink() or path.exists():
        path.unlink()
