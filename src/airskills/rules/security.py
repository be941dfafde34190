"""AS7xx: security. Importing this module registers the rules; `security_*` hold them.

They judge what a skill does or asks for, never its topic. They are a reader's first pass, not a proof of innocence: an
attack in words that none of the patterns knows, or in a program of another language, passes.
"""

from __future__ import annotations

from airskills.rules import (
    security_code,
    security_hidden,
    security_packages,
    security_suspect,
    security_text,
    security_unicode,
)

__all__ = [
    "security_code",
    "security_hidden",
    "security_packages",
    "security_suspect",
    "security_text",
    "security_unicode",
]
