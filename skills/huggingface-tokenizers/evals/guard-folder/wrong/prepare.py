"""Let no added token of the tokenizer come from the content of a message."""

import json
from pathlib import Path


def prepare(folder):
    """Make every added token special."""
    path = Path(folder) / "tokenizer.json"
    state = json.loads(path.read_text(encoding="utf-8"))
    for token in state["added_tokens"]:
        token["special"] = True
    path.write_text(json.dumps(state, ensure_ascii=False), encoding="utf-8")
