"""Let the configured tokenizer, saved and loaded again, parse four outputs, whole and in pieces of three characters."""

import importlib.util
import logging
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from fixtures import chat
from transformers import PreTrainedTokenizerFast

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
        parser = tokenizer.get_response_parser(prefix=prompt)
        for at in range(0, len(output), 3):
            parser.feed(output[at : at + 3])
        both = (tokenizer.parse_response(output, prefix=prompt), parser.finalize()[0])
        wrong += [f"case {number}: {got}" for got in both if got != want]
    print("\n".join(wrong) or "all four messages are right, whole and streamed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
