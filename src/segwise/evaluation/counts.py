"""Counts and coverage: how far the numbers a user reads are from the label's. Sum first, divide once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating] | NDArray[np.integer]


def count_metrics(truth: Array, predicted: Array, weights: NDArray[np.int64] | None = None) -> dict[str, float]:
    """Errors of counts (images, classes); each cell is one count. NaN where undefined.

    Returns:
        count_mae: mean |error|, objects.
        count_error: Σ|error| / Σ count. count_bias: Σ error / Σ count, above 0 = too many.
        count_mape: mean of |error| / count over the cells with objects.
        count_exact_rate: share of cells without an error.
    """
    weight = np.ones(len(truth)) if weights is None else weights.astype(np.float64)
    cell = np.broadcast_to(weight[:, None], truth.shape)
    error = predicted.astype(np.float64) - truth
    there = cell * (truth > 0)
    return {
        "count_mae": _ratio((cell * np.abs(error)).sum(), cell.sum()),
        "count_error": _ratio((cell * np.abs(error)).sum(), (cell * truth).sum()),
        "count_bias": _ratio((cell * error).sum(), (cell * truth).sum()),
        "count_mape": _ratio((there * np.abs(error) / np.maximum(truth, 1)).sum(), there.sum()),
        "count_exact_rate": _ratio((cell * (error == 0)).sum(), cell.sum()),
    }


def coverage_metrics(
    truth: NDArray[np.float64], predicted: NDArray[np.float64], weights: NDArray[np.int64] | None = None
) -> dict[str, float]:
    """Errors of coverage (images, classes), as fractions of the pixels: mean |error| and mean error."""
    weight = np.ones(len(truth)) if weights is None else weights.astype(np.float64)
    cell = np.broadcast_to(weight[:, None], truth.shape)
    error = predicted - truth
    return {
        "coverage_error": _ratio((cell * np.abs(error)).sum(), cell.sum()),
        "coverage_bias": _ratio((cell * error).sum(), cell.sum()),
    }


def _ratio(numerator: float, denominator: float) -> float:
    return float(numerator / denominator) if denominator else float("nan")
