"""What a call costs in CPU time, where other tests have left a large heap."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable


def cpu_seconds(call: Callable[[], object]) -> float:
    """CPU time of one call, without the collector: its work grows with the heap, and the check switches it off too."""
    gc.disable()
    try:
        start = time.process_time()
        call()
        return time.process_time() - start
    finally:
        gc.enable()
