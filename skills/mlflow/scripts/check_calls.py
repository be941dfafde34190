# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
"""Find calls in Python sources that fail, or do something else than they look like, with MLflow 3.17.

Sources are parsed, never imported or run. Notebooks: `jupyter nbconvert --to script` first.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

EXAMPLE = """example:
  python check_calls.py train.py
  python check_calls.py src/ --json

exit status: 0 nothing found, 1 something found, 2 a file cannot be read or parsed.
"""
LOADERS = ("load_model", "get_model_info", "download_artifacts")
STAGES = ("Production", "Staging", "Archived", "None")
FLAVORS_SKOPS = ("sklearn", "lightgbm")


@dataclass(frozen=True)
class Finding:
    """One call, what it does on MLflow 3.17, and what to write."""

    path: str
    line: int
    code: str
    what: str
    cure: str


@dataclass(frozen=True)
class Called:
    """A call: its dotted name, its literal and given arguments."""

    name: str
    words: dict[str, ast.expr]
    first: object
    line: int

    @property
    def last(self) -> str:
        """The name without what stands before the last dot."""
        return self.name.rpartition(".")[2]


Rule = Callable[[Called], tuple[str, str, str] | None]


def dotted(node: ast.expr) -> str:
    """`a.b.c` of a name or an attribute; an empty part where it is computed."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def aliases(tree: ast.AST) -> dict[str, str]:
    """What a name of the file stands for: `from mlflow.sklearn import log_model as keep`."""
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {name.asname: name.name for name in node.names if name.asname}
        elif isinstance(node, ast.ImportFrom) and node.module:
            known |= {name.asname or name.name: f"{node.module}.{name.name}" for name in node.names}
    return known


def calls(tree: ast.AST) -> Iterator[Called]:
    """All calls of a file, in order of their lines."""
    known = aliases(tree)
    nodes = sorted(
        (node for node in ast.walk(tree) if isinstance(node, ast.Call)),
        key=lambda node: (node.lineno, node.col_offset),
    )
    for node in nodes:
        head, dot, rest = dotted(node.func).partition(".")
        words = {word.arg: word.value for word in node.keywords if word.arg}
        yield Called(
            known.get(head, head) + dot + rest, words, text(node.args[0]) if node.args else None, node.lineno
        )


def text(node: ast.expr | None) -> object:
    """The value of a literal, the fixed beginning of an f-string, else None."""
    if isinstance(node, ast.JoinedStr) and node.values:
        return "".join(str(text(part)) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return node.value if isinstance(node, ast.Constant) else None


def given(call: Called, name: str) -> object:
    """A keyword's literal, or the first positional argument's."""
    return text(call.words[name]) if name in call.words else call.first


def file_store(call: Called) -> tuple[str, str, str] | None:
    """set_tracking_uri of a folder."""
    uri = given(call, "uri")
    if call.last not in ("set_tracking_uri", "set_registry_uri") or not isinstance(uri, str) or not uri:
        return None
    if "://" in uri.replace("file://", "") or uri.startswith(("databricks", "{}")):
        return None
    return (
        "file-store",
        f"{uri!r} is a file store: MlflowException since 3.13",
        "sqlite:///...; mlflow migrate-filestore",
    )


def torch_model(call: Called) -> tuple[str, str, str] | None:
    """mlflow.pytorch.log_model without an example."""
    if not call.name.endswith(("pytorch.log_model", "pytorch.save_model")):
        return None
    if "export_model" in call.words:
        return "export-model", "export_model is deprecated since 3.11.1", 'serialization_format="pt2"'
    if "input_example" in call.words or "serialization_format" in call.words:
        return None
    return (
        "pytorch-example",
        "stored by torch.export since 3.14, which needs input_example",
        'input_example= two rows of numpy, net.eval() before; or serialization_format="pickle"',
    )


def trusted_types(call: Called) -> tuple[str, str, str] | None:
    """log_model of scikit-learn without a list of trusted types."""
    module, _, name = call.name.rpartition(".")
    if name not in ("log_model", "save_model") or module.rpartition(".")[2] not in FLAVORS_SKOPS:
        return None
    if {"skops_trusted_types", "serialization_format"} & call.words.keys():
        return None
    return (
        "skops",
        "stored as skops since 3.14: forests, boosting, neighbors, own functions are refused",
        "skops_trusted_types=get_untrusted_types(data=dumps(model)), after reading the list",
    )


def autolog(call: Called) -> tuple[str, str, str] | None:
    """mlflow.sklearn.autolog, which still pickles."""
    if not call.name.endswith("sklearn.autolog") or "serialization_format" in call.words:
        return None
    return "autolog-pickle", "autolog stores cloudpickle, log_model skops", 'serialization_format="skops"'


def model_uri(call: Called) -> tuple[str, str, str] | None:
    """Models loaded by stage, as the newest version, or from the files of a run."""
    uri = given(call, "model_uri" if "model_uri" in call.words else "artifact_uri")
    if call.last not in LOADERS or not isinstance(uri, str) or not uri.startswith("models:/"):
        return None
    end = uri.rpartition("/")[2]
    if end in STAGES:
        return "stage", f"stages are deprecated: {uri}", "models:/name@alias"
    if end.lower() == "latest":
        return "latest", f"{uri} is the newest version, not the best", "models:/name@champion"
    return None


def renamed(call: Called) -> tuple[str, str, str] | None:
    """Arguments and methods with another name."""
    if call.last == "log_model" and call.name.startswith("mlflow.") and "artifact_path" in call.words:
        return "artifact-path", "artifact_path is deprecated since 3.0", "name="
    if call.last == "search_traces" and "experiment_ids" in call.words:
        return "experiment-ids", "experiment_ids is deprecated", "locations="
    if call.last in ("transition_model_version_stage", "get_latest_versions"):
        return (
            "stage",
            f"{call.last} is deprecated since 2.9",
            "set_registered_model_alias, models:/name@alias",
        )
    if call.last == "validate_serving_input":
        return "serving-input", "validate_serving_input is deprecated since 3.14", "mlflow.models.predict"
    return None


def traces(call: Called) -> tuple[str, str, str] | None:
    """search_traces that does not wait for the export."""
    named = call.last == "search_traces" or call.name.endswith(("mlflow.get_trace", "client.get_trace"))
    if not named or "flush" in call.words:
        return None
    return (
        "flush",
        f"{call.last} misses traces that are not exported yet (in batches since 3.12)",
        "flush=True",
    )


def run_files(call: Called) -> tuple[str, str, str] | None:
    """list_artifacts of a run, where models used to be."""
    listed = call.last == "list_artifacts" or (call.last == "download_artifacts" and "run_id" in call.words)
    if not listed or not any(part in call.name.lower() for part in ("mlflow", "client")):
        return None
    return (
        "run-artifacts",
        "models are not among the artifacts of a run since 3.0",
        "run.outputs.model_outputs",
    )


RULES: tuple[Rule, ...] = (
    file_store,
    torch_model,
    trusted_types,
    autolog,
    model_uri,
    renamed,
    traces,
    run_files,
)


def seeds(found: list[Called], path: str) -> Iterator[Finding]:
    """A seed of `random` in a file that makes traces."""
    seeded = [call for call in found if call.name == "random.seed"]
    traced = any(call.last in ("start_span", "start_trace", "trace") for call in found)
    for call in seeded if traced else ():
        yield Finding(path, call.line, "seed", "trace ids come from `random`: equal seeds replace traces",
                      "MLFLOW_TRACE_USE_ISOLATED_RANDOM_ID_GENERATOR=true")  # fmt: skip


def findings(source: str, path: str = "<string>") -> list[Finding]:
    """All findings of one source, by line."""
    tree = ast.parse(source)
    found = list(calls(tree))
    decorated = [
        Called(dotted(mark), {}, None, mark.lineno)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for mark in node.decorator_list
    ]
    by_rule = (Finding(path, call.line, *hit) for call in found for rule in RULES if (hit := rule(call)))
    return sorted([*by_rule, *seeds([*found, *decorated], path)], key=lambda one: (one.line, one.code))


def sources(given_paths: list[Path]) -> Iterator[Path]:
    """Python files of files and folders."""
    for path in given_paths:
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def main() -> int:
    """Print what is found."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", type=Path, nargs="+", help="Python files or folders")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    found: list[Finding] = []
    for path in sources(args.paths):
        try:
            found += findings(path.read_text(encoding="utf-8"), str(path))
        except (OSError, UnicodeDecodeError, SyntaxError) as error:
            print(f"error: {path}: {error}", file=sys.stderr)
            return 2
    if args.json:
        print(json.dumps({"findings": [asdict(one) for one in found]}))
    for one in [] if args.json else found:
        print(f"{one.path}:{one.line}: {one.code}: {one.what}\n    cure: {one.cure}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
