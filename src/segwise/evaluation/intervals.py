"""Percentile bootstrap over groups: images of one field are not independent, so whole groups are drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Statistic = Callable[[NDArray[np.int64]], dict[str, float]]
Interval = tuple[float, float]


def draws(groups: Sequence[str], replicates: int, seed: int, confidence: float | None = None) -> NDArray[np.int64]:
    """How often each image was drawn, int64 (replicates, images); whole groups are drawn, as many as there are.

    None is drawn of fewer groups than an interval of `confidence` needs, see `fewest_groups`.
    """
    names, member = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    if confidence is not None and len(names) < fewest_groups(confidence):
        replicates = 0
    random = np.random.default_rng(seed)
    counts = [
        np.bincount(random.integers(len(names), size=len(names)), minlength=len(names)) for _ in range(replicates)
    ]
    return np.array(counts, dtype=np.int64).reshape(replicates, len(names))[:, member]


def fewest_groups(confidence: float) -> int:
    """Groups below which no interval of this confidence can be told.

    The widest that a bootstrap of n groups reaches is from the least to the largest of them, and these hold the median
    with probability 1 − 2^(1 − n) only (order statistics: David and Nagaraja 2003, section 7.1).
    """
    return 1 + math.ceil(round(-math.log2(1 - confidence), 9))


def interval(values: NDArray[np.float64], confidence: float) -> Interval | None:
    """(low, high) that hold the middle of the replicates' values; None where more than half of them are undefined."""
    defined = values[~np.isnan(values)]
    if not defined.size or defined.size * 2 <= values.size:
        return None
    tail = (1 - confidence) / 2
    if np.isfinite(defined).all():
        low, high = np.quantile(defined, [tail, 1 - tail])
    else:  # nothing lies between a number and infinity: the nearest values outwards
        ordered, last = np.sort(defined), defined.size - 1
        low, high = ordered[math.floor(tail * last)], ordered[math.ceil((1 - tail) * last)]
    return float(low), float(high)


def bootstrap(
    groups: Sequence[str], statistic: Statistic, *, replicates: int, confidence: float, seed: int
) -> dict[str, Interval | None]:
    """Interval of each figure that `statistic` returns.

    Args:
        groups: the group of each image.
        statistic: figures for a weight per image, int64 (images,): how often it was drawn.
        confidence: for example 0.95, the middle 95 % of the replicates.

    Returns:
        (low, high) by figure; None where it was undefined (NaN) in more than half of the replicates.
    """
    values = [statistic(weights) for weights in draws(groups, replicates, seed)]
    keys = values[0] if values else ()
    return {key: interval(np.array([v[key] for v in values], dtype=np.float64), confidence) for key in keys}
