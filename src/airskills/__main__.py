"""Entry point of the console script and of `python -m airskills`."""

from __future__ import annotations

import gc
import os
import sys

# Commands that are over before Python's collector of cycles could be of use; it took a fifth of the time of a long one.
_BRIEF = frozenset({"check", "verify"})


def main() -> None:
    """Run the command line; a bare `load NAME [FILE]` is answered before the command-line library is imported."""
    if _BRIEF.intersection(sys.argv[1:2]):
        gc.disable()
    try:
        if not _load_quickly(sys.argv[1:]):
            from airskills.cli import cli

            cli(prog_name="airskills")
    finally:
        gc.freeze()  # an interpreter that ends looks for cycles among all that is alive


def _load_quickly(arguments: list[str]) -> bool:
    """Answer `load NAME [FILE]` without options; False hands everything else, errors too, to the command line."""
    plain = (
        len(arguments) in {2, 3} and arguments[0] == "load" and not any(a.startswith("-") for a in arguments)
    )
    if not plain or "_AIRSKILLS_COMPLETE" in os.environ:
        return False
    from airskills.errors import AirskillsError
    from airskills.library import Library

    try:
        library = Library.open()
        answer = (
            library.read(*arguments[1:]) if len(arguments) > 2 else library.load(arguments[1]).body.encode()
        )
    except (AirskillsError, OSError):
        return False
    try:
        sys.stdout.buffer.write(answer)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True


if __name__ == "__main__":
    main()
