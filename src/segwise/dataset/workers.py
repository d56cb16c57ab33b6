"""How many threads decode images at once."""

from __future__ import annotations

import os

MOST = 8  # each holds one decoded image, which may have hundreds of megapixels


def count() -> int:
    """The processors that this process may run on, at least 1 and at most MOST."""
    has_affinity = hasattr(os, "sched_getaffinity")  # Linux: a container or `taskset` may allow fewer than there are
    return max(1, min(MOST, len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1))
