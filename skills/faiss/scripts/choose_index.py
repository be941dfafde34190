# /// script
# requires-python = ">=3.11"
# dependencies = ["faiss-cpu==1.15.1", "numpy==2.4.6"]
# ///
"""Choose a Faiss index string for a number of vectors, a memory budget and a recall aim.

Memory follows from formulas per index type (see references/index-types.md); `--check` builds the chosen
type on random rows and compares the formula with the serialized size. The recall ceilings are the lowest
measured with every list probed (20,000 x 128, Gaussian and clustered rows, k=10, faiss-cpu 1.15.1): a start,
not a promise. Measure your own with recall_probe.py.

Example:
  python choose_index.py --n 5000000 --d 768 --memory-gb 4 --recall 0.95 --json

Exit code: 0 an index fits, 1 none fits (or the check is off by more than 5 percent), 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass

GIB = 1 << 30
CHECK_ROWS = 20_000
CHECK_TOLERANCE = 0.05
ROWS_PER_CENTROID = 39  # below this Faiss warns
TRAIN_PER_CENTROID = 64  # between the 39 that silence the warning and the 256 that are used at most
TABLE_LIMIT = 2 * GIB  # Faiss leaves out a larger precomputed table
FAST_SCAN_BLOCK = 32


@dataclass(frozen=True)
class Need:
    """What the caller asks for."""

    n: int
    d: int
    memory_bytes: float
    recall: float
    remove: bool
    latency_ms: float
    scan_gb_per_s: float


@dataclass(frozen=True)
class Candidate:
    """One index string with its price and its limit."""

    factory: str
    file_bytes: float
    ram_bytes: float
    recall_ceiling: float
    search: str
    train_rows: int
    removable: bool
    note: str


def list_count(n: int) -> int:
    """Power of two near 8 sqrt(n), few enough that n rows can train it."""
    wanted = 2 ** round(math.log2(8 * math.sqrt(n)))
    trainable = max(1, n // ROWS_PER_CENTROID)
    return int(max(1, min(wanted, 65_536, 2 ** int(math.log2(trainable)))))


def sub_quantizers(d: int, limit: int) -> int:
    """Largest divisor of d that is at most limit."""
    return max(m for m in range(1, max(1, limit) + 1) if d % m == 0)


def graph_bytes(m: int) -> float:
    """Bytes a vector of an HNSW graph: level 0, offset, level, upper levels."""
    return 8 * m + 12 + 4 * m / (m - 1)


def coarse(n: int, d: int) -> tuple[str, int, float]:
    """Factory prefix, number of lists and bytes (ids, centroids, coarse graph)."""
    lists = list_count(n)
    price = 8 * n + 4 * d * lists
    if lists < 50_000:
        return f"IVF{lists}", lists, price
    return f"IVF{lists}_HNSW32", lists, price + lists * graph_bytes(32)


def exact(need: Need) -> Iterator[Candidate]:
    """Indexes that keep every vector and need no training."""
    n, d = need.n, need.d
    flat = 4.0 * n * d
    yield Candidate("Flat", flat, flat, 1.0, "", 0, True, "exact; ids shift on removal, so wrap in IDMap2")
    for text, vector, ceiling in (("HNSW32", 4 * d, 0.99), ("HNSW32,SQ8", d, 0.97)):
        size = n * (vector + graph_bytes(32))
        yield Candidate(
            text, size, size, ceiling, "efSearch=64", n if "SQ8" in text else 0, False, "no removal"
        )


def inverted(need: Need) -> Iterator[Candidate]:
    """IVF indexes, from the largest codes to the smallest."""
    n, d = need.n, need.d
    prefix, lists, base = coarse(n, d)
    fast = sub_quantizers(d, d // 2)
    packed = (n + lists * FAST_SCAN_BLOCK / 2) * math.ceil(fast / 2) + 64 * d
    small = sub_quantizers(d, max(1, d // 8))
    table = 1024.0 * lists * small
    table = table if table <= TABLE_LIMIT else 0.0
    rerank = f"PQ{fast}x4fs"
    rows = (
        ("Flat", 4.0 * n * d, 0.0, 1.0, 32, ""),
        (f"{rerank},RFlat", packed + 4.0 * n * d, 0.0, 0.90, 16, "k_factor_rf=8"),
        ("SQ8", 1.0 * n * d + 8 * d, 0.0, 0.97, 32, ""),
        (f"{rerank},Refine(SQ8)", packed + 1.0 * n * d, 0.0, 0.89, 16, "k_factor_rf=8"),
        ("RaBitQ4", n * (math.ceil(d / 8) + 3 * d / 8 + 20), 0.0, 0.83, 16, ""),
        ("EDEN4", n * (d / 2 + 8), 0.0, 0.82, 16, ""),
        (f"PQ{small}np", float(n * small + 1024 * d), table, 0.18, 16, ""),
    )
    for code, size, extra, ceiling, share, setting in rows:
        search = ",".join(part for part in (f"nprobe={max(1, lists // share)}", setting) if part)
        train = min(n, TRAIN_PER_CENTROID * max(lists, 256 if "np" in code else 16))
        yield Candidate(
            f"{prefix},{code}", base + size, base + size + extra, ceiling, search, train, True, ""
        )


@dataclass(frozen=True)
class SizeCheck:
    """Serialized size of a small index against the formula."""

    factory: str
    rows: int
    file_bytes: int
    formula: float
    error: float


def candidates(need: Need) -> list[Candidate]:
    """All candidates in order of preference."""
    return [*exact(need), *inverted(need)]


def objection(need: Need, candidate: Candidate) -> str:
    """Why a candidate is out; empty when it is in."""
    scan_ms = 4 * need.n * need.d / (need.scan_gb_per_s * 1e9) * 1e3
    if candidate.ram_bytes > need.memory_bytes:
        return f"{candidate.ram_bytes / GIB:.2f} GiB over the budget of {need.memory_bytes / GIB:.2f} GiB"
    if candidate.recall_ceiling < need.recall:
        return f"recall ceiling {candidate.recall_ceiling:.2f} under the aim of {need.recall:.2f}"
    if need.remove and not candidate.removable:
        return "cannot remove vectors"
    if candidate.factory == "Flat" and scan_ms > need.latency_ms:
        return f"about {scan_ms:.0f} ms a query on one thread, limit {need.latency_ms:.0f} ms"
    return ""


def choose(need: Need) -> tuple[Candidate | None, list[dict[str, object]]]:
    """First candidate without an objection, and the verdict on each."""
    verdicts = [(candidate, objection(need, candidate)) for candidate in candidates(need)]
    chosen = next((candidate for candidate, reason in verdicts if not reason), None)
    return chosen, [{**asdict(candidate), "rejected": reason} for candidate, reason in verdicts]


def check_formula(need: Need, factory: str) -> SizeCheck:
    """Build the chosen type on at most CHECK_ROWS random rows; compare with the formula for as many."""
    import faiss
    import numpy as np

    n = min(need.n, CHECK_ROWS)
    smaller = Need(**{**asdict(need), "n": n})
    position = [candidate.factory for candidate in candidates(need)].index(factory)
    expected = candidates(smaller)[position]
    rows = np.random.default_rng(0).standard_normal((n, need.d), dtype="float32")
    index = faiss.index_factory(need.d, expected.factory)
    if isinstance(index, faiss.IndexHNSW):
        index.hnsw.efConstruction = 8  # size does not depend on it
    index.train(rows)
    index.add(rows)
    actual = len(faiss.serialize_index(index))
    return SizeCheck(expected.factory, n, actual, expected.file_bytes, actual / expected.file_bytes - 1)


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, required=True, help="number of vectors")
    parser.add_argument("--d", type=int, required=True, help="dimension")
    parser.add_argument("--memory-gb", type=float, default=8.0, help="RAM for the index in GiB (default 8)")
    parser.add_argument("--recall", type=float, default=0.9, help="recall@10 aim (default 0.9)")
    parser.add_argument(
        "--latency-ms", type=float, default=50.0, help="limit a query; decides if Flat will do"
    )
    parser.add_argument(
        "--scan-gb-per-s",
        type=float,
        default=2.0,
        help="exact scan speed of one thread (default 2, measured 2.2)",
    )
    parser.add_argument("--remove", action="store_true", help="vectors will be deleted or updated")
    parser.add_argument("--check", action="store_true", help="build a small index and compare its size")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args(argv)
    if arguments.n < 1 or arguments.d < 1 or not 0 < arguments.recall <= 1:
        parser.error(
            f"need n >= 1, d >= 1, 0 < recall <= 1; got {arguments.n}, {arguments.d}, {arguments.recall}"
        )
    if min(arguments.memory_gb, arguments.latency_ms, arguments.scan_gb_per_s) <= 0:
        parser.error("--memory-gb, --latency-ms and --scan-gb-per-s must be above 0")
    return arguments


def show(report: dict[str, object], chosen: Candidate | None, verdicts: list[dict[str, object]]) -> None:
    """Print for people."""
    if chosen is None:
        sys.stdout.write("nothing fits:\n")
        for row in verdicts:
            sys.stdout.write(f"  {row['factory']}: {row['rejected']}\n")
        return
    setting = (
        f'faiss.ParameterSpace().set_index_parameters(index, "{chosen.search}")' if chosen.search else "-"
    )
    sys.stdout.write(
        f"{chosen.factory}\n  file {chosen.file_bytes / GIB:.2f} GiB, RAM {chosen.ram_bytes / GIB:.2f} GiB\n"
        f"  train on {chosen.train_rows} random rows\n  search: {setting}\n"
        f"  recall ceiling {chosen.recall_ceiling:.2f} (lowest measured); then run recall_probe.py\n"
    )
    if "check" in report:
        sys.stdout.write(f"  check: {json.dumps(report['check'])}\n")


def main(argv: list[str] | None = None) -> int:
    """Run; return the exit code."""
    arguments = parse(argv)
    need = Need(
        arguments.n,
        arguments.d,
        arguments.memory_gb * GIB,
        arguments.recall,
        arguments.remove,
        arguments.latency_ms,
        arguments.scan_gb_per_s,
    )
    chosen, verdicts = choose(need)
    report: dict[str, object] = {"chosen": asdict(chosen) if chosen else None, "candidates": verdicts}
    failed = chosen is None
    if chosen is not None and arguments.check:
        check = check_formula(need, chosen.factory)
        report["check"] = asdict(check)
        failed = abs(check.error) > CHECK_TOLERANCE
    if arguments.json:
        sys.stdout.write(json.dumps(report) + "\n")
    else:
        show(report, chosen, verdicts)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
