"""How sure a bootstrap over groups may be: the level a bound is read at, the fewest groups, how many more would decide.

Every rule here depends on the number of groups, their sizes by the labels, and alpha alone, never on what a model
answered: a bound read at such a level moves with each draw, so that a better answer cannot make it worse.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SKEWNESS = 3.0  # allowed for in what single groups add to a figure, see `level`
SCARCE = 1.85  # see `fewest_groups`
DEEPEST = 1 / 50  # of alpha: beyond, a bootstrap's tail is its few worst groups drawn over and over
MOST_GROUPS = 1_000_000  # more of them are no plan: none is named


def per_candidate(alpha: float, num_candidates: int) -> float:
    """What of alpha each of several candidates has, where any of them may be chosen (Bonferroni)."""
    return alpha / max(1, num_candidates)


def fewest_groups(alpha: float) -> int:
    """Groups below which no one-sided bound is told: 8 at alpha 5 %.

    The worst of n holds the median with probability 1 − 2^−n (order statistics: David and Nagaraja 2003, section 7.1),
    so the median would need log2(1 / alpha). What is bounded here is like a mean: of groups whose errors are skewed it
    lies beyond the median, and takes SCARCE times as many, the least with which simulated rates keep to alpha.
    """
    return max(2, math.ceil(round(-SCARCE * math.log2(alpha), 9)))


def effective_groups(groups: Sequence[str], weights: NDArray[np.float64]) -> float:
    """Groups of equal size that say as much as these, (Σ w)² / Σ w² of their weights (Kish, Survey Sampling, 1965).

    Args:
        groups: the group of each image. weights: float64 (I,), what a figure divides by in each image, from the labels.
    """
    _, member = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    sizes = np.bincount(member, weights=np.asarray(weights, dtype=np.float64))
    return float(sizes.sum() ** 2 / np.square(sizes).sum()) if sizes.any() else 0.0


def level(num_groups: float, alpha: float) -> float:
    """The quantile of the draws that is a one-sided bound at `alpha`.

    The alpha quantile itself is too near: a bootstrap of n groups spreads by sqrt((n − 1) / n) too little and knows
    nothing of Student's t (the expanded percentile interval of Hesterberg 2015, "What teachers should know about
    the bootstrap"), and it answers skewness too little: the Edgeworth expansions of a studentised and of a percentile
    bound differ by skewness × (z² + 2) / (6 sqrt(n)) (after Hall 1992, "The bootstrap and Edgeworth expansion").
    A small sample shows too little of its skewness, so it is not estimated: SKEWNESS is allowed for. Simulations of
    what comes out are in tests/gate/test_error_rates.py.
    """
    from scipy.special import ndtr, ndtri, stdtrit  # normal distribution, its quantiles, Student's quantiles

    n = max(num_groups, 2.0)
    z = float(ndtri(1 - alpha))
    student = float(stdtrit(n - 1, 1 - alpha)) * math.sqrt(n / (n - 1))
    skewed = SKEWNESS * (z * z + 2) / (6 * math.sqrt(n))
    return max(float(ndtr(-student - skewed)), DEEPEST * alpha)


def further_groups(num_groups: int, needed: float, alpha: float, reach: float | None) -> int | None:
    """How many more groups like these would decide, if the figure stays what it is; None where no number would.

    A bound's distance from its figure shrinks with 1 / sqrt(groups).

    Args:
        needed: the figure's distance from its limit, on the right side of it (above 0).
        reach: the bound's distance from the figure; None where there is no bound: then those that make one possible.
    """
    if reach is None:
        return max(1, fewest_groups(alpha) - num_groups)
    if needed <= 0 or not math.isfinite(reach):
        return None
    wanted = num_groups * (reach / needed) ** 2
    return max(1, math.ceil(wanted) - num_groups) if wanted <= MOST_GROUPS else None
