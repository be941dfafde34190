"""Coverage-guided fuzzing of the whole check: any bytes as each kind of file of a skill, for crashes and for time.

    python -m venv ../fuzz && ../fuzz/bin/pip install . atheris==3.0.0
    ../fuzz/bin/python benchmarks/fuzz_check.py -max_total_time=600

Arguments are libFuzzer's. It begins with the texts of all rules, and stops at the first input that raises, that a repair
does not repair at once, or that takes over a second and a hundred microseconds for each of its bytes; the input is
written to `crash-...` in the working folder. atheris has wheels for CPython 3.11 to 3.13 on Linux.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["airskills"]):
    from airskills.check import check_folder
    from airskills.folder import folder_from
    from airskills.rules import RULES, LibraryRule
    from airskills.settings import Settings

    len(RULES)  # imports the families while imports are instrumented

SKILL = "---\nname: demo\ndescription: Reads logs. Use when a run fails.\n---\n# Demo\n\n"
FILES = (
    "SKILL.md",
    "references/a.md",
    "examples/a.py",
    "scripts/a.py",
    "scripts/a.sh",
    "evals/evals.json",
    "evals/eval_queries.json",
)
FENCES = ("python", "bash", "json", "jsonl", "yaml", "toml")
SECOND, SECONDS_A_BYTE = 1.0, 1e-4


class TooSlowError(Exception):
    """An input costs more time than its length can excuse."""


def contents(kind: int, data: bytes) -> dict[str, str | bytes]:
    """The files of a skill in which `data` takes the place that `kind` says."""
    kind %= len(FILES) + len(FENCES)
    if kind < len(FILES):
        return {"SKILL.md": SKILL, FILES[kind]: data}
    fence = f"```{FENCES[kind - len(FILES)]}\n".encode()
    return {"SKILL.md": SKILL.encode() + fence + data + b"\n```\n"}


def check(data: bytes) -> None:
    """One input: its first byte is the kind, the rest the text."""
    folder = folder_from("demo", contents(data[0] if data else 0, data[1:]))
    start = time.process_time()
    check_folder(folder, RULES.values(), Settings())
    spent = time.process_time() - start
    if spent > SECOND + SECONDS_A_BYTE * len(data):
        raise TooSlowError(f"{len(data):,} bytes took {spent:.1f} s")
    for code, rule in RULES.items():
        for path, text in rule().fix(folder).items():
            if rule().fix(folder.replacing(path, text)):
                raise AssertionError(f"{code} repairs its own repair")


def seeds() -> Iterator[bytes]:
    """The bad and good texts of all rules."""
    for rule in RULES.values():
        for shown in (rule.bad, rule.good) if not issubclass(rule, LibraryRule) else ():
            for path, text in ({"SKILL.md": shown} if isinstance(shown, str) else shown).items():
                content = text.encode() if isinstance(text, str) else text
                if path in FILES and len(content) < 20_000:
                    yield bytes([FILES.index(path)]) + content


def main() -> None:
    """Fuzz until libFuzzer's limits are reached."""
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(seeds()):
            Path(folder, str(number)).write_bytes(seed)
        atheris.Setup([sys.argv[0], "-max_len=4096", *sys.argv[1:], folder], check)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
