"""Answers that do not depend on the image: they may meet a lax limit, and never pass. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
FEWEST = 3  # images of one size that are answered with the same numbers of pixels, from which on it is no chance


def why_constant(confusion: Counts, objects: Counts) -> str | None:
    """What is wrong with answers that are the same everywhere, or empty; None where nothing is.

    Args:
        confusion: int64 (I, K + 1, K + 1), pixels by labelled and by predicted class, of each image.
        objects: int64 (I, 2, C), labelled and predicted objects of the countable classes.
    """
    labelled, predicted = (confusion.sum(axis=axis) for axis in (2, 1))
    if _is_one_class(predicted) and (not _is_one_class(labelled) or _num_classes(labelled) > _num_classes(predicted)):
        return "it answers one class on all of every image, whatever the image shows"
    if _is_one_pattern(labelled, predicted):
        return "it answers the same numbers of pixels on every image of a size, whatever the image shows"
    wanted, found = objects.sum(axis=(0, 2)).tolist()
    if wanted and not found:
        return f"it answers no object at all, where {wanted} are labelled"
    return None


def _is_one_class(pixels: Counts) -> bool:
    """Whether no image has two classes."""
    return bool(((pixels > 0).sum(axis=1) <= 1).all())


def _num_classes(pixels: Counts) -> int:
    """Classes that are there in any image."""
    return int((pixels.sum(axis=0) > 0).sum())


def _is_one_pattern(labelled: Counts, predicted: Counts) -> bool:
    """Whether every image has several classes, in the same numbers of pixels as all others of its size, though the
    labels have not: a mask that was learnt by heart."""
    if not ((predicted > 0).sum(axis=1) > 1).all():
        return False
    sizes = predicted.sum(axis=1)
    same = [sizes == size for size in np.unique(sizes)]
    repeated = [images for images in same if images.sum() >= FEWEST]
    return (
        bool(repeated)
        and all(len(np.unique(predicted[images], axis=0)) == 1 for images in same)
        and any(len(np.unique(labelled[images], axis=0)) > 1 for images in repeated)
    )
