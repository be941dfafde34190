# /// script
# requires-python = ">=3.11"
# dependencies = ["tokenizers==0.23.3", "transformers==5.23.0", "jinja2==3.1.6"]
# ///
"""Name what is wrong with the tokenizer of a folder: other ids than its tokenizer.json gives, settings that were saved by
accident, tokens that do not decode to themselves, a chat template with dead places, a response template that loses text.

What AutoTokenizer makes of the folder is compared with tokenizer.json itself; nothing is fetched. `open_to_text` lists the
added tokens that text of a user can write even with sanitize_control_tokens=True: set tok.chat_control_tokens for those.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerBase

EXAMPLE = """examples:
  python check_tokenizer.py ./Qwen3-4B
  python check_tokenizer.py ./checkpoint --text sample.txt --json

exit status: 0 nothing found, 1 something found, 2 the folder cannot be read.
"""
PROBES = (
    "Hello world, it is 2024-05-17; 12345 + 678 = 13023.",
    "don't  double  spaces\n\n\tand tabs",
    "naïve café Straße Ωμέγα 日本語 😀",
    "for i in range(10): print(f'{i:03d}')",
)
TALK = [{"role": "user", "content": "one two"}, {"role": "assistant", "content": "three"}]


@dataclass(frozen=True)
class Finding:
    """One thing wrong: name, what was seen, what to do."""

    code: str
    message: str
    help: str


@dataclass(frozen=True)
class Folder:
    """The tokenizer as AutoTokenizer loads it, as its file has it, and the texts to try."""

    path: Path
    loaded: PreTrainedTokenizerBase
    core: Tokenizer
    state: dict[str, Any]
    texts: list[str]

    def config(self, name: str) -> dict[str, Any]:
        """A JSON file of the folder, empty when it is not there."""
        path = self.path / name
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

    @property
    def template(self) -> str:
        """The chat template; empty when there is none, all of them when there are several."""
        made = self.loaded.chat_template or ""
        return made if isinstance(made, str) else "\n".join(made.values())


def load(path: Path, texts: list[str]) -> Folder:
    """Read the folder; truncation, padding and dropout stay in `state` and are switched off."""
    from tokenizers import Tokenizer
    from transformers import AutoTokenizer

    if not (path / "tokenizer.json").is_file():
        raise FileNotFoundError(f"{path / 'tokenizer.json'} is missing")
    state = json.loads((path / "tokenizer.json").read_text(encoding="utf-8"))
    core = Tokenizer.from_file(str(path / "tokenizer.json"))
    loaded = AutoTokenizer.from_pretrained(path)
    for backend in (core, loaded.backend_tokenizer):
        backend.no_truncation()
        backend.no_padding()
        if hasattr(backend.model, "dropout"):
            backend.model.dropout = None
    return Folder(path, loaded, core, state, texts)


def short(text: str) -> str:
    """A text that fits a line."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def pipeline_rebuilt(folder: Folder) -> Iterator[Finding]:
    """AutoTokenizer's ids are not those of the file."""
    differ = []
    for text in folder.texts:
        mine = folder.loaded(text, add_special_tokens=False)["input_ids"]
        if mine != folder.core.encode(text, add_special_tokens=False).ids:
            differ.append(text)
    if not differ:
        return
    text = differ[0]
    kind = type(folder.loaded).__name__
    mine = folder.loaded.tokenize(text)
    right = folder.core.encode(text, add_special_tokens=False).tokens
    at = next((i for i, (a, b) in enumerate(zip(mine, right, strict=False)) if a != b), 0)
    yield Finding(
        "pipeline-rebuilt",
        f"{kind} gives other ids than tokenizer.json for {len(differ)} of {len(folder.texts)} texts; "
        f"in {short(text)} {mine[at : at + 4]} instead of {right[at : at + 4]}",
        'set "tokenizer_class": "TokenizersBackend" in tokenizer_config.json and check again; where config.json\'s '
        "model_type overrules it, load with PreTrainedTokenizerFast.from_pretrained",
    )


def settings_saved(folder: Folder) -> Iterator[Finding]:
    """Truncation, padding or dropout of one call, written into the file."""
    for key in ("truncation", "padding"):
        if folder.state.get(key):
            yield Finding(
                f"{key}-saved",
                f"tokenizer.json holds {key} {json.dumps(folder.state[key])}; Tokenizer.from_file applies it to every text",
                f"tok.backend_tokenizer.no_{key}(), then save again",
            )
    if folder.state["model"].get("dropout"):
        yield Finding(
            "dropout-saved",
            f"the BPE model drops {folder.state['model']['dropout']:.0%} of its merges at random, at inference too",
            "tok.backend_tokenizer.model.dropout = None, then save again",
        )


def added_token_text(folder: Folder) -> Iterator[Finding]:
    """Added tokens that do not decode to their own text."""
    bad = []
    for number, token in folder.loaded.added_tokens_decoder.items():
        decoded: str = folder.loaded.backend_tokenizer.decode([number], skip_special_tokens=False)
        if decoded.strip() != token.content.strip():
            bad.append(f"{token.content!r} becomes {decoded!r}")
    if bad:
        yield Finding(
            "added-token-text",
            f"{len(bad)} added tokens do not decode to themselves: {', '.join(bad[:3])}",
            "all their letters are in the byte alphabet: use a name with another character, e.g. a space",
        )


def round_trip(folder: Folder) -> Iterator[Finding]:
    """Byte-level tokenizers that lose text."""
    if '"ByteLevel"' not in json.dumps(folder.state.get("decoder")) or folder.state.get("normalizer"):
        return
    lost = [
        text
        for text in folder.texts
        if folder.core.decode(folder.core.encode(text, add_special_tokens=False).ids) != text
    ]
    if lost:
        decoded = folder.core.decode(folder.core.encode(lost[0], add_special_tokens=False).ids)
        yield Finding(
            "round-trip",
            f"{len(lost)} of {len(folder.texts)} texts are not reproduced: {short(lost[0])} becomes {short(decoded)}",
            "initial_alphabet=ByteLevel.alphabet() in the trainer, add_prefix_space=False in the pre-tokenizer",
        )


def pad_token(folder: Folder) -> Iterator[Finding]:
    """No pad token, or the end token in its place."""
    tok = folder.loaded
    if tok.pad_token_id is None:
        yield Finding(
            "no-pad-token", "pad_token_id is None", 'tok.add_special_tokens({"pad_token": "<|pad|>"})'
        )
    elif tok.pad_token_id == tok.eos_token_id:
        yield Finding(
            "pad-is-eos",
            f"pad and end are both {tok.pad_token!r}: a loss masked by the pad id never trains the end",
            "a pad token of its own, or mask by attention_mask",
        )


def embedding_rows(folder: Folder) -> Iterator[Finding]:
    """Ids beyond the model's embedding."""
    config = folder.config("config.json")
    rows = config.get("vocab_size") or config.get("text_config", {}).get("vocab_size")
    highest = max(folder.loaded.get_vocab().values())
    if rows and highest >= rows:
        yield Finding(
            "embedding-rows",
            f"the highest id is {highest}, config.json has vocab_size {rows}",
            "model.resize_token_embeddings(len(tok)), and save the model",
        )


def special(folder: Folder) -> set[int]:
    """Ids of the added tokens that are special."""
    return {i for i, token in folder.loaded.added_tokens_decoder.items() if token.special}


def chat(folder: Folder) -> Iterator[Finding]:
    """What the chat template does with a plain conversation."""
    if not folder.template:
        return
    tok = folder.loaded
    try:
        text = tok.apply_chat_template(TALK, tokenize=False)
    except Exception as error:  # noqa: BLE001  (a template may raise anything)
        yield Finding(
            "template-fails",
            f"{type(error).__name__}: {error}"[:300],
            "a user and an assistant message must render",
        )
        return
    pair: list[list[int]] = [tok(text, add_special_tokens=add)["input_ids"] for add in (False, True)]
    once, twice = pair
    if len(twice) > len(once):
        extra = tok.convert_ids_to_tokens([i for i in twice if twice.count(i) > once.count(i)][:1])
        yield Finding(
            "special-tokens-twice",
            f"tokenizing rendered text adds {extra} once more",
            "apply_chat_template with tokenize=True, or tok(text, add_special_tokens=False)",
        )
    yield from end_token(folder, once)


def end_token(folder: Folder, ids: list[int]) -> Iterator[Finding]:
    """The token that ends an answer does not end generation."""
    marks = [i for i in ids if i in special(folder)]
    stops = folder.config("generation_config.json").get("eos_token_id", folder.loaded.eos_token_id)
    stops = stops if isinstance(stops, list) else [stops]
    if marks and marks[-1] not in stops:
        names = folder.loaded.convert_ids_to_tokens([i for i in stops if i is not None])
        yield Finding(
            "end-token",
            f"an answer ends in {folder.loaded.convert_ids_to_tokens(marks[-1])!r}, generation stops at {names}",
            f"generation_config.eos_token_id = {sorted({marks[-1], *(i for i in stops if i is not None)})}",
        )


def template_text(folder: Folder) -> Iterator[Finding]:
    """Places of the template that transformers 5.22 and 5.23 changed."""
    if found := re.search(
        r"(\w+(?:\.\w+|\[['\"]\w+['\"]\])) +is +(?:not +)?none", folder.template, re.IGNORECASE
    ):
        yield Finding(
            "template-none",
            f"{found.group(0)!r}: keys whose value is None are removed before the template runs (5.23), so this is "
            f"decided once and for all",
            f"test {found.group(1)!r} itself, or `is defined`",
        )
    if found := re.search(r"namespace\([^)]*\b_\w+ *=|set +\w+\._\w+ *=", folder.template):
        yield Finding(
            "template-underscore",
            f"{found.group(0)!r}: underscores in a namespace raise SecurityError (5.22)",
            "rename the attribute",
        )


def open_to_text(folder: Folder) -> list[str]:
    """Added tokens that text of a user can write even with sanitize_control_tokens=True."""
    listed = folder.loaded.chat_control_tokens
    known = folder.template if listed is None else set(listed)
    tokens = [t for t in folder.loaded.added_tokens_decoder.values() if not t.special and t.content.strip()]
    return [t.content for t in tokens if t.content not in known] if folder.template else []


def responses(folder: Folder) -> Iterator[Finding]:
    """How generated text is read."""
    if "response_schema" in folder.config("tokenizer_config.json"):
        yield Finding(
            "response-schema", "response_schema is dropped without a word (5.15)", "write a response_template"
        )
    spec = folder.loaded.response_template or {}
    fields: dict[str, dict[str, Any]] = spec.get("fields", {})
    for name, field in fields.items():
        if not {"open", "open_pattern"} & set(field) and not field.get("repeats") and len(fields) > 1:
            yield Finding(
                "content-overwritten",
                f"field {name!r} takes all other text and does not repeat: text after another field replaces it",
                f'"repeats": True, "join": "\\n" in {name!r}, and \\s* around the patterns of the others',
            )


RULES: tuple[Callable[[Folder], Iterator[Finding]], ...] = (
    pipeline_rebuilt,
    settings_saved,
    added_token_text,
    round_trip,
    pad_token,
    embedding_rows,
    chat,
    template_text,
    responses,
)


def report(folder: Folder) -> dict[str, Any]:
    """What the folder is, and the findings."""
    return {
        "class": type(folder.loaded).__name__,
        "model": folder.state["model"].get("type"),
        "tokens": len(folder.loaded),
        "special": sorted(
            token.content for token in folder.loaded.added_tokens_decoder.values() if token.special
        )[:12],
        "padding_side": folder.loaded.padding_side,
        "open_to_text": open_to_text(folder)[:12],
        "findings": [asdict(finding) for rule in RULES for finding in rule(folder)],
    }


def render(result: dict[str, Any]) -> str:
    """Lines for people."""
    lines = [
        f"{key:14} {result[key]}"
        for key in ("class", "model", "tokens", "special", "padding_side", "open_to_text")
    ]
    for finding in result["findings"]:
        lines += [f"warning {finding['code']}: {finding['message']}", f"    {finding['help']}"]
    return "\n".join(lines if result["findings"] else [*lines, "No findings."])


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    result.add_argument("folder", type=Path, help="folder with tokenizer.json")
    result.add_argument("--text", type=Path, help="file whose lines are tried beside the built-in probes")
    result.add_argument("--json", action="store_true", help="print one JSON object")
    return result


def main() -> int:
    """Run; 0 clean, 1 findings, 2 unreadable."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    logging.disable(logging.WARNING)
    args = parser().parse_args()
    try:
        lines: list[str] = args.text.read_text(encoding="utf-8").splitlines()[:5000] if args.text else []
        folder = load(args.folder, [*PROBES, *(line for line in lines if line.strip())])
    except Exception as error:  # noqa: BLE001  (the Rust side raises plain Exception)
        print(f"check_tokenizer: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    result = report(folder)
    print(json.dumps(result, indent=2, ensure_ascii=False) if args.json else render(result))
    return 1 if result["findings"] else 0


if __name__ == "__main__":
    sys.exit(main())
