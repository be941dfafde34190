"""Let the configured tokenizer, saved and loaded again, parse four outputs, whole and by character."""

import importlib.util
import logging
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from fixtures import chat
from transformers import PreTrainedTokenizerFast

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
    spec = importlib.util.spec_from_file_location("template", Path(sys.argv[1]) / "template.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tokenizer = chat()
    module.configure(tokenizer)
    with tempfile.TemporaryDirectory() as out:
        tokenizer.save_pretrained(out)
        tokenizer = PreTrainedTokenizerFast.from_pretrained(out)
    wrong = []
    for number, (prompt, output, message) in enumerate(CASES, 1):
        want = {"role": "assistant", **message}
        parser = tokenizer.get_response_parser(prefix=prompt, tools=TOOLS)
        for character in output:
            parser.feed(character)
        both = (tokenizer.parse_response(output, prefix=prompt, tools=TOOLS), parser.finalize()[0])
        wrong += [f"case {number}: {got}" for got in both if got != want]
    print("\n".join(wrong) or "all four messages are right, whole and streamed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
