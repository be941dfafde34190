"""The program that runs what a skill says: it imports the packages once, then forks a child for each job.

The Python of the environment under test starts it, so it needs nothing but the standard library. Where the system
allows, it is process 1 of its own process and network namespaces: nothing inside can stop it, and whatever a job leaves
behind dies by one signal. It measures and reports, and judges nothing.

One JSON object a line, first the settings (`preload`, `isolation`, `token`), then jobs on standard input; events on
standard output. A job has `cwd`, `skill` (its folder), `timeout` (seconds of each step), `memory` (bytes), and `argv` (a
command), `program` (a Python file and its arguments, run in the fork), `steps` (Python sources that share one `__main__`)
or `call` (a function of a file); with `record`, a file, what of the skill's files runs is written there.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import resource
import select
import signal
import sys
import time
import traceback
import warnings
from contextlib import suppress
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

OUTPUT_LIMIT = 16 * 1024 * 1024  # bytes a job may write before it is stopped
OUTPUT_KEPT = 32 * 1024  # bytes of its beginning, and of its end, that are reported
STACK_SECONDS = 0.3  # for the stack of a job that hangs
GRACE = 2.0  # seconds for helper processes to end by themselves, as multiprocessing's do
BUSY = (
    4  # times its limit is the most that a step may take by the clock, however long it waits for a processor
)


def main() -> None:
    """Serve jobs until standard input ends."""
    jobs, events = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    keeper = Keeper(jobs.fileno(), json.loads(jobs.readline()), events)
    keeper.say(hello=True, **keeper.warm_up())
    gc.freeze()  # children share these pages until they write to them
    for line in jobs:
        keeper.serve(json.loads(line))
    os._exit(0)  # at once: what the packages would do at the end of a program does not matter


class Keeper:
    """Settings, and the pipe to the tool."""

    def __init__(self, jobs: int, settings: dict[str, Any], events: Any) -> None:
        self.jobs, self.settings, self.events = jobs, settings, events
        self.snippets = load(Path(__file__).with_name("snippets.py"))
        self.alone = settings["isolation"] == "namespaces" and os.getpid() == 1
        if settings["isolation"] != "hook":
            _loopback_up()

    def say(self, **event: Any) -> None:
        """Send one event."""
        self.events.write(json.dumps(event).encode() + b"\n")
        self.events.flush()

    def warm_up(self) -> dict[str, Any]:
        """Import what the settings name; what fails is left to whoever needs it."""
        failed = {}
        start = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for statement in self.settings["preload"]:
                try:
                    exec(compile(statement, "<preload>", "exec"), {})
                except Exception as error:  # noqa: BLE001 - an import can raise anything
                    failed[statement] = repr(error)
        return {
            "failed": failed,
            "seconds": time.perf_counter() - start,
            "threads": _threads(),
            "python": platform.python_version(),
        }

    def serve(self, job: dict[str, Any]) -> None:
        """Fork a child for the job, follow it to its end, and leave nothing of it running."""
        output, said = os.pipe()
        results, told = os.pipe()
        child = os.fork()
        if child == 0:
            for handle in (self.jobs, self.events.fileno(), output, results):
                os.close(handle)
            self._be_the_child(job, said, told)
        os.close(said)
        os.close(told)
        self.say(started=child)
        watch = Watch(self, child, output, results, job["timeout"])
        end, status = watch.follow()
        left = self.sweep(child, reap=status is None)
        watch.drain()
        self.say(end=end, status=status, left=left, output=watch.text(), written=watch.written)

    def _be_the_child(self, job: dict[str, Any], said: int, told: int) -> None:
        """What the forked child does; it never returns."""
        code = 1
        own = os.getpid()
        try:
            _settle(job, said)
            if "argv" in job:
                signal.signal(signal.SIGPIPE, signal.SIG_DFL)
                os.execv(job["argv"][0], job["argv"])
            if "record" in job:
                import_module("airskills_recorder").start(job["skill"], job["record"])
            code = self.snippets.program(job["program"]) if "program" in job else self.snippets.run(job, told)
        except BaseException:  # noqa: BLE001 - whatever the code raised past us ends here
            if os.getpid() == own:
                traceback.print_exc()
        finally:
            os._exit(code)

    def sweep(self, child: int, *, reap: bool) -> list[str]:
        """Kill whatever is still there; returns the command lines of what a job left behind when it ended."""
        left = [] if reap else self._lingering()
        if self.alone:
            _kill(-1)
        else:
            _kill(-child)
            for _ in range(100):  # a process may fork while it is looked for
                others = marked(self.settings["token"])
                if not others:
                    break
                for process in others:
                    _kill(process)
                _reap()
        _reap()
        return left

    def _lingering(self) -> list[str]:
        """Command lines of live processes of the job, after those that end by themselves had a moment to do so."""
        end = time.monotonic() + GRACE
        while others := self._others():
            if time.monotonic() > end:
                return [_command_line(process) for process in others]
            time.sleep(0.01)
            _reap(0)
        return []

    def waited(self) -> float:
        """Seconds for which a process of the job was ready and had no processor; the longest, 0 where nobody can tell."""
        return max((_waited(process) for process in self._others()), default=0.0)

    def _others(self) -> list[int]:
        if not self.alone:
            return marked(self.settings["token"])
        return [number for number in _processes() if number != 1 and not _is_dead(number)]


class Watch:
    """Follows one child: its output, its results, its deadline."""

    def __init__(self, keeper: Keeper, child: int, output: int, results: int, timeout: float) -> None:
        self.keeper, self.child, self.timeout = keeper, child, timeout
        self.output, self.results = output, results
        self.written = 0
        self._start, self._waited = time.monotonic(), 0.0
        self._head, self._tail, self._line = b"", b"", b""
        os.set_blocking(output, False)
        os.set_blocking(results, False)

    def follow(self) -> tuple[str, int | None]:
        """Wait for the end: `exit` with the wait status, `timeout` or `flood`."""
        poll = select.poll()
        for handle in (self.output, self.results, self.keeper.jobs):
            poll.register(handle, select.POLLIN)
        while True:
            for handle, _ in poll.poll(min(self.timeout, 0.05) * 1000):
                if handle == self.keeper.jobs:
                    self.keeper.sweep(self.child, reap=True)
                    os._exit(1)  # the tool is gone
                read, steps = self._read(handle)
                if not read:
                    poll.unregister(handle)
                if steps:
                    self._start, self._waited = time.monotonic(), self.keeper.waited()
            ended, status = os.waitpid(self.child, os.WNOHANG)
            if ended:
                return "exit", status
            if self.written > OUTPUT_LIMIT:
                return "flood", None
            if self._is_overdue():
                self._ask_where()
                return "timeout", None

    def _is_overdue(self) -> bool:
        """Whether the step has had its seconds, not counting those for which it waited for a processor."""
        spent = time.monotonic() - self._start
        if spent <= self.timeout:
            return False
        waited = self.keeper.waited() - self._waited
        return spent - min(waited, (BUSY - 1) * self.timeout) > self.timeout

    def drain(self) -> None:
        """Read what is still in the pipes, and close them."""
        for handle in (self.output, self.results):
            while self.written <= OUTPUT_LIMIT * 2 and self._read(handle)[0]:
                pass
            os.close(handle)

    def text(self) -> str:
        """What the job wrote; the middle of a long text is left out."""
        if self.written <= len(self._head) + len(self._tail):
            return (self._head + self._tail).decode(errors="replace")
        left_out = self.written - len(self._head) - len(self._tail)
        return f"{self._head.decode(errors='replace')}\n... {left_out:,} bytes ...\n{self._tail.decode(errors='replace')}"

    def _read(self, handle: int) -> tuple[bool, int]:
        """Whether there was something to read, and how many results came."""
        try:
            chunk = os.read(handle, 1 << 16)
        except BlockingIOError:
            return False, 0
        if handle == self.output:
            self._keep(chunk)
            return bool(chunk), 0
        *lines, self._line = (self._line + chunk).split(b"\n")
        for line in lines:
            with suppress(ValueError):  # not from us: the job knows the pipe
                self.keeper.say(result=json.loads(line))
        return bool(chunk), len(lines)

    def _keep(self, chunk: bytes) -> None:
        self.written += len(chunk)
        room = OUTPUT_KEPT - len(self._head)
        self._head += chunk[:room]
        self._tail = (self._tail + chunk[room:])[-OUTPUT_KEPT:] if room < len(chunk) else self._tail

    def _ask_where(self) -> None:
        """Let the child print its stack: the guard has set a handler that does so."""
        _signal(self.child, signal.SIGUSR2)
        end = time.monotonic() + STACK_SECONDS
        while time.monotonic() < end:
            time.sleep(0.02)
            self._read(self.output)


def _settle(job: dict[str, Any], said: int) -> None:
    """A session of its own, output into the pipe, the limits, and the folder."""
    os.setsid()
    os.dup2(said, 1)
    os.dup2(said, 2)
    os.close(said)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if job["memory"]:
        resource.setrlimit(resource.RLIMIT_DATA, (job["memory"], job["memory"]))
    os.environ["AIRSKILLS_SKILL"] = job.get("skill", "")
    if "record" in job:
        os.environ["AIRSKILLS_RECORD"] = job["record"]
    os.chdir(job["cwd"])


def load(path: Path) -> Any:
    """The module in a file, under a name that no other module has."""
    spec = spec_from_file_location(f"_airskills_{path.stem}", path)
    assert spec is not None  # noqa: S101 - the suffix is .py
    assert spec.loader is not None  # noqa: S101
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def marked(token: str) -> list[int]:
    """Live processes, other than this one, whose environment holds the token; none where there is no /proc."""
    mark = f"AIRSKILLS_KEEPER={token}".encode()
    return [
        number
        for number in _processes()
        if number != os.getpid() and mark in _proc(number, "environ").split(b"\0") and not _is_dead(number)
    ]


def _processes() -> list[int]:
    try:
        return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    except OSError:
        return []


def _proc(number: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{number}/{name}").read_bytes()
    except OSError:
        return b""


def _waited(number: int) -> float:
    """Seconds for which a process was ready and had no processor."""
    words = _proc(number, "schedstat").split()
    return int(words[1]) / 1e9 if len(words) == 3 else 0.0


def _is_dead(number: int) -> bool:
    """Whether it is gone, or a zombie that waits to be collected."""
    state = _proc(number, "stat").rpartition(b")")[2].split()
    return not state or state[0] in {b"Z", b"X"}


def _command_line(number: int) -> str:
    words = _proc(number, "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()
    return words[:200] or f"process {number}"


def _threads() -> int:
    """Threads of this process; 1 where nobody can tell."""
    try:
        return len(list(Path("/proc/self/task").iterdir()))
    except OSError:
        return 1


def _kill(process: int) -> None:
    _signal(process, signal.SIGKILL)


def _signal(process: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # it is gone
        os.kill(process, number)


def _reap(seconds: float = 5) -> None:
    """Collect dead children, ours and adopted ones; wait so long for those that are dying."""
    end = time.monotonic() + seconds
    while True:
        try:
            found, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not found:
            if time.monotonic() > end:
                return
            time.sleep(0.005)


def _loopback_up() -> None:
    """A new network namespace has its loopback device down; servers and torch.distributed need it."""
    import fcntl
    import socket
    import struct

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP


if __name__ == "__main__":
    sys.path.pop(0)  # this folder, whose names are not meant for the code under test
    main()
