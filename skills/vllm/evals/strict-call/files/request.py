"""The body of our request to /v1/chat/completions."""

from typing import Any


def body(model: str, text: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """One call of `book` with arguments that fit `parameters`, a JSON schema of an object."""
    function = {"name": "book", "description": "Book a trip", "parameters": parameters}
    return {
        "model": model,
        "messages": [{"role": "user", "content": text}],
        "tools": [{"type": "function", "function": function}],
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "max_tokens": 900,
    }
