"""Flags that are read from source against the flags that the program itself has when it runs.

Each tool is installed in an environment of its own kind (CPU only) and started far enough to show its parser
(`probe_flags.py`); the same files are then read without running anything. Found: in both. Missing: the program has it, the
reading does not (a false alarm waits there unless the reading is open). Invented: only the reading has it; most of these
are hidden spellings that the program takes and its parser does not list.

    python benchmarks/verify_flags.py --environments ../flags --json benchmarks/results/verify_flags.json
    python benchmarks/verify_flags.py --environments ../flags --record deepspeed      # writes a recording into the package

An environment that exists is used as it is; a new one is made with uv. vLLM's has no CUDA: only its parser is wanted.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airskills.verify.flags import Command, all_flags, from_json, to_json
from airskills.verify.releases import in_folder
from airskills.verify.tools import Tools
from measured import conditions, print_table, write

HERE = Path(__file__).parent
CAPTURES = HERE.parent / "src" / "airskills" / "data" / "captures"
TRAIN = (
    "--output_dir",
    "o",
    "--model_name_or_path",
    "m",
    "--dataset_name",
    "d",
    "--use_cpu",
    "--bf16",
    "False",
)


@dataclass(frozen=True)
class Environment:
    """What is installed together; `bare` packages come without what they ask for."""

    packages: tuple[str, ...]
    bare: tuple[str, ...] = ()


TORCH = "torch==2.13.0"
ENVIRONMENTS = {
    "training": Environment(
        (TORCH, "trl==1.16.0", "transformers==5.23.0", "accelerate==1.15.0", "datasets==5.2.0", "huggingface_hub==2.4.0")
    ),
    "evaluation": Environment((TORCH, "lm_eval==0.4.13", "litgpt==0.5.13", "jsonargparse[signatures]")),
    "serving": Environment(("mlflow==3.17.2", "ray[default,serve]==2.60.0", "wandb==0.31.0", "tensorboard==2.21.0", "optuna==5.0.0")),
    "llamafactory": Environment((TORCH, "llamafactory==0.9.5")),
    "skypilot": Environment(("skypilot==0.14.1",)),
    "modal": Environment(("modal==1.6.4",)),
    "mergekit": Environment((TORCH, "mergekit==0.1.5")),
    "axolotl": Environment(
        (TORCH, "click", "pydantic", "python-dotenv", "transformers", "accelerate", "datasets", "fire", "addict", "colorama", "art", "requests"),
        ("axolotl==0.19.0",),
    ),
    "vllm": Environment(
        (
            TORCH, "aiohttp", "orjson", "numpy", "regex", "cachetools", "psutil", "sentencepiece", "requests", "tqdm", "blake3", "py-cpuinfo", "cbor2",
            "transformers>=5.16.1,<5.21.0", "fastapi[standard]>=0.133.0,<0.137.0", "openai", "prometheus_client", "pillow",
            "prometheus-fastapi-instrumentator", "tiktoken", "lm-format-enforcer==0.11.3", "llguidance", "outlines_core==0.2.14",
            "lark==1.2.2", "partial-json-parser", "jsonschema", "pyzmq", "msgspec", "setuptools<81", "einops", "cloudpickle",
            "watchfiles", "python-json-logger", "pybase64", "ijson", "setproctitle", "openai-harmony", "anthropic", "numba",
            "opencv-python-headless", "mistral_common[image]", "depyf", "protobuf", "mcp", "opentelemetry-sdk", "uvloop", "xgrammar==0.2.8",
            "compressed-tensors==0.17.0", "model-hosting-container-standards", "oss-harmony",
        ),
        ("vllm==0.33.0",),
    ),
    "deepspeed": Environment((TORCH, "setuptools", "ninja", "deepspeed==0.19.8")),
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A program, the words with which it shows the parser that is meant, and where that parser hangs."""

    environment: str
    name: str
    words: tuple[str, ...] = ()
    path: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Its name in the table."""
        return " ".join((self.name, *self.path))


CASES = (
    Case("training", "accelerate"),
    Case("training", "torchrun"),
    *(
        Case("training", "trl", (name, *TRAIN), (name,))
        for name in ("sft", "dpo", "grpo", "kto", "reward", "rloo")
    ),
    Case("training", "transformers"),
    Case("training", "hf"),
    Case("training", "datasets-cli"),
    Case("evaluation", "lm_eval"),
    Case("evaluation", "litgpt", ("finetune_lora",)),
    Case("serving", "mlflow"),
    Case("serving", "ray"),
    Case("serving", "wandb"),
    Case("serving", "optuna"),
    Case("serving", "tensorboard"),
    Case(
        "llamafactory",
        "llamafactory-cli",
        ("train", "--output_dir", "o", "--model_name_or_path", "m"),
        ("train",),
    ),
    Case("llamafactory", "llamafactory-cli", ("export", "--model_name_or_path", "m"), ("export",)),
    Case("skypilot", "sky"),
    Case("modal", "modal"),
    Case("mergekit", "mergekit-yaml"),
    Case("mergekit", "mergekit-moe"),
    Case("axolotl", "axolotl"),
    Case("vllm", "vllm", ("serve", "m")),
    Case("vllm", "vllm", ("bench", "serve"), ("bench", "serve")),
    Case("deepspeed", "-m deepspeed.launcher.runner"),
)


def python_of(folder: Path, name: str) -> Path:
    """The interpreter of an environment, made where it is missing."""
    python = folder / name / "bin" / "python"
    if not python.exists():
        wanted = ENVIRONMENTS[name]
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "--quiet", str(folder / name)], check=True)
        install = [*uv, "pip", "install", "--quiet", "--python", str(python)]
        subprocess.run([*install, *wanted.packages], check=True)
        if wanted.bare:
            subprocess.run([*install, "--no-deps", *wanted.bare], check=True)
    return python


def probed(python: Path, case: Case, limit: float) -> dict[str, Any] | str:
    """What the program showed within so many seconds, or why it showed nothing."""
    environment = {
        **os.environ,
        "CUDA_VISIBLE_DEVICES": "",
        "HF_HUB_OFFLINE": "1",
        "PYTHONWARNINGS": "ignore",
        "VLLM_TARGET_DEVICE": "cpu",  # else it shows its parser only where it finds an accelerator
    }
    command = [str(python), str(HERE / "probe_flags.py"), *case.name.split(), *case.words]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=limit, env=environment, cwd="/", check=False
        )
    except subprocess.TimeoutExpired:
        return f"it took longer than {limit:.0f} s"
    _, found, text = done.stdout.rpartition("\x1e")
    return json.loads(text) if found else (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]


def site_of(python: Path) -> Path:
    """Where an environment's packages lie."""
    return next((python.parent.parent / "lib").glob("python3*")) / "site-packages"


def read(python: Path, case: Case) -> tuple[Command, float]:
    """What is read from the same files, and the seconds it takes."""
    site = site_of(python)
    start = time.perf_counter()
    tools = Tools(in_folder(site))
    found = tools.module(case.name.split()[1]) if case.name.startswith("-m ") else tools.command(case.name)
    for word in case.path:
        found = found.commands.get(word) if found else None
    return found or Command(open="not found"), time.perf_counter() - start


def compared(case: Case, folder: Path, limit: float) -> dict[str, Any]:
    """One row: how many flags, and which differ."""
    name = case.title
    try:
        python = python_of(folder, case.environment)
    except subprocess.CalledProcessError as error:
        return {"tool": name, "failed": f"its environment could not be made: {error}"}
    shown = probed(python, case, limit)
    if isinstance(shown, str):
        return {"tool": name, "failed": shown}
    real, (ours, seconds) = from_json(shown["command"]), read(python, case)
    for word in case.path:  # some show only the parser that is meant, others the whole
        real = real.commands.get(word, real)
    spell = (lambda flag: flag.replace("_", "-")) if ours.dashes else str
    offered, known = set(map(spell, all_flags(real))), set(map(spell, all_flags(ours)))
    return {
        "tool": name,
        "version": shown["version"],
        "offered": len(offered),
        "found": len(offered & known),
        "missing": sorted(offered - known),
        "invented": sorted(known - offered),
        "open": ours.open,
        "seconds": round(seconds, 2),
    }


def record(case: Case, folder: Path, limit: float) -> None:
    """Write what a program showed into the package."""
    python = python_of(folder, case.environment)
    shown = probed(python, case, limit)
    if isinstance(shown, str):
        sys.exit(shown)
    script = case.name.split()[1].partition(".")[0] if case.name.startswith("-m ") else case.name
    owner = next(
        package for package in in_folder(site_of(python)) if script in {package.name, *package.scripts}
    )
    path = CAPTURES / f"{owner.name}-{owner.version}.json"
    path.parent.mkdir(exist_ok=True)
    data = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    whole = from_json(shown["command"])
    for word in reversed(case.path):
        whole = Command(commands={word: whole})
    data |= {
        "distribution": owner.name,
        "version": owner.version,
        "recorded": datetime.now(UTC).date().isoformat(),
    }
    data["commands"] = {**data.get("commands", {}), script: to_json(whole)}
    path.write_text(json.dumps(data, separators=(",", ":")) + "\n", encoding="utf-8")
    print(path)


def main() -> None:
    """Compare, or record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--environments", type=Path, required=True, help="Folder of environments; missing ones are made."
    )
    parser.add_argument(
        "--only", nargs="*", help="Tools whose name contains one of these words; the others keep their rows."
    )
    parser.add_argument("--record", help="Write the recording of this tool instead of comparing.")
    parser.add_argument("--limit", type=float, default=300, help="Seconds that each program gets.")
    parser.add_argument("--json", help="Write the result here, after each program.")
    options = parser.parse_args()
    folder = options.environments.resolve()
    if options.record:
        record(next(case for case in CASES if options.record in case.name), folder, options.limit)
        return
    wanted = [case for case in CASES if not options.only or any(word in case.name for word in options.only)]
    rows = kept(options.json, wanted) if options.only else []
    for number, case in enumerate(wanted, 1):
        print(f"{number} of {len(wanted)}: {case.title}", file=sys.stderr)
        rows.append(compared(case, folder, options.limit))
        said = {key: value for key, value in rows[-1].items() if key not in {"missing", "invented"}}
        print(json.dumps(said), file=sys.stderr)
        write(options.json, {**conditions(["airskills"]), "totals": totals(rows), "tools": rows})
    show(rows)


def kept(path: str | None, wanted: Sequence[Case]) -> list[dict[str, Any]]:
    """The rows of an earlier run, but for those of the tools that are wanted."""
    if not path or not Path(path).exists():
        return []
    before: list[dict[str, Any]] = json.loads(Path(path).read_text(encoding="utf-8"))["tools"]
    titles = {case.title for case in wanted}
    return [row for row in before if row["tool"] not in titles]


def totals(rows: Iterable[dict[str, Any]]) -> dict[str, int]:
    """How many flags programs have, and how many of them are read."""
    return {key: sum(row.get(key, 0) for row in rows) for key in ("offered", "found")}


def show(rows: Sequence[dict[str, Any]]) -> None:
    """A line for each tool, and what they come to."""
    shown = [row for row in rows if "failed" not in row]
    columns = ("tool", "version", "offered", "found", "missing", "invented", "open", "seconds")
    print_table(columns, [[_cell(row[column]) for column in columns] for row in shown])
    for row in rows:
        if "failed" in row:
            print(f"{row['tool']} showed nothing: {row['failed']}")
    print("{found} of {offered} flags found".format(**totals(rows)))


def _cell(value: str | float | list[str]) -> object:
    return len(value) if isinstance(value, list) else value


if __name__ == "__main__":
    main()
