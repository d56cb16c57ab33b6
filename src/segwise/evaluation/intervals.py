"""Percentile bootstrap over groups: images of one field are not independent, so whole groups are drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Statistic = Callable[[NDArray[np.int64]], dict[str, float]]


def bootstrap(
    groups: Sequence[str], statistic: Statistic, *, replicates: int, confidence: float, seed: int
) -> dict[str, tuple[float, float] | None]:
    """Interval of each figure that `statistic` returns.

    Args:
        groups: the group of each image.
        statistic: figures for a weight per image, int64 (images,): how often it was drawn.
        confidence: for example 0.9, the middle 90 % of the replicates.

    Returns:
        (low, high) by figure; None where it was undefined (NaN) in more than half of the replicates.
    """
    names, member = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    random = np.random.default_rng(seed)
    draws = [
        statistic(np.bincount(random.integers(len(names), size=len(names)), minlength=len(names))[member])
        for _ in range(replicates)
    ]
    tail = 50 * (1 - confidence)
    out: dict[str, tuple[float, float] | None] = {}
    for key in draws[0] if draws else ():
        values = np.array([draw[key] for draw in draws], dtype=np.float64)
        values = values[~np.isnan(values)]
        low, high = np.percentile(values, [tail, 100 - tail]) if values.size else (np.nan, np.nan)
        out[key] = (float(low), float(high)) if values.size * 2 > replicates else None
    return out
