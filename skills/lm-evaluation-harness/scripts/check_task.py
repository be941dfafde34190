# /// script
# requires-python = ">=3.11"
# dependencies = ["pyyaml==6.0.3"]
# ///
"""Find what a task file of lm-eval (0.4.13) does without saying so: leaks, ignored keys, answers that become lists.

Reads the file, the files it includes and, if it is local JSON, the first rows of its data. Runs and imports nothing.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

EXAMPLE = """example:
  python check_task.py tasks/quiz.yaml
  python check_task.py tasks/quiz.yaml --num-fewshot 5 --json

exit status: 0 nothing found, 1 something found, 2 a file cannot be read.
"""
ROWS = 200
KNOWN = {
    "task", "task_alias", "tag", "custom_dataset", "dataset_path", "dataset_name", "dataset_kwargs", "training_split",
    "validation_split", "test_split", "fewshot_split", "process_docs", "doc_to_text", "doc_to_target", "doc_to_image",
    "doc_to_audio", "unsafe_code", "doc_to_choice", "process_results", "use_prompt", "description", "target_delimiter",
    "fewshot_delimiter", "fewshot_config", "num_fewshot", "metric_list", "output_type", "generation_kwargs", "repeats",
    "filter_list", "should_decontaminate", "doc_to_decontamination_query", "gen_prefix", "metadata", "include", "class",
    "group", "task_list",
}  # fmt: skip
KEEPS_ALL = {"majority_vote", "take_first_k", "custom"}


@dataclass(frozen=True)
class Finding:
    """One thing that the file does and does not say."""

    code: str
    what: str
    cure: str


class Loader(yaml.SafeLoader):
    """YAML in which !function stands for its text."""


Loader.add_constructor("!function", lambda loader, node: f"!function {loader.construct_scalar(node)}")


def load(path: Path, seen: frozenset[Path] = frozenset()) -> dict[str, Any]:
    """The settings of a file over those that it includes.

    Raises:
        ValueError: It is no mapping, or includes itself.
    """
    if path.resolve() in seen:
        raise ValueError(f"{path} includes itself")
    text = yaml.load(path.read_text(encoding="utf-8"), Loader)
    if not isinstance(text, dict):
        raise ValueError(f"{path} holds no mapping")  # noqa: TRY004 (the file is wrong, no type of ours)
    included = text.get("include") or []
    base: dict[str, Any] = {}
    for name in [included] if isinstance(included, str) else included:
        base |= load(path.parent / name, seen | {path.resolve()})
    return base | text


def local_rows(config: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    """The first rows of the evaluated split if it is a local JSON-lines file, else none."""
    files = (config.get("dataset_kwargs") or {}).get("data_files")
    name = files.get(evaluated(config)) if isinstance(files, dict) else files
    if config.get("dataset_path") != "json" or not isinstance(name, str):
        return []
    for path in (Path(name), folder / name):
        if path.is_file():
            lines = path.read_text(encoding="utf-8").splitlines()[:ROWS]
            return [json.loads(line) for line in lines if line.strip()]
    return []


def evaluated(config: dict[str, Any]) -> str | None:
    """The split whose rows are scored."""
    return config.get("test_split") or config.get("validation_split")


def pool(config: dict[str, Any]) -> tuple[str | None, str | None]:
    """The configured split of examples, and the one that is really taken."""
    own = config.get("fewshot_config")
    own = own if isinstance(own, dict) else {}
    configured = own.get("split") or config.get("fewshot_split")
    if configured or own.get("samples"):
        return configured, configured
    falls = (config.get(f"{name}_split") for name in ("training", "validation", "test"))
    return None, next((split for split in falls if split), None)


def examples(config: dict[str, Any], shots: int | None) -> Iterator[Finding]:
    """Faults of few-shot examples."""
    own = config.get("fewshot_config")
    if isinstance(own, dict) and own.get("fewshot_indices"):
        yield Finding("indices", "fewshot_config.fewshot_indices is ignored",
                      "fewshot_config: {samples: !function utils.examples}")  # fmt: skip
    if config.get("num_fewshot") == 0 and shots:
        yield Finding(
            "stays-zero", f"num_fewshot: 0 in the file beats --num_fewshot {shots}", "remove num_fewshot"
        )
    count = config.get("num_fewshot") if config.get("num_fewshot") is not None else shots
    configured, taken = pool(config)
    if count and taken and taken == evaluated(config) and configured != config.get("test_split"):
        yield Finding("leak", f"examples come from {taken}, which is evaluated: a row meets its own answer",
                      f"another split, or fewshot_split: {taken} and test_split: {taken}")  # fmt: skip


def list_like(text: Any) -> bool:
    """Whether a template's text is parsed into a list of right answers."""
    if not (isinstance(text, str) and len(text) > 1 and text[0] == "[" and text[-1] == "]"):
        return False
    try:
        return isinstance(ast.literal_eval(text), list)
    except (SyntaxError, ValueError):
        return False


def targets(config: dict[str, Any], rows: list[dict[str, Any]]) -> Iterator[Finding]:
    """Faults of doc_to_target, seen in the data."""
    target, choices = config.get("doc_to_target"), config.get("doc_to_choice")
    template = re.fullmatch(r"\{\{\s*(?:doc\.)?(\w+)\s*\}\}", target) if isinstance(target, str) else None
    name = template.group(1) if template else target
    values = [row[name] for row in rows if isinstance(name, str) and name in row]
    if template and any(map(list_like, values)):
        yield Finding("list-answer", f"answers such as {next(filter(list_like, values))} become lists of right answers",
                      f"doc_to_target: {name}")  # fmt: skip
    kinds = {isinstance(value, list) or bool(template and list_like(value)) for value in values}
    if len(kinds) > 1:
        yield Finding("mixed", "some rows have a list of right answers, others a text: the first row decides for all",
                      "a list in each row")  # fmt: skip
    known = choices if isinstance(choices, list) else None
    outside = [
        value
        for value in values
        if known and isinstance(value, str) and not value.isdigit() and value not in known
    ]
    if config.get("output_type") == "multiple_choice" and outside:
        yield Finding("label", f"the label {outside[0]!r} is none of the choices: such rows count as wrong",
                      "doc_to_target as an index")  # fmt: skip


def generation(config: dict[str, Any]) -> Iterator[Finding]:
    """Faults of generated answers and their filters."""
    if config.get("output_type", "generate_until") != "generate_until":
        return
    settings = config.get("generation_kwargs") or {}
    if "until" not in settings:
        yield Finding("until", "no stop string: the fewshot_delimiter (an empty line) ends the answer",
                      "generation_kwargs: {until: [...], max_gen_toks: ...}")  # fmt: skip
    filters = config.get("filter_list") or [{"filter": [{"function": "take_first"}]}]
    used = {step.get("function") for one in filters for step in one.get("filter", [])}
    if config.get("repeats", 1) > 1 and not used & KEEPS_ALL:
        yield Finding("repeats", f"{config['repeats']} answers are generated, the first one counts",
                      "majority_vote and take_first, or take_first_k")  # fmt: skip


def findings(config: dict[str, Any], rows: list[dict[str, Any]], shots: int | None = None) -> list[Finding]:
    """All that a task does without saying so."""
    unknown = [
        Finding("unknown-key", f"{key} is no key of a task: TypeError at the start", f"remove {key}")
        for key in sorted(map(str, config.keys() - KNOWN))
    ]
    return [*unknown, *examples(config, shots), *targets(config, rows), *generation(config)]


def main() -> int:
    """Print what is found."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("task", type=Path, help="the task's YAML file")
    parser.add_argument("--num-fewshot", type=int, help="what you give to lm_eval run")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    try:
        config = load(args.task)
        found = findings(config, local_rows(config, args.task.parent), args.num_fewshot)
    except (OSError, ValueError, yaml.YAMLError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps({"task": config.get("task"), "findings": [asdict(one) for one in found]}))
    else:
        for one in found:
            print(f"{one.code}: {one.what}\n    cure: {one.cure}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
