"""Two samples, compared by summaries small enough to commit: how far apart are they, and can that be chance? Pure.

Labels come in clumps: the objects of an image, and the images of a group, resemble each other. So each sample counts as
its effective size, N / (1 + (m − 1) ρ), with the intraclass correlation ρ of the ranks from a one-way analysis of
variance and the mean size m of the clump an item lies in (Kish, Survey Sampling, 1965, sections 5.4 and 8.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_LEVELS = np.linspace(0.0, 1.0, 41)  # 2.5 percent steps: a distance is exact to 0.025
_DIGITS = 4  # significant, of stored quantiles

Values = NDArray[np.float64]
Clumps = NDArray[np.int64]


def numbers(values: Values, clumps: Clumps) -> dict[str, Any]:
    """A sample of numbers in brief: `{"n", "effective", "quantiles"}`, 41 quantiles from the least to the largest.

    Args:
        values: float (N,), N > 0, finite.
        clumps: int (N,), the clump each value lies in.
    """
    ranks = pd.Series(values).rank().to_numpy(dtype=float)
    points = [float(f"{q:.{_DIGITS}g}") for q in np.quantile(values, _LEVELS)]
    return {"n": len(values), "effective": round(effective_size(ranks, clumps), 1), "quantiles": points}


def shares(values: pd.Series[str], clumps: Clumps) -> dict[str, Any]:
    """A sample of words in brief: `{"n", "effective", "counts"}`.

    Its effective size is that of the words' indicators, averaged with the weights 1 − share (Rao and Scott, JASA 76,
    1981: the first-order correction of a chi-square test).
    """
    counts = values.value_counts()
    inverse = [
        (1 - c / len(values), 1 / effective_size((values == w).to_numpy(dtype=float), clumps))
        for w, c in counts.items()
    ]
    weight = sum(w for w, _ in inverse)
    mean = sum(w * i for w, i in inverse) / weight if weight else 1 / len(np.unique(clumps))
    found = {str(word): int(count) for word, count in sorted(counts.items())}
    return {"n": len(values), "effective": round(1 / mean, 1), "counts": found}


def effective_size(values: NDArray[Any], clumps: Clumps) -> float:
    """Number of independent values that would tell as much as these, float or bool (N,); at most N."""
    _, index = np.unique(clumps, return_inverse=True)
    sizes = np.bincount(index).astype(float)
    total, num = float(len(values)), len(sizes)
    if num == 1 or num == total:
        return float(num)
    means = np.bincount(index, weights=values) / sizes
    between = float((sizes * (means - values.mean()) ** 2).sum()) / (num - 1)
    within = float(((values - means[index]) ** 2).sum()) / (total - num)
    usual = (total - float((sizes**2).sum()) / total) / (num - 1)
    spread = between + (usual - 1) * within
    correlation = min(max((between - within) / spread, 0.0), 1.0) if spread > 0 else 1.0
    return total / (1 + (float((sizes**2).sum()) / total - 1) * correlation)


def distance(before: Mapping[str, Any], after: Mapping[str, Any]) -> float:
    """Kolmogorov and Smirnov's distance of two `numbers`: the largest difference of their cumulative shares, 0 to 1."""
    a, b = np.array(before["quantiles"]), np.array(after["quantiles"])
    points = np.union1d(a, b)
    sides = [np.abs(_below(a, points, side) - _below(b, points, side)).max() for side in (True, False)]
    return float(max(sides))


def stability(before: Mapping[str, Any], after: Mapping[str, Any]) -> float:
    """The population stability index of two `shares`, Σ (a − b) ln(a / b); 0 = the same, above 0.25 a large change
    (Siddiqi, Credit Risk Scorecards, 2006). Half an item is added to each word, so that a missing one stays finite."""
    words = sorted({*before["counts"], *after["counts"]})
    a, b = (np.array([sample["counts"].get(w, 0) + 0.5 for w in words]) for sample in (before, after))
    a, b = a / a.sum(), b / b.sum()
    return float(((a - b) * np.log(a / b)).sum())


def distance_chance(distance: float, before: Mapping[str, Any], after: Mapping[str, Any]) -> float:
    """How probable a distance of at least this is between samples of one population, from the effective sizes:
    Kolmogorov's limit with Stephens' correction for small samples (J. Royal Stat. Soc. B 32, 1970)."""
    from scipy.special import kolmogorov

    root = np.sqrt(1 / (1 / before["effective"] + 1 / after["effective"]))
    return float(kolmogorov((root + 0.12 + 0.11 / root) * distance))


def stability_chance(index: float, before: Mapping[str, Any], after: Mapping[str, Any]) -> float:
    """How probable a stability index of at least this is between samples of one population: index / (1/n + 1/m) is
    chi-square with (words − 1) degrees of freedom (Yurdakul and Naranjo, J. Risk Model Validation 14, 2020)."""
    from scipy.special import chdtrc

    freedom = len({*before["counts"], *after["counts"]}) - 1
    scale = 1 / before["effective"] + 1 / after["effective"]
    return float(chdtrc(freedom, index / scale)) if freedom else 1.0


def holm(chances: Values) -> Values:
    """Chances adjusted for having looked this often (Holm, Scand. J. Statistics 6, 1979), float (N,)."""
    order = np.argsort(chances)
    scaled = chances[order] * np.arange(len(chances), 0, -1)
    out = np.empty(len(chances))
    out[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return out


def _below(quantiles: Values, points: Values, is_inclusive: bool) -> Values:
    """The share of the sample at or below (or only below) each point, straight between quantiles."""
    at = np.searchsorted(quantiles, points, "right" if is_inclusive else "left") - 1
    low, high = np.clip(at, 0, len(quantiles) - 1), np.clip(at + 1, 0, len(quantiles) - 1)
    width = quantiles[high] - quantiles[low]
    part = np.where(width > 0, (points - quantiles[low]) / np.where(width > 0, width, 1), 0.0)
    inside = _LEVELS[low] + part * (_LEVELS[high] - _LEVELS[low])
    return np.where(at < 0, 0.0, np.where(at >= len(quantiles) - 1, 1.0, inside))
