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
        count_limits_low, count_limits_high: limits of agreement, objects: mean error ∓ 1.96 standard deviations
            (Bland and Altman, Lancet 1986).
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
        **_limits("count", error, cell),
    }


def coverage_metrics(
    truth: NDArray[np.float64], predicted: NDArray[np.float64], weights: NDArray[np.int64] | None = None
) -> dict[str, float]:
    """Errors of coverage (images, classes), as fractions of the pixels: mean |error| and error, limits of agreement."""
    weight = np.ones(len(truth)) if weights is None else weights.astype(np.float64)
    cell = np.broadcast_to(weight[:, None], truth.shape)
    error = predicted - truth
    return {
        "coverage_error": _ratio((cell * np.abs(error)).sum(), cell.sum()),
        "coverage_bias": _ratio((cell * error).sum(), cell.sum()),
        **_limits("coverage", error, cell),
    }


def _limits(name: str, error: NDArray[np.float64], cell: NDArray[np.float64]) -> dict[str, float]:
    mean = _ratio((cell * error).sum(), cell.sum())
    spread = np.sqrt(_ratio((cell * np.square(error - mean)).sum(), cell.sum()))
    return {f"{name}_limits_low": float(mean - 1.96 * spread), f"{name}_limits_high": float(mean + 1.96 * spread)}


def _ratio(numerator: float, denominator: float) -> float:
    return float(numerator / denominator) if denominator else float("nan")
