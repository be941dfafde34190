"""What a call costs in CPU time, where other tests have left a large heap."""

from __future__ import annotations

import time
from collections.abc import Callable

from airskills.collector import no_collection


def cpu_seconds(call: Callable[[], object]) -> float:
    """CPU time of one call, without the collector: its work grows with the heap, and the check switches it off too."""
    with no_collection():
        start = time.process_time()
        call()
        return time.process_time() - start
