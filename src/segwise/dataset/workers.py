"""How many threads decode images at once, and how far they are."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

LINE_EVERY_S = 5.0
Item = TypeVar("Item")
MOST = 8  # each holds one decoded image, which may have hundreds of megapixels


def count() -> int:
    """The processors that this process may run on, at least 1 and at most MOST."""
    has_affinity = hasattr(os, "sched_getaffinity")  # Linux: a container or `taskset` may allow fewer than there are
    return max(1, min(MOST, len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1))


def told(label: str, items: Iterable[Item], total: int) -> Iterator[Item]:
    """The items; while they come, a line on stderr every few seconds says how many of `total` are done."""
    start = said = time.monotonic()
    for number, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - said >= LINE_EVERY_S and number < total:
            said, left = now, (now - start) / number * (total - number)
            print(f"{label}: image {number}/{total}  {left:.0f} s left", file=sys.stderr, flush=True)
