# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
"""Write an adapter that lets a reward of one framework run in another: TRL 1.16, verl 0.9.1, OpenRLHF 0.11.2.

The original file is loaded by path and not changed. What does not carry over is refused or said in the adapter: a
reward that reads token ids gets them from a tokenizer, `None` becomes a number, the prompt is cut off OpenRLHF's
query, and a reward that compares the completions of a group cannot run where each is scored alone.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
from pathlib import Path

EXAMPLE = """examples:
  python convert_reward.py rewards.py:correct --from trl --to verl --answer solution -o verl_reward.py
  python convert_reward.py rewards.py:compute_score --from verl --to openrlhf -o openrlhf_reward.py
  python convert_reward.py rewards.py:no_loops --from trl --to openrlhf --tokenizer Qwen/Qwen3-0.6B

exit status: 0 written, 2 wrong usage or a reward that cannot be converted.
"""
FRAMEWORKS = ("trl", "verl", "openrlhf")

HEAD = '''"""{name} of {file} ({source}) for {target}. Written by convert_reward.py; check it with attack_reward.py."""

import importlib.util

_spec = importlib.util.spec_from_file_location("_original_reward", {path!r})
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
_reward = _module.{name}
NONE = {none}  # for a row that the original leaves without a reward; {target} has no None
'''
TOKENIZER = """
from transformers import AutoTokenizer

_tokenizer = AutoTokenizer.from_pretrained({tokenizer!r})
"""
SCORE = {
    "trl": '''

def _score(prompt, completion, answer, extra):
    """One row as the batch of one that TRL would pass."""
    columns = {{key: [value] for key, value in extra.items()}} | {{{answer!r}: [answer]}}
    scores = _reward(
        prompts=[{prompt}],
        completions=[{completion}],
        completion_ids=[{ids}],
        trainer_state=None,
        log_extra=lambda *_: None,
        log_metric=lambda *_: None,
        **columns,
    )
    score = list(scores)[0]
    return NONE if score is None or score != score else float(score)
''',
    "verl": '''

def _score(prompt, completion, answer, extra):
    """One row as verl would pass it."""
    result = _reward(
        data_source=extra.get("data_source", "mine"),
        solution_str=completion,
        ground_truth=answer,
        extra_info={{**extra, "prompt": prompt}},
    )
    score = result["score"] if isinstance(result, dict) else result
    return NONE if score is None or score != score else float(score)
''',
    "openrlhf": '''

def _score(prompt, completion, answer, extra):
    """One row as OpenRLHF would pass it: the prompt stands in front of the completion."""
    result = _reward([prompt + completion], [prompt], [answer])
    score = result["rewards"]
    score = score[0] if hasattr(score, "__len__") else score
    return NONE if score is None or score != score else float(score)
''',
}
ENTRY = {
    "trl": '''

def {name}(prompts, completions, {answer}, **columns):
    """TRL: one float per completion."""
    lists = {{key: values for key, values in columns.items() if isinstance(values, list)}}
    extras = [{{key: values[i] for key, values in lists.items()}} for i in range(len(prompts))]
    rows = zip(prompts, completions, {answer}, extras, strict=True)
    return [_score(_text(p), _text(c), a, extra) for p, c, a, extra in rows]


def _text(value):
    return value if isinstance(value, str) else value[-1]["content"]
''',
    "verl": '''

def compute_score(data_source, solution_str, ground_truth, extra_info=None, **kwargs):
    """verl: `reward.custom_reward_function.path=THIS_FILE`; called once per response, in a thread."""
    extra = dict(extra_info or {{}})
    return _score(extra.pop("prompt", ""), solution_str, ground_truth, extra)
''',
    "openrlhf": '''
EOS = {eos!r}


def reward_func(queries, prompts, labels, **kwargs):
    """OpenRLHF: `--reward.remote_url THIS_FILE`; errors here would be swallowed, so they are printed."""
    try:
        scores = [_score(p, _response(q, p), a, {{}}) for q, p, a in zip(queries, prompts, labels)]
    except Exception:
        import traceback

        traceback.print_exc()
        raise
    return {{"rewards": scores, "scores": scores, "extra_logs": {{}}}}


def _response(query, prompt):
    """The query without prompt and end token."""
    if not query.startswith(prompt):
        raise ValueError("The query does not begin with the prompt: it was cut, or the tokenizer changed it")
    return query[len(prompt) :].removesuffix(EOS)
''',
}


def definition(path: Path, name: str) -> ast.FunctionDef | None:
    """The function's syntax tree; None for an object that is no plain function. Nothing is imported.

    Raises:
        ValueError: if the file has no such name, or the function is async.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.AsyncFunctionDef) and node.name == name:
            raise ValueError(f"{name} is async; convert a function that it awaits")
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return None
    raise ValueError(f"{path} defines no {name}")


def adapter(args: argparse.Namespace) -> str:
    """Text of the new file.

    Raises:
        ValueError: for a reward that cannot be converted.
    """
    if args.source == args.target:
        raise ValueError("--from and --to are the same")
    file, _, name = args.reward.partition(":")
    path = Path(file).resolve()
    node = definition(path, name)
    reads = {argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)} if node else set()
    if args.source == "trl" and "completion_ids" in reads and not args.tokenizer:
        raise ValueError(f"{name} reads completion_ids; {args.target} passes text: give --tokenizer")
    chat = not args.text
    values = {
        "name": name,
        "file": path.name,
        "path": str(path),
        "source": args.source,
        "target": args.target,
        "none": repr(args.none),
        "answer": args.answer,
        "eos": args.eos,
        "tokenizer": args.tokenizer,
        "prompt": '[{"role": "user", "content": prompt}]' if chat else "prompt",
        "completion": '[{"role": "assistant", "content": completion}]' if chat else "completion",
        "ids": "_tokenizer(completion, add_special_tokens=False)['input_ids']" if args.tokenizer else "[]",
    }
    parts = [HEAD, TOKENIZER if args.tokenizer else "", SCORE[args.source], ENTRY[args.target]]
    return "".join(part.format(**values) for part in parts)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    result.add_argument("reward", help="path.py:function")
    result.add_argument("--from", dest="source", choices=FRAMEWORKS, required=True)
    result.add_argument("--to", dest="target", choices=FRAMEWORKS, required=True)
    result.add_argument(
        "--answer", default="solution", help="TRL's column with the answer (default solution)"
    )
    result.add_argument(
        "--none", type=float, default=0.0, help="score where the original gives None (default 0)"
    )
    result.add_argument("--text", action="store_true", help="TRL: completions are strings, not messages")
    result.add_argument("--eos", default="<|im_end|>", help="end token in OpenRLHF's queries")
    result.add_argument("--tokenizer", help="model id or folder, for a reward that reads token ids")
    result.add_argument("-o", "--output", type=Path, help="file to write; standard output without it")
    result.add_argument("--json", action="store_true", help="print one JSON object with the text")
    return result


def main() -> int:
    """Write the adapter; 0 done, 2 usage."""
    args = parser().parse_args()
    try:
        text = adapter(args)
        if args.output:
            args.output.write_text(text, encoding="utf-8")
    except (OSError, ValueError, SyntaxError) as error:
        print(f"convert_reward: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps({"text": text, "output": str(args.output or "")}))
    elif not args.output:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
