"""Kill the answer's run at several places in two processes, start it again, and compare the weights."""

import importlib
import importlib.util
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from fixtures import two


def weights(module: Any, folder: str, kill_at: int | None = None) -> list[list[float] | None]:
    """What run returns in each process, one start in processes of its own."""
    return two(lambda _: module.run(folder, kill_at))


def main() -> int:
    """Exit 0 when a run that was killed ends where one that was not ends, wherever it was killed."""
    importlib.import_module(
        "torch._dynamo"
    )  # every first step needs it: once here, not in each of 14 processes
    spec = importlib.util.spec_from_file_location("train", Path(sys.argv[1]) / "train.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with tempfile.TemporaryDirectory() as folder:
        straight = weights(module, folder)
        saved = any(path.is_file() for path in Path(folder).rglob("*"))
    worst = 0.0
    for kill_at in (5, 11, 16):
        with tempfile.TemporaryDirectory() as folder:
            weights(module, folder, kill_at)
            again = weights(module, folder)
        apart = max(abs(a - b) for rank in range(2) for a, b in zip(straight[rank], again[rank], strict=True))
        print(f"killed after {kill_at} batches: {apart:.1e} apart")
        worst = max(worst, apart)
    print(f"a state was written: {saved}")
    return 0 if saved and worst < 1e-6 else 1


if __name__ == "__main__":
    sys.exit(main())
