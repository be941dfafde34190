"""Run everything a skill claims: its blocks, facts, evals, examples and scripts. A plain script behind test_skills.py.

    python tests/skill_runner.py skills/peft            every unit, one JSON line each
    python tests/skill_runner.py skills/peft blocks     only units whose id begins so

Blocks of one level-2 section run in order in one process; each fact's `old` and `new` have their own. Those processes
are forked from a parent that has imported the skill's packages once. Examples, scripts and eval checks are commands.
Nothing is online: hub ids and paths are replaced by the stand-ins that `evals/fixtures.py` makes.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from airskills.markdown import CodeBlock
from airskills.skill import parse

SNIPPET_SECONDS = 120
COMMAND_SECONDS = 120
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "CUDA_VISIBLE_DEVICES": "",
    "WANDB_DISABLED": "true",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one unit: `ran`, `skipped` (with the fence's reason) or `failed` (with what happened)."""

    unit: str
    state: str
    detail: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Unit:
    """One claim: its id and how to test it; `run` returns "" or what went wrong."""

    id: str
    run: Callable[[], str]
    skip: str = ""


def units(folder: Path) -> list[Unit]:
    """Every unit of a skill; nothing runs yet."""
    return [*_block_units(folder), *_fact_units(folder), *_eval_units(folder), *_command_units(folder)]


def _documents(folder: Path) -> Iterator[tuple[str, list[CodeBlock]]]:
    skill = parse((folder / "SKILL.md").read_text(encoding="utf-8"), f"{folder.name}/SKILL.md")
    yield "SKILL.md", list(skill.blocks)
    for path in sorted((folder / "references").glob("*.md")):
        text = f"---\nname: {folder.name}\ndescription: x\n---\n{path.read_text(encoding='utf-8')}"
        yield f"references/{path.name}", list(parse(text, f"{folder.name}/SKILL.md").blocks)


def _block_units(folder: Path) -> Iterator[Unit]:
    for name, blocks in _documents(folder):
        shift = 0 if name == "SKILL.md" else 4  # lines of the frontmatter that was put before a reference
        sections: dict[str, list[CodeBlock]] = {}
        for block in blocks:
            if block.language == "python":
                reason = block.attributes.get("proof", "")
                if reason.startswith(("static", "skip")):
                    yield Unit(f"blocks/{name}:{block.line - shift}", lambda: "", skip=reason)
                else:
                    sections.setdefault(block.section, []).append(block)
        for section in sections.values():
            lines = ",".join(str(block.line - shift) for block in section)
            yield Unit(f"blocks/{name}:{lines}", partial(_forked, folder, partial(_run_section, section)))


def _run_section(blocks: list[CodeBlock]) -> None:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks:
        expected = block.attributes.get("proof", "")
        if not expected.startswith("fails"):
            _execute(block.text, namespace, f"line {block.line}")
            continue
        wanted = expected.partition(":")[2].strip()
        try:
            _execute(block.text, namespace, f"line {block.line}")
        except Exception as error:
            if wanted not in f"{type(error).__name__}: {error}":
                raise
        else:
            raise AssertionError(f"line {block.line} promised {expected!r} and passed")


def _fact_units(folder: Path) -> Iterator[Unit]:
    path = folder / "facts.yaml"
    for fact in yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else []:
        yield Unit(f"facts/{fact['id']}/old", partial(_forked, folder, partial(_run_old, fact)))
        yield Unit(
            f"facts/{fact['id']}/new", partial(_forked, folder, partial(_execute, fact["new"], {}, "new"))
        )


def _run_old(fact: dict[str, str]) -> None:
    """`old` must fail, warn or be silently wrong exactly as the fact says."""
    namespace: dict[str, Any] = {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            _execute(fact["old"], namespace, "old")
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
            if "fails" in fact and re.search(fact["fails"], said, re.DOTALL):
                return
            raise
    if "silent" in fact:
        if not eval(fact["silent"], namespace):
            raise AssertionError(f"the fault is not there: {fact['silent']}")
    elif "warns" in fact:
        said = "\n".join(f"{w.category.__name__}: {w.message}" for w in caught)
        said += namespace.get("_stderr", "")
        if not re.search(fact["warns"], said, re.DOTALL):
            raise AssertionError(f"no warning matches {fact['warns']!r} in {said!r}")
    else:
        raise AssertionError(f"it passed, though it should fail with {fact['fails']!r}")


def _execute(source: str, namespace: dict[str, Any], where: str) -> None:
    for text, replacement in REPLACEMENTS.items():
        source = source.replace(text, replacement)
    namespace.setdefault("__name__", "__main__")
    exec(compile(source, f"<{where}>", "exec"), namespace)


REPLACEMENTS: dict[str, str] = {}
DISTRIBUTIONS = {"faiss-cpu": "faiss", "pyyaml": "yaml"}  # those whose import name differs


def _forked(folder: Path, action: Callable[[], object]) -> str:
    """Run `action` in a forked child, in a fresh folder with the skill's stand-ins; "" or its traceback."""
    with tempfile.TemporaryDirectory() as scratch:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            os.setsid()
            _child(folder, Path(scratch), action, writing)
        os.close(writing)
        return _answer(child, reading)


def _child(folder: Path, scratch: Path, action: Callable[[], object], writing: int) -> None:
    said = io.StringIO()
    result = ""
    try:
        os.chdir(scratch)
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            _prepare(folder, scratch)
            action()
    except BaseException:
        result = traceback.format_exc() + said.getvalue()[-2000:]
    os.write(writing, result.encode()[-60_000:] or b"ok")
    os._exit(0)


def _prepare(folder: Path, scratch: Path) -> None:
    fixtures = folder / "evals" / "fixtures.py"
    if fixtures.exists():
        sys.path.insert(0, str(fixtures.parent))
        module = importlib.import_module("fixtures")
        REPLACEMENTS.update(module.prepare(scratch))


def _answer(child: int, reading: int) -> str:
    ready, _, _ = select.select([reading], [], [], SNIPPET_SECONDS)
    answer = b""
    if ready:
        while chunk := os.read(reading, 65536):
            answer += chunk
    else:
        os.killpg(child, signal.SIGKILL)
    os.close(reading)
    os.waitpid(child, 0)
    if not ready:
        return f"killed after {SNIPPET_SECONDS} s"
    return "" if answer == b"ok" else answer.decode(errors="replace") or "the process died without a word"


def _eval_units(folder: Path) -> Iterator[Unit]:
    for check in sorted((folder / "evals").glob("*/check.py")):
        for kind, wanted in (("reference", 0), ("wrong", 1)):
            arguments = [str(check), str(check.parent / kind)]
            yield Unit(f"evals/{check.parent.name}/{kind}", partial(_command, arguments, wanted))


def _command_units(folder: Path) -> Iterator[Unit]:
    for path in sorted((folder / "examples").glob("*.py")):
        yield Unit(f"examples/{path.name}", partial(_command, [str(path)], 0))
    for path in sorted((folder / "scripts").glob("*.py")):
        yield Unit(f"scripts/{path.name} --help", partial(_command, [str(path), "--help"], 0))


def _command(arguments: list[str], wanted: int) -> str:
    """Run a Python file in a fresh folder; "" when it exits with `wanted`."""
    with tempfile.TemporaryDirectory() as scratch:
        environment = {**os.environ, **OFFLINE, "HOME": scratch, "HF_HOME": scratch}
        try:
            done = subprocess.run(
                [sys.executable, *arguments],
                cwd=scratch,
                env=environment,
                capture_output=True,
                text=True,
                timeout=COMMAND_SECONDS,
                check=False,
                start_new_session=True,
            )
        except subprocess.TimeoutExpired:
            return f"killed after {COMMAND_SECONDS} s"
    if done.returncode == wanted:
        return ""
    return f"exit {done.returncode}, wanted {wanted}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def warm_up(folder: Path) -> None:
    """Import what the skill is tested with, once, so that every forked unit starts at once."""
    skill = parse((folder / "SKILL.md").read_text(encoding="utf-8"), "SKILL.md")
    for pin in skill.metadata.get("airskills-tested-with", "").split():
        name = pin.partition("==")[0]
        module = DISTRIBUTIONS.get(name, name.replace("-", "_"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module(module)


def main(arguments: list[str]) -> int:
    """Run the units of a skill and print one JSON line for each; 1 when one failed."""
    folder = Path(arguments[0]).resolve()
    chosen = [unit for unit in units(folder) if unit.id.startswith(tuple(arguments[1:]) or "")]
    os.environ.update(OFFLINE)
    if any(unit.id.startswith(("blocks", "facts")) for unit in chosen):
        warm_up(folder)
    failed = 0
    for unit in chosen:
        start = time.perf_counter()
        problem = "" if unit.skip else unit.run()
        state = "skipped" if unit.skip else "failed" if problem else "ran"
        failed += state == "failed"
        outcome = Outcome(unit.id, state, unit.skip or problem, round(time.perf_counter() - start, 2))
        print(json.dumps(asdict(outcome)), flush=True)  # noqa: T201 - a script
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
