"""Answers that do not depend on the image: they may meet a lax limit, and never pass. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]


def why_constant(confusion: Counts, objects: Counts) -> str | None:
    """What is wrong with answers that are the same everywhere, or empty; None where nothing is.

    Args:
        confusion: int64 (I, K + 1, K + 1), pixels by labelled and by predicted class, of each image.
        objects: int64 (I, 2, C), labelled and predicted objects of the countable classes.
    """
    labelled, predicted = (confusion.sum(axis=axis) > 0 for axis in (2, 1))
    if (predicted.sum(axis=1) <= 1).all() and (labelled.sum(axis=1) > 1).any():
        return "it answers one class on all of every image, whatever the image shows"
    wanted, found = objects.sum(axis=(0, 2)).tolist()
    if wanted and not found:
        return f"it answers no object at all, where {wanted} are labelled"
    return None
