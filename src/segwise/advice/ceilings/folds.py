"""Fitted on one half of the groups, scored on the other: which point each image is read at. Pure."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Loss = Callable[[int, NDArray[np.int64]], float]


def folds(groups: Sequence[str]) -> Ints:
    """0 or 1 for each image, int64 (I,): groups in the order of the digests of their names, in turn.

    A single group is in both halves: its ceiling is fitted on what it is scored on.
    """
    names = sorted(set(groups), key=lambda name: (hashlib.sha256(name.encode()).hexdigest(), name))
    place = {name: index % 2 for index, name in enumerate(names)}
    return np.array([place[name] for name in groups], dtype=np.int64)


def fitted(fold: Ints, num_points: int, loss: Loss) -> tuple[Ints, int]:
    """The best point of the other half for each image, int64 (I,), and the best of all images.

    Args:
        loss: of a point over weighted images; NaN where undefined. Of equal points the first is taken.
    """
    if num_points == 1:
        return np.zeros(len(fold), dtype=np.int64), 0
    halves = [1 - fold, fold] if len(np.unique(fold)) == 2 else [np.ones_like(fold)] * 2
    best = np.array([_best(num_points, lambda p, half=half: loss(p, half)) for half in halves])  # type: ignore[misc]
    chosen = best[1 - fold] if len(np.unique(fold)) == 2 else best[np.zeros_like(fold)]
    return chosen, _best(num_points, lambda p: loss(p, np.ones_like(fold)))


def _best(num_points: int, loss: Callable[[int], float]) -> int:
    losses = [loss(point) for point in range(num_points)]
    return int(np.argmin([math.inf if math.isnan(value) else round(value, 12) for value in losses]))
