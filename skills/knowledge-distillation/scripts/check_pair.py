# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
"""Compare the folders of a student and a teacher: may one's distribution be taught to the other?

Reads config.json, tokenizer.json, generation_config.json and the chat template; loads no weights. Trainers compare the
number of tokens at most, so two tokenizers of one size pass unseen. Standard library only.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

EXAMPLE = """example:
  python check_pair.py ./Qwen2.5-0.5B-Instruct ./Qwen2.5-7B-Instruct
  python check_pair.py student teacher --json

exit status: 0 nothing found, 1 something found, 2 a folder holds no model.
"""


@dataclass(frozen=True)
class Finding:
    """One difference: its name, the values that show it, and what to do."""

    code: str
    evidence: str
    cure: str


class Model:
    """What the files of a folder say."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = self._json("config.json")

    def _json(self, name: str) -> dict[str, Any]:
        path = self.folder / name
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

    @property
    def size(self) -> int | None:
        """Rows of the output layer; those of a model of images and text stand one level deeper."""
        inner: dict[str, Any] = self.config.get("text_config", {})
        found = self.config.get("vocab_size", inner.get("vocab_size"))
        return None if found is None else int(found)

    @cached_property
    def tokens(self) -> dict[int, str]:
        """Token by id, from any kind of tokenizer.json; empty where there is none."""
        data = self._json("tokenizer.json")
        core: dict[str, Any] = data.get("model", {})
        vocabulary = core.get("vocab", {})
        pairs = (
            {i: token for token, i in vocabulary.items()}
            if isinstance(vocabulary, dict)
            else {i: row[0] for i, row in enumerate(vocabulary)}
        )
        return pairs | {row["id"]: row["content"] for row in data.get("added_tokens", [])}

    @property
    def ends(self) -> set[int]:
        """Ids that end an answer."""
        found = self._json("generation_config.json").get("eos_token_id", self.config.get("eos_token_id"))
        return set(found) if isinstance(found, list) else {found} - {None}

    @property
    def template(self) -> str:
        """The chat template, from its own file or from the tokenizer's settings."""
        path = self.folder / "chat_template.jinja"
        if path.is_file():
            return path.read_text(encoding="utf-8")
        return str(self._json("tokenizer_config.json").get("chat_template") or "")


def sizes(student: Model, teacher: Model) -> Iterator[Finding]:
    """Output layers of other lengths: an error in TRL 1.9 and later."""
    one, two = student.size, teacher.size
    if one == two or one is None or two is None:
        return
    shown = f"student {one:,}, teacher {two:,} rows"
    used = max(student.tokens | teacher.tokens, default=-1) + 1
    if student.tokens and student.tokens == teacher.tokens and used <= min(one, two):
        yield Finding(
            "padded-vocabulary",
            f"{shown}; both tokenizers have the same {used:,} tokens, the rest is padding",
            f"larger_model.resize_token_embeddings({min(one, two)}) before training: no token is lost",
        )
    else:
        yield Finding(
            "vocabulary-sizes",
            shown,
            "a teacher of the same family, or trl.experimental.gold across tokenizers",
        )


def tokens(student: Model, teacher: Model) -> Iterator[Finding]:
    """Ids that mean something else: no trainer looks at this."""
    shared = student.tokens.keys() & teacher.tokens.keys()
    other = [i for i in sorted(shared) if student.tokens[i] != teacher.tokens[i]]
    if other:
        first = other[0]
        yield Finding(
            "other-tokens",
            f"{len(other):,} of {len(shared):,} ids; {first} is {student.tokens[first]!r} and {teacher.tokens[first]!r}",
            "the loss compares ids, so this pair cannot be distilled by logits: trl.experimental.gold, or SFT on texts",
        )


def ends(student: Model, teacher: Model) -> Iterator[Finding]:
    """Answers end elsewhere."""
    if student.ends != teacher.ends and student.ends and teacher.ends:
        yield Finding(
            "end-tokens",
            f"student {sorted(student.ends)}, teacher {sorted(teacher.ends)}",
            "set generation_config.eos_token_id of the student to the end of a turn, or it learns not to stop",
        )


def templates(student: Model, teacher: Model) -> Iterator[Finding]:
    """The teacher reads the student's rendering of a conversation."""
    if student.template != teacher.template:
        yield Finding(
            "chat-templates",
            f"student {len(student.template):,}, teacher {len(teacher.template):,} characters",
            "the teacher is asked in the student's template: give the student the teacher's, if it is the better known",
        )


def check(student: Model, teacher: Model) -> list[Finding]:
    """Everything that differs, the worst first."""
    if student.folder.resolve() == teacher.folder.resolve():
        return [
            Finding(
                "same-folder", str(student.folder), "a model taught by itself has loss 0: name the teacher"
            )
        ]
    looks = (sizes, tokens, ends, templates)
    return [finding for look in looks for finding in look(student, teacher)]


def main() -> int:
    """Print findings; exit as the help says."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0],
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("student", type=Path, help="folder of the student")
    parser.add_argument("teacher", type=Path, help="folder of the teacher")
    parser.add_argument("--json", action="store_true", help="findings as JSON")
    options = parser.parse_args()
    pair = Model(options.student), Model(options.teacher)
    for model in pair:
        if model.size is None:
            print(
                f"{model.folder}: no config.json with a vocab_size; give a folder of save_pretrained",
                file=sys.stderr,
            )
            return 2
    found = check(*pair)
    if options.json:
        print(json.dumps({"findings": [asdict(finding) for finding in found]}))
    else:
        for finding in found:
            print(f"{finding.code}: {finding.evidence}\n  {finding.cure}")
        if not found:
            print(f"one vocabulary of {pair[0].size:,} rows, the same ends and template")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
