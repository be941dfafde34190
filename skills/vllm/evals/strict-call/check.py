"""Send what the answer builds to vllm's HTTP server over random tokens, and see whether the arguments fit the schema."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from fixtures import HERMES, SCHEMA, served


def main() -> int:
    """Exit 0 when four calls of the function have arguments that fit."""
    sys.path.insert(0, sys.argv[1])
    from request import body

    with served(*HERMES) as client:
        answers = [
            client.chat.completions.create(**body("tiny", "Two days in Rome.", SCHEMA)) for _ in range(4)
        ]
    calls = [answer.choices[0].message.tool_calls for answer in answers]
    given = [
        json.loads(call[0].function.arguments) for call in calls if call and call[0].function.name == "book"
    ]
    print(given)
    fit = [value for value in given if isinstance(value, dict) and set(value) == set(SCHEMA["required"])]
    return 0 if len(fit) == 4 else 1


if __name__ == "__main__":
    sys.exit(main())
