"""Run the answer's two stages: the first DPO step must see a policy equal to its reference, and SFT must have worked."""

import contextlib
import importlib.util
import io
import logging
import math
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from fixtures import PAIRS, TALK, save


def main() -> int:
    """Exit 0 when DPO starts at the SFT model and is held to it."""
    logging.disable(logging.ERROR)
    spec = importlib.util.spec_from_file_location("pipeline", Path(sys.argv[1]) / "pipeline.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with tempfile.TemporaryDirectory() as out, contextlib.redirect_stdout(io.StringIO()):
        base = save(Path(out) / "base")
        weights = next(Path(base).glob("*.safetensors")).read_bytes()
        _, log = module.run(base, TALK, PAIRS, f"{out}/run")
        untouched = next(Path(base).glob("*.safetensors")).read_bytes() == weights
        stored = list(Path(out, "run").rglob("*.safetensors"))
    rows = [row for row in log if "rewards/margins" in row]
    first, last = rows[0], rows[-1]
    equal = abs(first["loss"] - math.log(2)) < 1e-3 and abs(first["rewards/chosen"]) < 1e-3
    learned = first["logps/chosen"] > -35 and last["rewards/margins"] > 0.1
    print(
        f"first loss {first['loss']:.4f}, chosen reward {first['rewards/chosen']:.3f}, chosen log-probability "
        f"{first['logps/chosen']:.1f}; last margin {last['rewards/margins']:.2f}; base untouched {untouched}; "
        f"weights on disk {len(stored)}"
    )
    return 0 if equal and learned and untouched and not stored and len(rows) == 12 else 1


if __name__ == "__main__":
    sys.exit(main())
