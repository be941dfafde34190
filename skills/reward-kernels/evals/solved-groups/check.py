"""Advantages of the real trainer: in a solved group brevity is a whisper, in a mixed group right beats wrong."""

import contextlib
import importlib.util
import io
import json
import logging
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from fixtures import advantages

SOLVED = ["7", "x=7", "so x=7", "I say that 7"]
MIXED = ["so very long, and it is 7", "8", "is 7", "it is 8"]


def main() -> int:
    """Exit 0 when the push of brevity is at most a twentieth of that of being right, and still there."""
    logging.disable(logging.ERROR)
    folder = Path(sys.argv[1])
    spec = importlib.util.spec_from_file_location("rewards", folder / "rewards.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    options = json.loads((folder / "config.json").read_text())
    options |= {"max_completion_length": 32, "lr_scheduler_type": "constant"}
    with tempfile.TemporaryDirectory() as out, contextlib.redirect_stdout(io.StringIO()):
        options["output_dir"] = out
        rewards = [module.right, module.brevity]
        solved = advantages(rewards, SOLVED, {"answer": "7"}, **options)
        mixed = advantages(rewards, MIXED, {"answer": "7"}, **options)
    long_right, short_wrong, short_right, long_wrong = mixed
    gap = min(long_right, short_right) - max(short_wrong, long_wrong)
    push = max(solved) - min(solved)
    print(f"solved group {solved}, mixed group {mixed}")
    whisper = 0 < push <= gap / 20 and solved == sorted(solved, reverse=True)
    return 0 if whisper and gap > 0.3 and short_right > long_right else 1


if __name__ == "__main__":
    sys.exit(main())
