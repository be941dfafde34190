"""Usage: python check.py ANSWER_DIR. Exit 0 if opened indexes stay in their file and refuse rows by an exception."""

import subprocess
import sys
import tempfile
from pathlib import Path

import faiss
import numpy as np

ROWS, WIDTH = 120_000, 64
CHILD = """
import sys
import numpy as np
sys.path.insert(0, sys.argv[1])
import faiss
from solution import ReadOnlyIndexError, append, open_index

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

rows = np.load(sys.argv[3])
before = resident()
index = open_index(sys.argv[2])
grown = resident() - before
if grown > 10_000_000:
    sys.exit(f"opening took {grown >> 20} MiB of RAM")
if (index.search(rows, 1)[1].ravel() != np.arange(len(rows))).any():
    sys.exit("wrong neighbors")
try:
    append(index, rows)
except ReadOnlyIndexError:
    pass
else:
    sys.exit("append to a served index did not raise ReadOnlyIndexError")
own = faiss.IndexFlatL2(rows.shape[1])
append(own, rows)
sys.exit(0 if own.ntotal == len(rows) else "append to an ordinary index failed")
"""


def fault(answer, folder, factory):
    rows = np.random.default_rng(0).standard_normal((ROWS, WIDTH), "f4")
    index = faiss.index_factory(WIDTH, factory)
    index.train(rows[:5000])
    index.add(rows)
    path = str(Path(folder) / "index.faiss")
    faiss.write_index(index, path)
    np.save(Path(folder) / "rows.npy", rows[:20])
    command = [sys.executable, "-c", CHILD, answer, path, str(Path(folder) / "rows.npy")]
    child = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    if child.returncode == 0:
        return ""
    reason = (child.stderr.strip().splitlines() or [f"exit {child.returncode}"])[-1]
    return f"{factory}: {reason}"


def main():
    with tempfile.TemporaryDirectory() as folder:
        faults = [
            text for text in (fault(sys.argv[1], folder, name) for name in ("Flat", "IVF64,Flat")) if text
        ]
    print(faults[0] if faults else "ok")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
