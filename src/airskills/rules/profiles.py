"""Names of the profiles: what `--profile` accepts."""

from __future__ import annotations

from airskills.catalog import clients

SPEC = ("spec", "standard")
CLIENTS = tuple(sorted(clients()))
PROFILES = ("spec", "standard", *CLIENTS)
EVERYWHERE = PROFILES
