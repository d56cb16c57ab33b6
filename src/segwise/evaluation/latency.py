"""Latency: rounds of calls, interleaved, timed by the clock that is handed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np


def interleaved(
    calls: Mapping[str, Callable[[int], object]],
    num_items: int,
    *,
    warmup: int,
    rounds: int,
    clock: Callable[[], float],
) -> dict[str, list[float]]:
    """Milliseconds of each call on each item, the names taking turns so that a busy moment hits all alike.

    Args:
        calls: by name, a function of the item's index.
        warmup: calls of each name before the clock counts, on the first items in turn.
        clock: seconds, such as `time.perf_counter`.
    """
    for call in calls.values():
        for index in range(warmup if num_items else 0):
            call(index % num_items)
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for item in range(num_items):
            for name, call in calls.items():
                start = clock()
                call(item)
                taken[name].append(1000 * (clock() - start))
    return taken


def percentiles(latencies_ms: Sequence[float]) -> dict[str, float | None]:
    """p50, p95 and p99 in milliseconds and images per second (one image at a time); None without a measurement."""
    if not latencies_ms:
        return {"p50_ms": None, "p95_ms": None, "p99_ms": None, "images_per_s": None}
    p50, p95, p99 = (float(v) for v in np.percentile(latencies_ms, [50, 95, 99]))
    return {"p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "images_per_s": 1000 / float(np.mean(latencies_ms))}
