"""Run the code of a completion against tests, in a process of a named level of isolation.

The expected values never enter that process: it only computes, and the parent compares. So `sys.exit(0)`, printing
"passed", and objects that equal everything gain nothing.

Levels, weakest first:

* `limits`: CPU time, memory, file size and open files are limited, the environment is empty, the folder is
  temporary. **Not a sandbox**: the code can read your files and open sockets. For code you would run yourself.
* `unshare`: the same, in new user, network and process namespaces (util-linux): no network. Files stay readable.
* `bwrap`: the same under bubblewrap: no network, and of the file system only the interpreter, read-only.

For hostile code use a virtual machine or a container service, and call it from an asynchronous reward.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from airskills.rl.errors import RewardParameterError
from airskills.rl.rewards.text import column_of, text_of

BLOCK = re.compile(r"```(?:python|py)?[ \t]*\n(.*?)```", re.DOTALL)
OUTPUT_LIMIT = 1_000_000  # bytes of a file the code may write, its output among them

# Runs in the child: limits first, which cannot be raised again, then the code. Arguments: CPU s, bytes, call.
PRELUDE = f"""
import json, os, resource, sys
cpu, memory, call = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
for kind, limit in ((resource.RLIMIT_CPU, cpu), (resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0),
                    (resource.RLIMIT_FSIZE, {OUTPUT_LIMIT}), (resource.RLIMIT_NOFILE, 32)):
    resource.setrlimit(kind, (limit, limit))
with open("candidate.py", encoding="utf-8") as file:
    code = compile(file.read(), "candidate.py", "exec")
scope = {{"__name__": "__main__"}}
if call:
    answer = os.dup(1)
    os.dup2(2, 1)
    exec(code, scope)
    with os.fdopen(answer, "w") as out:
        out.write(json.dumps(eval(call, scope), sort_keys=True))
else:
    exec(code, scope)
"""


@dataclass(frozen=True)
class CodeTests:
    r"""Share of the tests that the completion's code passes, from 0 to 1; `None` where there are no tests.

    The code is the last fenced block, or the whole text if there is none. A key that is `None`, as a dataset fills in
    where rows have different ones, counts as missing. A test is a mapping: `{"call": "add(1, 2)",
    "expected": 3}` compares the JSON of both (so 3 is not 3.0, a tuple is a list), and `{"input": "1 2\n", "output":
    "3"}` runs the code as a program and compares what it prints, without space at the ends.

    Attributes:
        isolation: `limits`, `unshare` or `bwrap`; see the module. There is no default: choose with open eyes.
        column: dataset column with a list of tests per row.
        all_or_nothing: 1 only if every test passes.
        timeout_s: wall-clock seconds per test.
        memory_mb: address space per test.
        workers: tests run at the same time.
    """

    isolation: str
    column: str = "tests"
    all_or_nothing: bool = False
    timeout_s: float = 5.0
    memory_mb: int = 512
    workers: int = 2
    __name__: ClassVar[str] = "code_tests"

    def __post_init__(self) -> None:
        reason = isolation_levels().get(
            self.isolation, f"unknown; choose from {', '.join(isolation_levels())}"
        )
        if reason:
            raise RewardParameterError(f"isolation {self.isolation!r} cannot be used: {reason}")
        for name in ("timeout_s", "memory_mb", "workers"):
            if getattr(self, name) <= 0:
                raise RewardParameterError(f"{name} is {getattr(self, name)}; it must be positive")

    def __call__(self, completions: Any, **columns: Any) -> list[float | None]:
        """Run every test of every completion."""
        suites = column_of(columns, self.column, len(completions), "CodeTests")
        codes = [code_of(text_of(completion)) for completion in completions]
        jobs = [(code, test) for code, suite in zip(codes, suites, strict=True) for test in suite or ()]
        with ThreadPoolExecutor(self.workers) as pool:
            passed = iter(list(pool.map(lambda job: self._passes(*job), jobs)))
        return [self._share([next(passed) for _ in suite or ()]) for suite in suites]

    def _share(self, passed: list[bool]) -> float | None:
        if not passed:
            return None
        return float(all(passed)) if self.all_or_nothing else sum(passed) / len(passed)

    def _passes(self, code: str, test: Mapping[str, Any]) -> bool:
        if test.get("call") is not None:
            output = self._output(code, str(test["call"]), "")
            return output == json.dumps(test["expected"], sort_keys=True)
        if test.get("input") is None or test.get("output") is None:
            raise RewardParameterError(
                f"A test is {dict(test)!r:.80}; it needs call and expected, or input and output"
            )
        output = self._output(code, "", str(test["input"]))
        return output is not None and output.strip() == str(test["output"]).strip()

    def _output(self, code: str, call: str, stdin: str) -> str | None:
        """What the process wrote, or `None` if it failed, was killed or ran out of time."""
        with (
            tempfile.TemporaryDirectory() as folder,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as given,
        ):
            given.write(stdin.encode())
            given.seek(0)
            Path(folder, "candidate.py").write_text(code, encoding="utf-8", errors="replace")
            limits = [str(max(1, round(self.timeout_s))), str(self.memory_mb << 20)]
            command = [
                *_wrapper(self.isolation, folder),
                sys.executable,
                "-I",
                "-S",
                "-c",
                PRELUDE,
                *limits,
                call,
            ]
            process = subprocess.Popen(  # noqa: S603 - this is what the reward is for
                command,
                stdin=given,
                stdout=out,
                stderr=subprocess.DEVNULL,
                cwd=folder,
                env={},
                start_new_session=True,
            )
            _wait(process, self.timeout_s)
            out.seek(0)
            return out.read(OUTPUT_LIMIT).decode(errors="replace") if process.returncode == 0 else None


def code_of(text: str) -> str:
    """Return the last fenced block, or the whole text."""
    blocks: list[str] = BLOCK.findall(text)
    return blocks[-1] if blocks else text


@cache
def isolation_levels() -> dict[str, str | None]:
    """Name of each level to `None`, or to the reason why it cannot be used here."""
    if os.name != "posix":
        return dict.fromkeys(("limits", "unshare", "bwrap"), "needs a POSIX system")
    return {"limits": None, "unshare": _trial("unshare"), "bwrap": _trial("bwrap")}


def _trial(level: str) -> str | None:
    """Run an interpreter that does nothing at this level."""
    if shutil.which(level) is None:
        return f"{level} is not installed"
    command = [*_wrapper(level, tempfile.gettempdir()), sys.executable, "-I", "-S", "-c", ""]
    trial = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)  # noqa: S603 - our own command
    return None if trial.returncode == 0 else f"{level} fails here: {trial.stderr.strip()[:120]}"


def _wrapper(level: str, folder: str) -> list[str]:
    """Command in front of the interpreter."""
    if level == "limits":
        return []
    program = shutil.which(level) or level
    if level == "unshare":
        return [program, "--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child"]
    prefixes = dict.fromkeys(("/usr", "/lib", "/lib64", "/bin", sys.prefix, sys.base_prefix))
    shown = [option for path in prefixes if Path(path).exists() for option in ("--ro-bind", path, path)]
    own = ["--bind", folder, folder, "--chdir", folder, "--proc", "/proc", "--dev", "/dev"]
    return [program, "--unshare-all", "--die-with-parent", "--clearenv", *shown, *own]


def _wait(process: subprocess.Popen[bytes], timeout_s: float) -> None:
    """Wait until the process ends or the time is over, then kill its whole group, children left behind included.

    It is looked at without reaping it, so that its group number cannot belong to anybody else when it is killed.
    """
    deadline = time.monotonic() + timeout_s
    look = os.WEXITED | os.WNOWAIT | os.WNOHANG
    while os.waitid(os.P_PID, process.pid, look) is None and time.monotonic() < deadline:
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
