"""The declarative response template of our format."""


def configure(tokenizer):
    """Let `tokenizer.parse_response` read our format."""
    tokenizer.response_template = {
        "start_anchor": "[/INST]",
        "defaults": {"role": "assistant"},
        "fields": {
            "tool_calls": {"open": "[TOOL_CALLS]", "close": "</s>", "content": "json"},
            "meta": {
                "open": "[META]",
                "close": "[/META]",
                "content": "kv-lines",
                "content_args": {"kv_sep": "="},
            },
            "content": {"close": "</s>"},
        },
    }
