# /// script
# requires-python = ">=3.11"
# dependencies = ["faiss-cpu==1.15.1", "numpy==2.4.6"]
# ///
"""Measure the recall of a Faiss index against exact search, name its faults, propose a setting.

The index is a file (--index) or is built here from a string (--factory). Exact answers come from faiss.knn on the
base rows. The sweep raises nprobe (IVF) or efSearch (HNSW), and k_factor when the index re-ranks, until the target
is met. Row i of --base must be id i, or the i-th id of --ids or of the index's own IDMap.

Example:
  python recall_probe.py --index my.faiss --base base.npy --queries queries.npy --target 0.95 --json

Exit code: 0 target met and nothing wrong found, 1 target missed or a fault found, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
Ids = NDArray[np.int64]
METRICS = {"l2": faiss.METRIC_L2, "ip": faiss.METRIC_INNER_PRODUCT}
NORM_SPREAD = 1.01
UNEVEN = 2.0


@dataclass(frozen=True)
class Finding:
    """A fault of the index or of the data."""

    code: str
    message: str
    help: str


@dataclass(frozen=True)
class Point:
    """One setting with what it gives."""

    setting: str
    recall: float
    missing: float
    ms_per_query: float


def layers(index: Any) -> list[Any]:
    """The index and every index inside it, outermost first."""
    found = [index]
    while True:
        inner = next(
            (getattr(found[-1], name) for name in ("base_index", "index") if hasattr(found[-1], name)), None
        )
        if inner is None:
            return found
        found.append(faiss.downcast_index(inner))


def lists_of(index: Any) -> Any:
    """The IndexIVF inside, or None. Any: the package's stub lacks what the object has."""
    return faiss.try_extract_index_ivf(index)


def stored_ids(index: Any) -> Ids | None:
    """Ids in order of addition where an IDMap keeps them, else None."""
    for layer in layers(index):
        if isinstance(layer, faiss.IndexIDMap):
            return np.asarray(faiss.vector_to_array(layer.id_map), dtype=np.int64)
    return None


def list_ids(index: Any) -> Ids | None:
    """Ids held by the inverted lists, or None without lists."""
    ivf = lists_of(index)
    if ivf is None:
        return None
    parts = [
        faiss.rev_swig_ptr(ivf.invlists.get_ids(i), ivf.invlists.list_size(i)).copy()
        for i in range(ivf.nlist)
        if ivf.invlists.list_size(i)
    ]
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def data_findings(index: Any, base: Rows) -> list[Finding]:
    """Faults visible in the base rows and their number."""
    found = []
    broken = int((~np.isfinite(base).all(axis=1)).sum())
    if broken:
        found.append(Finding("NAN", f"{broken} base rows hold NaN or Inf", "they are never found: drop them"))
    if index.ntotal != len(base):
        found.append(
            Finding(
                "ROWS",
                f"index holds {index.ntotal} vectors, base {len(base)}",
                "give the rows it was built from",
            )
        )
    return found


def metric_findings(index: Any, base: Rows, metric: str) -> list[Finding]:
    """Metric of the index, of its quantizer and of the request do not fit."""
    found = []
    norms = np.linalg.norm(base, axis=1)
    even = bool(norms.max() <= NORM_SPREAD * max(float(norms.min()), 1e-30))
    normed = any("NormalizationTransform" in name for name in transforms(index))
    inner = index.metric_type == faiss.METRIC_INNER_PRODUCT
    if metric == "cosine" and not (even or normed):
        found.append(
            Finding("NORMS", "row norms differ and the index does not normalize", 'put "L2norm," in front')
        )
    if metric in METRICS and METRICS[metric] != index.metric_type:
        found.append(
            Finding(
                "METRIC",
                f"index compares by {'inner product' if inner else 'L2'}",
                "give the metric on building",
            )
        )
    ivf = lists_of(index)
    if ivf is not None and ivf.quantizer.metric_type != ivf.metric_type:
        found.append(
            Finding("QUANTIZER", "coarse quantizer has another metric", "pass the metric to the IVF too")
        )
    return found


def transforms(index: Any) -> list[str]:
    """Class names of the vector transforms in front of the index."""
    names = []
    for layer in layers(index):
        if isinstance(layer, faiss.IndexPreTransform):
            chain: Any = layer.chain
            names += [type(faiss.downcast_VectorTransform(chain.at(i))).__name__ for i in range(chain.size())]
    return names


def list_findings(index: Any) -> list[Finding]:
    """Faults of ids and inverted lists."""
    found = []
    held = list_ids(index)
    named = stored_ids(index)
    ids = held if named is None else named
    if ids is not None and len(np.unique(ids)) != len(ids):
        found.append(
            Finding(
                "IDS", f"{len(ids) - len(np.unique(ids))} ids occur again", "remove_ids before add_with_ids"
            )
        )
    ivf = lists_of(index)
    if held is None or ivf is None:
        return found
    if len(held) != ivf.ntotal:
        found.append(
            Finding("LOST", f"ntotal is {ivf.ntotal}, the lists hold {len(held)}", "NaN rows were added")
        )
    uneven = float(ivf.invlists.imbalance_factor())
    if uneven > UNEVEN:
        found.append(
            Finding("UNEVEN", f"lists are uneven: factor {uneven:.1f}", "train again on a sample of all rows")
        )
    return found


def settings(index: Any) -> list[str]:
    """Parameter strings from cheap to dear."""
    ivf = lists_of(index)
    refined = any(isinstance(layer, faiss.IndexRefine) for layer in layers(index))
    if ivf is not None:
        probes = [2**i for i in range(int(ivf.nlist).bit_length()) if 2**i < ivf.nlist] + [int(ivf.nlist)]
        steps = [f"nprobe={probe}" for probe in probes]
    elif any(isinstance(layer, faiss.IndexHNSW) for layer in layers(index)):
        steps = [f"efSearch={2**i}" for i in range(4, 11)]
    else:
        steps = [""]
    factors = [1, 4, 16] if refined else []
    if not factors:
        return steps
    return [
        ",".join(part for part in (step, f"k_factor_rf={factor}") if part)
        for step in steps
        for factor in factors
    ]


def exact(base: Rows, queries: Rows, ids: Ids, k: int, metric: str, index: Any) -> Ids:
    """True neighbors as ids."""
    kind = METRICS.get(metric, int(index.metric_type))
    if metric == "cosine":
        base, queries = base.copy(), queries.copy()
        faiss.normalize_L2(base)
        faiss.normalize_L2(queries)
        kind = faiss.METRIC_INNER_PRODUCT
    return np.asarray(ids[faiss.knn(queries, base, k, metric=kind)[1]], dtype=np.int64)


def measure(index: Any, setting: str, queries: Rows, truth: Ids) -> Point:
    """Recall, share of missing answers and time of one setting."""
    if setting:
        space: Any = faiss.ParameterSpace()
        space.set_index_parameters(index, setting)
    k = truth.shape[1]
    start = time.perf_counter()
    found = index.search(queries, k)[1]
    spent = (time.perf_counter() - start) * 1000 / len(queries)
    hits = sum(len(set(a) & set(b)) for a, b in zip(found.tolist(), truth.tolist(), strict=True))
    return Point(setting, hits / truth.size, float((found < 0).mean()), spent)


def sweep(index: Any, queries: Rows, truth: Ids, target: float) -> list[Point]:
    """Measure settings until one meets the target."""
    curve = []
    for setting in settings(index):
        curve.append(measure(index, setting, queries, truth))
        if curve[-1].recall >= target:
            break
    return curve


def build(factory: str, base: Rows, metric: str) -> Any:
    """Index made here from a factory string."""
    kind = faiss.METRIC_L2 if metric == "l2" else faiss.METRIC_INNER_PRODUCT
    index = faiss.index_factory(base.shape[1], factory, kind)
    index.train(base)
    if any(isinstance(layer, faiss.IndexIDMap) for layer in layers(index)):
        index.add_with_ids(base, np.arange(len(base)))
    else:
        index.add(base)
    return index


def load(path: Path | None, factory: str | None, base: Rows, metric: str) -> Any:
    """Index from a file or from a factory string."""
    return build(factory or "Flat", base, metric) if path is None else faiss.read_index(str(path))


def read_rows(path: Path, width: int | None = None) -> Rows:
    """Float32 rows of an .npy file."""
    rows = np.ascontiguousarray(np.load(path), dtype=np.float32)
    if rows.ndim != 2 or (width is not None and rows.shape[1] != width):
        message = f"{path}: shape {rows.shape}, need (rows, {width or 'd'})"
        raise ValueError(message)
    return rows


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--index", type=Path, help="index file")
    source.add_argument("--factory", help="index string, built here on all base rows")
    parser.add_argument("--base", type=Path, required=True, help=".npy of the indexed rows")
    parser.add_argument("--queries", type=Path, required=True, help=".npy of real queries, not base rows")
    parser.add_argument("--ids", type=Path, help=".npy of int64 ids, one for each base row")
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--target", type=float, default=0.95, help="recall@k to reach (default 0.95)")
    parser.add_argument(
        "--metric",
        choices=["l2", "ip", "cosine", "index"],
        default="index",
        help="what you mean (default: the index's)",
    )
    parser.add_argument("--max-queries", type=int, default=500)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args(argv)
    if arguments.k < 1 or not 0 < arguments.target <= 1 or arguments.max_queries < 1:
        parser.error("need k >= 1, 0 < target <= 1, max-queries >= 1")
    return arguments


def probe(arguments: argparse.Namespace) -> dict[str, Any]:
    """All findings and the curve."""
    base = read_rows(arguments.base)
    queries = read_rows(arguments.queries, base.shape[1])[: arguments.max_queries]
    metric = "ip" if arguments.factory and arguments.metric == "cosine" else arguments.metric
    index = load(arguments.index, arguments.factory, base, "l2" if metric == "index" else metric)
    if index.d != base.shape[1]:
        message = f"index has dimension {index.d}, base {base.shape[1]}"
        raise ValueError(message)
    named = np.load(arguments.ids).astype(np.int64) if arguments.ids else stored_ids(index)
    ids = np.arange(len(base)) if named is None else named
    found = data_findings(index, base) + metric_findings(index, base, arguments.metric) + list_findings(index)
    if len(ids) != len(base):
        found.append(Finding("ORDER", f"{len(ids)} ids for {len(base)} rows", "give --ids"))
        return {"findings": found, "curve": [], "proposal": None}
    usable = np.isfinite(base).all(axis=1)
    truth = exact(base[usable], queries, ids[usable], arguments.k, arguments.metric, index)
    curve = sweep(index, queries, truth, arguments.target)
    best = curve[-1] if curve[-1].recall >= arguments.target else None
    return {"findings": found, "curve": curve, "proposal": best}


def show(report: dict[str, Any], target: float) -> None:
    """Print for people."""
    for finding in report["findings"]:
        sys.stdout.write(f"{finding.code} {finding.message}\n  help: {finding.help}\n")
    for point in report["curve"]:
        sys.stdout.write(
            f"{point.setting or 'as it is':32} recall {point.recall:.3f}  -1 {point.missing:.3f}  "
            f"{point.ms_per_query:.3f} ms a query\n"
        )
    proposal = report["proposal"]
    sys.stdout.write(
        f"propose: {proposal.setting or 'as it is'}\n" if proposal else f"{target} not reached\n"
    )


def as_data(report: dict[str, Any]) -> dict[str, Any]:
    """The report as plain JSON values."""
    return {
        "findings": [asdict(finding) for finding in report["findings"]],
        "curve": [asdict(point) for point in report["curve"]],
        "proposal": asdict(report["proposal"]) if report["proposal"] else None,
    }


def main(argv: list[str] | None = None) -> int:
    """Run; return the exit code."""
    arguments = parse(argv)
    try:
        report = probe(arguments)
    except (ValueError, OSError, RuntimeError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    if arguments.json:
        sys.stdout.write(json.dumps(as_data(report)) + "\n")
    else:
        show(report, arguments.target)
    return int(bool(report["findings"]) or report["proposal"] is None)


if __name__ == "__main__":
    sys.exit(main())
