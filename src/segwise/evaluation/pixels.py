"""Pixels: one confusion matrix for the data set; sum first, divide once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segwise.types import IGNORE_INDEX, ClassMap

Counts = NDArray[np.int64]


def confusion(truth: ClassMap, predicted: ClassMap, num_classes: int) -> Counts:
    """Pixels by (true class, predicted class), int64 (K + 1, K + 1), 0 = background. Ignored pixels count nowhere."""
    if truth.shape != predicted.shape:
        raise ValueError(f"class maps of shapes {truth.shape} and {predicted.shape}")
    side = num_classes + 1
    valid = truth != IGNORE_INDEX
    return np.bincount(
        truth[valid].astype(np.int64) * side + predicted[valid], minlength=side * side
    ).reshape(side, side)  # fmt: skip


def iou(matrix: NDArray[np.number]) -> NDArray[np.float64]:
    """IoU of each class with background, float64 (K + 1,); NaN where the class is in neither map."""
    hit = np.diag(matrix).astype(np.float64)
    union = matrix.sum(axis=0) + matrix.sum(axis=1) - hit
    return _quotient(hit, union)


def dice(matrix: NDArray[np.number]) -> NDArray[np.float64]:
    """Dice of each class with background, float64 (K + 1,); NaN where the class is in neither map."""
    hit = np.diag(matrix).astype(np.float64)
    both = (matrix.sum(axis=0) + matrix.sum(axis=1)).astype(np.float64)
    return _quotient(2 * hit, both)


def _quotient(top: NDArray[np.float64], bottom: NDArray[np.float64]) -> NDArray[np.float64]:
    out = np.full_like(top, np.nan)
    np.divide(top, bottom, out=out, where=bottom > 0)
    return out


def mean_of(values: NDArray[np.float64]) -> float:
    """Mean of the defined values; NaN if none is."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float("nan")


def foreground_iou(matrix: NDArray[np.number]) -> float:
    """IoU of everything that is not background, whatever its class."""
    hit, union = matrix[1:, 1:].sum(), matrix.sum() - matrix[0, 0]
    return float(hit / union) if union else float("nan")


def coverage(matrix: NDArray[np.number]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of the valid pixels of classes 1..K, true and predicted, each float64 (..., K). Leading axes are images."""
    total = np.maximum(matrix.sum(axis=(-2, -1)), 1)[..., None]
    return matrix.sum(axis=-1)[..., 1:] / total, matrix.sum(axis=-2)[..., 1:] / total
