"""The declarative response template of our format."""

TEMPLATE = {
    "version": 1,
    "start_anchor": "<|assistant|>\n",
    "defaults": {"role": "assistant"},
    "fields": {
        "reasoning_content": {"open": "[THINK]", "close": "[/THINK]"},
        "tool_calls": {
            "open_pattern": r"\s*\[CALL\]\s*(?P<name>\w+)\s*",
            "close_pattern": r"\[/CALL\]\s*",
            "repeats": True,
            "content": "json",
            "transform": {"type": "function", "function": {"name": "{name}", "arguments": "{content}"}},
        },
        "content": {"close_pattern": r"\s*<\|end\|>\s*", "repeats": True, "join": "\n"},
    },
}


def configure(tokenizer):
    """Let `tokenizer.parse_response` read our format."""
    tokenizer.response_template = TEMPLATE
