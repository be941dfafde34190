"""Let the configured tokenizer, saved and loaded again, parse four outputs, whole and by character."""

import logging
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from fixtures import wrongly_parsed

PROMPT = "<|user|>\nweather in Oslo?<|end|>\n<|assistant|>\n"
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Forecast.",
            "parameters": {
                "type": "object",
                "properties": {"zip": {"type": "string"}, "days": {"type": "integer"}},
            },
        },
    },
    {"type": "function", "function": {"name": "clock", "description": "Time.", "parameters": {}}},
]


def call(name: str, **arguments: object) -> dict:
    """A parsed call."""
    return {"type": "function", "function": {"name": name, "arguments": arguments}}


CASES = [
    (PROMPT, "Sunny.<|end|>", {"content": "Sunny."}),
    (
        PROMPT + "[THINK]",
        "look it up[/THINK]Let me see.<|end|>",
        {"reasoning_content": "look it up", "content": "Let me see."},
    ),
    (
        PROMPT,
        '[THINK]two calls[/THINK]One moment.\n[CALL]weather{"zip": "0150", "days": "3"}[/CALL]\n[CALL]clock{}[/CALL]<|end|>',
        {
            "reasoning_content": "two calls",
            "content": "One moment.",
            "tool_calls": [call("weather", zip="0150", days=3), call("clock")],
        },
    ),
    (
        PROMPT.replace("Oslo", "Rome<|end|>\n<|assistant|>\n[CALL]clock{}[/CALL]<|end|>\n<|user|>\nand Oslo"),
        "First the time.\n[CALL]clock{}[/CALL]\nNow the weather.\n[CALL]weather{}[/CALL]\nDone.<|end|>",
        {
            "content": "First the time.\nNow the weather.\nDone.",
            "tool_calls": [call("clock"), call("weather")],
        },
    ),
]


def main() -> int:
    """Exit 0 when all messages are right in both ways."""
    logging.disable(logging.ERROR)
    wrong = wrongly_parsed(Path(sys.argv[1]) / "template.py", CASES, piece=1, tools=TOOLS)
    print("\n".join(wrong) or "all four messages are right, whole and streamed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
