"""Latency: rounds of calls, interleaved, timed by the clocks that are handed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Clock = Callable[[], float]


def timed(
    calls: Mapping[str, Callable[[int], object]],
    num_items: int,
    *,
    warmup: int,
    rounds: int,
    clocks: Sequence[Clock],
) -> dict[str, NDArray[np.float64]]:
    """Seconds of each call on each item by each clock, float64 (clocks, rounds × items).

    The names take turns, so that a busy moment hits all alike.

    Args:
        calls: by name, a function of the item's index.
        warmup: calls of each name before the clocks count, on the first items in turn.
        clocks: seconds, such as `time.perf_counter` and `time.process_time`.
    """
    for call in calls.values():
        for index in range(warmup if num_items else 0):
            call(index % num_items)
    taken: dict[str, list[list[float]]] = {name: [] for name in calls}
    for _ in range(rounds):
        for item in range(num_items):
            for name, call in calls.items():
                start = [clock() for clock in clocks]
                call(item)
                taken[name].append([clock() - since for clock, since in zip(clocks, start, strict=True)])
    return {name: np.array(rows, dtype=np.float64).reshape(-1, len(clocks)).T for name, rows in taken.items()}


def interleaved(
    calls: Mapping[str, Callable[[int], object]],
    num_items: int,
    *,
    warmup: int,
    rounds: int,
    clock: Clock,
) -> dict[str, list[float]]:
    """Milliseconds of each call on each item by one clock: see `timed`."""
    taken = timed(calls, num_items, warmup=warmup, rounds=rounds, clocks=[clock])
    return {name: (1000 * seconds[0]).tolist() for name, seconds in taken.items()}


def percentiles(latencies_ms: Sequence[float]) -> dict[str, float | None]:
    """p50, p95 and p99 in milliseconds, jitter (p99 / p50, which holds that of the images' sizes too), and images per
    second (one image at a time); None without a measurement."""
    if not len(latencies_ms):
        return dict.fromkeys(("p50_ms", "p95_ms", "p99_ms", "jitter", "images_per_s"))
    p50, p95, p99 = (float(v) for v in np.percentile(latencies_ms, [50, 95, 99]))
    rate = 1000 / float(np.mean(latencies_ms))
    return {"p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "jitter": p99 / p50 if p50 else None, "images_per_s": rate}
