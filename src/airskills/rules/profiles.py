"""Names of the profiles: what `--profile` accepts, and what a client's profile knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airskills.catalog import clients

SPEC = ("spec", "standard")
CLIENTS = tuple(sorted(name for name in clients() if name != "specification"))
PROFILES = ("spec", "standard", *CLIENTS)
EVERYWHERE = PROFILES


def client(profile: str) -> Mapping[str, Any]:
    """What is known of the client that the profile is named after; of any client where it is none's."""
    return clients()[profile if profile in CLIENTS else "specification"]
