"""Let the configured tokenizer, saved and loaded again, parse four outputs, whole and in pieces of three characters."""

import logging
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from fixtures import wrongly_parsed

PROMPT = "[INST]weather?[/INST]"


def call(number: str, name: str, **arguments: object) -> dict:
    """A parsed call."""
    return {"type": "function", "id": number, "function": {"name": name, "arguments": arguments}}


CASES = [
    (PROMPT, "Sunny.</s>", {"content": "Sunny."}),
    (
        PROMPT,
        '[TOOL_CALLS][{"name": "clock", "arguments": {}, "id": "a1"}]</s>',
        {"tool_calls": [call("a1", "clock")]},
    ),
    (
        "[INST]a[/INST]b</s>" + PROMPT,
        'Wait.\n[META]score=0.8\nlang=no\n[/META]\n[TOOL_CALLS][{"name": "f", "arguments": {"x": [1]}, "id": "b"}, {"name": "g", "arguments": {"y": "2"}, "id": "c"}]</s>',
        {
            "content": "Wait.",
            "meta": {"score": 0.8, "lang": "no"},
            "tool_calls": [call("b", "f", x=[1]), call("c", "g", y="2")],
        },
    ),
    (
        PROMPT,
        "First.\n[META]\nscore = 1\nnote = half done = true\n[/META]\nSecond.</s>",
        {"content": "First.\nSecond.", "meta": {"score": 1, "note": "half done = true"}},
    ),
]


def main() -> int:
    """Exit 0 when all messages are right in both ways."""
    logging.disable(logging.ERROR)
    wrong = wrongly_parsed(Path(sys.argv[1]) / "template.py", CASES, piece=3)
    print("\n".join(wrong) or "all four messages are right, whole and streamed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
