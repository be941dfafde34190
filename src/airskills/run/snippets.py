"""Inside the forked child: run steps of Python that share one `__main__`, and say what each did.

A step's `source` is compiled under the name of the file that it stands in, at its line there, so that a traceback, a
warning and `inspect` name and show the line of the Markdown or YAML file. Standard library only: the Python of the
environment under test runs this.
"""

from __future__ import annotations

import ast
import inspect
import json
import os
import runpy
import sys
import time
import traceback
import types
import warnings
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any


def run(job: dict[str, Any], told: int) -> int:
    """Run the steps in order up to one that fails, or call the function; write one JSON line for each to `told`.

    Returns:
        The status to exit with, 0: what went wrong is in the lines.
    """
    own = os.getpid()
    sys.path[:0] = job.get("sys_path", [])
    results = iter([_call(**job["call"])]) if "call" in job else _steps(job["steps"])
    for result in results:
        if os.getpid() != own:
            return 0  # a fork that the code made and let run on
        _flush()
        with os.fdopen(os.dup(told), "w", encoding="utf-8") as pipe:
            pipe.write(json.dumps(result) + "\n")
    return 0


def program(arguments: list[str]) -> int:
    """Run a Python file as the interpreter runs one that is given to it; returns the status to exit with."""
    path = arguments[0]
    sys.argv = list(arguments)
    sys.path.insert(0, str(Path(path).parent))
    try:
        runpy.run_path(path, run_name="__main__")
        status = 0
    except SystemExit as left:
        status = _status(left.code)
    except BaseException as error:  # noqa: BLE001 - as in a step
        sys.stderr.write(_described(error, path)["traceback"])
        status = 1
    _flush()
    return status


def _status(code: object) -> int:
    """What `sys.exit(code)` comes to: texts are printed."""
    if code is None or isinstance(code, int):
        return (code or 0) & 0xFF
    sys.stderr.write(f"{code}\n")
    return 1


def _steps(steps: list[dict[str, Any]]) -> Any:
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    sys.argv = [""]
    for step in steps:
        start = time.perf_counter()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            error = _attempt(step, main.__dict__)
            shown = None if error or "silent" not in step else _truth(step["silent"], main.__dict__)
        yield {
            "seconds": time.perf_counter() - start,
            "error": error,
            "silent": shown,
            "warnings": [_warning(message, step["path"]) for message in caught[:1000]],
        }
        if error and not step.get("goes_on"):
            return


def _attempt(step: dict[str, Any], names: dict[str, Any]) -> dict[str, Any] | None:
    """What the step raised, or None."""
    try:
        code = _compiled(step["source"], step.get("written", step["source"]), step["path"], step["line"])
        running = eval(code, names)
        if code.co_flags & inspect.CO_COROUTINE:  # a notebook's top-level await
            import asyncio

            asyncio.run(running)
    except BaseException as error:  # noqa: BLE001 - SystemExit and KeyboardInterrupt are failures of a step as well
        return _described(error, step["path"])
    return None


def _compiled(source: str, written: str, path: str, line: int) -> types.CodeType:
    """Code whose places are those in the file: `source` is what was `written` there, from `line` on, with other texts."""
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        tree = compile(source, path, "exec", flags, dont_inherit=True)
        if source != written:
            there = compile(written, path, "exec", flags, dont_inherit=True)
            for node, other in zip(ast.walk(tree), ast.walk(there), strict=True):
                ast.copy_location(node, other)
    except SyntaxError as error:
        error.lineno = (error.lineno or 1) + line - 1
        raise
    ast.increment_lineno(tree, line - 1)
    code: types.CodeType = compile(tree, path, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    return code


def _truth(expression: str, names: dict[str, Any]) -> bool | str:
    """Whether the expression holds, or what it raised."""
    try:
        return bool(eval(expression, names))
    except BaseException as error:  # noqa: BLE001 - as in a step
        return f"{type(error).__name__}: {error}"


def _described(error: BaseException, path: str) -> dict[str, Any]:
    """Type, text, line in the file, and the traceback from the file's own lines on."""
    frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_code.co_filename != path:
        frame = frame.tb_next
    lines = [number for name, number in _places(error) if name == path]
    if isinstance(error, SyntaxError) and error.filename == path:
        lines.append(error.lineno or 1)
    try:
        text = str(error)
        trace = "".join(traceback.format_exception(type(error), error, frame))
    except Exception:  # noqa: BLE001 - an exception whose own text raises
        text = trace = "its text cannot be read"
    return {
        "type": type(error).__name__,
        "text": text[:10_000],
        "line": lines[-1] if lines else None,
        "traceback": trace[-20_000:],
    }


def _places(error: BaseException) -> list[tuple[str, int]]:
    return [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]


def _warning(message: warnings.WarningMessage, path: str) -> dict[str, Any]:
    """Category and text of a warning, and its line where the step itself gave rise to it."""
    deprecated = (DeprecationWarning, FutureWarning, PendingDeprecationWarning)
    return {
        "deprecated": issubclass(message.category, deprecated),
        "category": message.category.__name__,
        "text": str(message.message)[:2000],
        "line": message.lineno if message.filename == path else None,
    }


def _call(path: str, function: str, target: str, arguments: list[Any]) -> dict[str, Any]:
    """Call a function of a Python file with a path and more; its answer must be JSON."""
    try:
        sys.path.insert(0, str(Path(path).parent))
        name = Path(path).stem
        spec = spec_from_file_location(name, path)
        assert spec is not None  # noqa: S101 - the suffix is .py
        assert spec.loader is not None  # noqa: S101
        module = sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(module)
        value = getattr(module, function)(Path(target), *arguments)
        json.dumps(value)
    except BaseException as error:  # noqa: BLE001 - as in a step
        return {"error": _described(error, path)}
    return {"error": None, "value": value}


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
