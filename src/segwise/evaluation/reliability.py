"""Whether scores mean what they say: of the objects served with a score of 0.8, eight in ten should be right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segwise.evaluation.mistakes import RIGHT, ObjectRows

BINS = 10  # of equal width over [0, 1], fixed: bins that follow the data cannot be summed over images


def reliability(rows: ObjectRows, num_classes: int) -> NDArray[np.float64]:
    """Of the predicted objects, by bin of score and class: number, summed score, those right; float64 (3, 10, K)."""
    scores, class_ids = rows.scores[rows.is_predicted], rows.class_ids[rows.is_predicted]
    right = rows.fates[rows.is_predicted] == RIGHT
    cells = np.minimum((scores * BINS).astype(np.int64), BINS - 1) * num_classes + class_ids - 1
    parts = [np.bincount(cells, weight, BINS * num_classes) for weight in (None, scores, right.astype(np.float64))]
    return np.stack(parts).astype(np.float64).reshape(3, BINS, num_classes)


def calibration_error(sums: NDArray[np.float64]) -> float:
    """Expected calibration error (Guo et al., ICML 2017) from summed (3, 10): mean over the objects of
    |mean score − share right| of their bin. NaN without an object."""
    total = float(sums[0].sum())
    return float(np.abs(sums[1] - sums[2]).sum() / total) if total else float("nan")
