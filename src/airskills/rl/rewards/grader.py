"""Worker process of `MathAnswer`: a JSON line `[gold, answer]` in, `true`, `false` or `null` out.

A program of its own, because math-verify bounds its time by a signal, which works in a main thread only, and a
grader that hangs in C code must be killed from outside. Imports nothing of `airskills`.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from importlib import import_module
from typing import Any


def parsers() -> tuple[Any, Any, Any]:
    """Import math-verify: parse a gold answer, parse a completion, compare them."""
    math_verify = import_module("math_verify")  # only the worker pays for sympy
    parse, verify = math_verify.parse, math_verify.verify
    units = import_module("latex2sympy2_extended").NormalizationConfig(units=True)
    logging.disable(logging.CRITICAL)  # it warns about timeouts; the parent process has one
    boxed = math_verify.LatexExtractionConfig(
        normalization_config=units,
        boxed_match_priority=0,
        try_extract_without_anchor=False,
    )

    def gold(text: str) -> Any:
        return parse(text, parsing_timeout=None)

    def answer(text: str) -> Any:
        return parse(text, extraction_config=[boxed], extraction_mode="first_match", parsing_timeout=None)

    def same(wanted: Any, got: Any) -> bool:
        return bool(verify(wanted, got, timeout_seconds=None))

    return gold, answer, same


def last_boxed(text: str) -> str:
    r"""Return from the last `\boxed` on: an answer is one, not a list of guesses."""
    at = text.rfind("\\boxed")
    return "" if at < 0 else text[at:]


def main() -> None:
    """Answer until the input ends."""
    gold, answer, same = parsers()
    for line in sys.stdin:
        wanted_text, got_text = json.loads(line)
        wanted = gold(wanted_text)
        got = answer(last_boxed(got_text))
        verdict = None if not wanted else bool(got) and same(wanted, got)
        sys.stdout.write(json.dumps(verdict) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
    os._exit(0)  # at once: taking sympy's modules apart takes longer than most answers
