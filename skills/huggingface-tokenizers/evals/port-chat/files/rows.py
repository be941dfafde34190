"""Two conversations as our log reader yields them."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

CONVERSATIONS = [
    [
        {"role": "user", "content": "Where is my order?"},
        {
            "role": "tool",
            "content": None,
            "order": {
                "id": UUID("0d9ba0a2-6c4b-4d64-8f0a-3a1d1c6c6f11"),
                "placed": date(2026, 3, 9),
                "total": Decimal("19.90"),
            },
        },
        {"role": "assistant", "content": "On its way.", "reasoning_content": "It was placed in March."},
    ],
    [
        {"role": "user", "content": datetime(2026, 3, 10, 8, 15)},
        {
            "role": "assistant",
            "content": "A date, why?",
            "reasoning": "raw text of the other team's model",
        },
    ],
]
TODAY = date(2026, 4, 1)
