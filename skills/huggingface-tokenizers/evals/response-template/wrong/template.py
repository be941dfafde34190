"""The declarative response template of our format."""


def configure(tokenizer):
    """Let `tokenizer.parse_response` read our format."""
    tokenizer.response_template = {
        "start_anchor": "<|assistant|>\n",
        "defaults": {"role": "assistant"},
        "fields": {
            "reasoning_content": {"open": "[THINK]", "close": "[/THINK]"},
            "tool_calls": {
                "open_pattern": r"\[CALL\](?P<name>\w+)",
                "close": "[/CALL]",
                "repeats": True,
                "content": "json",
                "transform": {"type": "function", "function": {"name": "{name}", "arguments": "{content}"}},
            },
            "content": {"close": "<|end|>"},
        },
    }
