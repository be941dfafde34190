"""The declarative response template of our format."""


def configure(tokenizer):
    """Let `tokenizer.parse_response` read our format."""
    tokenizer.response_template = {
        "start_anchor": "[/INST]",
        "defaults": {"role": "assistant"},
        "fields": {
            "tool_calls": {
                "open_pattern": r"\s*\[TOOL_CALLS\]",
                "close": "</s>",
                "content": "json",
                "transform": {
                    "type": "function",
                    "id": "{id}",
                    "function": {"name": "{name}", "arguments": "{arguments}"},
                },
                "transform_each": True,
            },
            "meta": {
                "open_pattern": r"\s*\[META\]",
                "close_pattern": r"\[/META\]\s*",
                "content": "kv-lines",
                "content_args": {
                    "kv_sep": "=",
                    "value_parser": {"name": "json", "args": {"allow_non_json": True}},
                },
            },
            "content": {"close": "</s>", "repeats": True, "join": "\n"},
        },
    }
