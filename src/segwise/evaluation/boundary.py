"""Boundaries: how well outlines agree, within a tolerance. Counts per image; sum first, divide once.

The measure of BSDS (Martin, Fowlkes and Malik, PAMI 2004) as DAVIS counts it (Perazzi et al., CVPR 2016): a boundary
pixel is right where the other map has one of the same class within the tolerance. Class by class: a class's boundary
is not that of the pixels' ids, which is where Detectron2's boundary IoU erodes the wrong thing.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from segwise.evaluation.pixels import mean_of
from segwise.types import IGNORE_INDEX, ClassMap, Mask

Counts = NDArray[np.int64]
TOLERANCE = 0.0075  # of the diagonal, as BSDS has it


def boundary_counts(truth: ClassMap, predicted: ClassMap, num_classes: int, tolerance: float = TOLERANCE) -> Counts:
    """Boundary pixels of classes 1..K, int64 (4, K): predicted, those of them that are right, true, those found.

    Args:
        truth, predicted: uint8 (H, W). Pixels that `truth` ignores have no boundary and make none beside them.
        tolerance: fraction of the image's diagonal; never less than one pixel.
    """
    valid = truth != IGNORE_INDEX
    radius_px = max(1.0, tolerance * math.hypot(*truth.shape))
    edges = [(values, _edge(values, valid)) for values in (predicted, truth)]
    out = np.zeros((4, num_classes), dtype=np.int64)
    for column, class_id in enumerate(range(1, num_classes + 1)):
        found, there = (edge & (values == class_id) for values, edge in edges)
        out[0, column], out[2, column] = np.count_nonzero(found), np.count_nonzero(there)
        if out[0, column] and out[2, column]:
            out[1, column] = np.count_nonzero(_near(there, radius_px)[found])
            out[3, column] = np.count_nonzero(_near(found, radius_px)[there])
    return out


def _edge(values: ClassMap, valid: Mask) -> Mask:
    """Valid pixels with a valid 4-neighbour of another class, bool (H, W). The image's border is no boundary."""
    out = np.zeros(values.shape, dtype=bool)
    for first, second in (
        ((slice(1, None), slice(None)), (slice(None, -1), slice(None))),
        ((slice(None), slice(1, None)), (slice(None), slice(None, -1))),
    ):
        differ = (values[first] != values[second]) & valid[first] & valid[second]
        out[first] |= differ
        out[second] |= differ
    return out


def _near(boundary: Mask, radius_px: float) -> Mask:
    distance = cv2.distanceTransform((~boundary).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance <= radius_px + 1e-4, dtype=bool)  # float32 distances


def boundary_f(counts: NDArray[np.number]) -> NDArray[np.float64]:
    """F of each class, float64 (K,), from summed counts (4, K): the harmonic mean of precision and recall.

    NaN where neither map has a boundary of the class, 0 where only one has.
    """
    found, right, there, hit = counts.astype(np.float64)
    precision, recall = right / np.maximum(found, 1), hit / np.maximum(there, 1)
    f = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return np.where(found + there > 0, f, np.nan)


def mean_boundary_f(counts: NDArray[np.number]) -> float:
    """Mean of `boundary_f` over the classes that have one."""
    return mean_of(boundary_f(counts))
