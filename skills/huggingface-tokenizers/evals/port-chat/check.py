"""Compare the ids of several conversations with those of texts written as transformers 5.19.0 renders them."""

import logging
import sys
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from fixtures import chat, module

TODAY = date(2026, 4, 1)
MORE = [
    [
        {"role": "user", "content": Decimal("1.50"), "name": None},
        {"role": "assistant", "content": "", "thinking": "T"},
    ],
    [
        {"role": "tool", "content": "x", "order": {"id": 7, "placed": None, "total": Decimal("0E-2")}},
        {"role": "assistant", "content": None, "reasoning_content": "kept", "reasoning": "not this"},
    ],
    [{"role": "user", "content": [1, None, "a"]}, {"role": "tool", "content": time(8, 5)}],
    [{"role": "user", "content": {"a": None, "b": Decimal(2)}}],
]


def text(conversation: list[dict[str, Any]]) -> str:
    """The old rendering, by hand."""
    made = ""
    for number, message in enumerate(conversation):
        made += f"<|im_start|>{message['role']}\n"
        made += f"Today is {TODAY:%d.%m.%Y}.\n" if number == 0 else ""
        if message.get("reasoning_content"):
            made += f"<think>{message['reasoning_content']}</think>\n"
        made += "(no text)" if message["content"] is None else str(message["content"])
        if order := message.get("order"):
            made += f"\norder {order['id']}, {order['placed']}, total {order['total']} EUR"
        made += "<|im_end|>\n"
    return made


def main() -> int:
    """Exit 0 when every conversation has its old ids."""
    logging.disable(logging.ERROR)
    rows = module(Path(__file__).with_name("files") / "rows.py")
    answer = module(Path(sys.argv[1]) / "chat.py")
    tokenizer = chat()
    wrong = []
    for conversation in rows.CONVERSATIONS + MORE:
        want = tokenizer(text(conversation), add_special_tokens=False)["input_ids"]
        try:
            got = answer.to_ids(tokenizer, conversation, today=TODAY)
        except Exception as error:  # noqa: BLE001  (whatever the answer raises is its failure)
            wrong.append(f"{type(error).__name__}: {error}")
            continue
        if list(got) != want:
            wrong.append(f"{tokenizer.decode(got)!r}\n  instead of {text(conversation)!r}")
    print("\n".join(wrong) or "all conversations have their old ids")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
