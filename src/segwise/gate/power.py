"""How sure a bootstrap over groups may be: the level a bound is read at, the fewest groups, how many more would decide.

Every rule here depends on the number of groups, their sizes by the labels, and alpha alone, never on what a model
answered: a bound read at such a level moves with each draw, so that a better answer cannot make it worse.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from segwise.decision.params import Decision
from segwise.decision.score import Answers

Weights = NDArray[np.float64]
SKEWNESS = 3.0  # allowed for in what single groups add to a figure, see `level`
SCARCE = 1.85  # see `fewest_groups`
DEEPEST = 1 / 50  # of alpha: beyond, a bootstrap's tail is its few worst groups drawn over and over
MOST_GROUPS = 1_000_000  # more of them are no plan: none is named
LEAST_RANK = 0.5  # of an order statistic that stands for a level: the least of n draws lies about as deep as 0.5 / n


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


def effective_groups(groups: Sequence[str], weights: Weights) -> float:
    """Groups of equal size that say as much as these, (Σ w)² / Σ w² of their weights (Kish, Survey Sampling, 1965).

    Args:
        groups: the group of each image. weights: float64 (I,), what a figure divides by in each image, from the labels.
    """
    sizes = _sizes(groups, weights)
    return float(sizes.sum() ** 2 / np.square(sizes).sum()) if sizes.any() else 0.0


def strength(groups: Sequence[str], weights: Sequence[Weights]) -> tuple[int, float]:
    """Groups that say anything, by their labels, and groups of equal size that say as much; of several weights that a
    figure divides by, the fewest of each.

    A group without a labelled object says nothing about a share of the objects: of 100 groups, 3 of which have objects,
    such a figure is known from 3.
    """
    each = [_sizes(groups, one) for one in weights]
    return min(int(np.count_nonzero(sizes)) for sizes in each), min(effective_groups(groups, one) for one in weights)


def weights_of(decision: Decision, found: Answers) -> list[Weights]:
    """What each stated limit of a decision divides by in each image, by its labels, float64 (I,) each."""
    images = np.ones(len(found))
    objects = found.counts[:, 0].sum(axis=(1, 2))
    there = found.cells("present")[0]
    sides = {"min_sensitivity": there.sum(axis=1), "min_specificity": (~there).sum(axis=1)}
    own = {"relative": objects, "absolute": images, "points": images, "min_f1": objects, "min_accuracy": images}
    stated = [weights for key, weights in (own | sides).items() if decision.limit(key) is not None]
    return [np.asarray(weights, dtype=np.float64) for weights in stated]


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


def fewest_draws(at: float) -> int:
    """Draws from which on one of them lies as deep as the level `at`; of fewer the least is not deep enough."""
    return math.ceil(round(LEAST_RANK / at, 6))


def missing_groups(num_groups: int, alpha: float) -> int:
    """How many groups are missing for a bound; 1 at least."""
    return max(1, fewest_groups(alpha) - num_groups)


def further_groups(
    num_groups: int,
    needed: float,
    alpha: float,
    reach: float,
    *,
    effective: float | None = None,
    exact: Callable[[float], float] | None = None,
) -> int | None:
    """How many more groups like these would decide, if the figure stays what it is; None where no number would.

    A bound's distance from its figure shrinks with 1 / sqrt(groups), and with the depth of its level (see `level`),
    which lies less far out the more groups there are. Of 8 groups the root alone would ask for half as many again.

    Args:
        needed: the figure's distance from its limit, on the right side of it (above 0).
        reach: the distance of the bound of the draws. effective: see `effective_groups`; None = all groups are alike.
        exact: distance of a bound known otherwise, of as many times the groups; None = there is none.
    """
    if needed <= 0 or not math.isfinite(reach):
        return None
    now = num_groups if effective is None else effective

    def decides(total: int) -> bool:
        times = total / num_groups
        drawn = reach * _depth(now * times, alpha) / _depth(now, alpha) / math.sqrt(times)
        return drawn <= needed and (exact is None or exact(times) <= needed)

    least, most = num_groups, MOST_GROUPS
    if not decides(most):
        return None
    while most - least > 1:  # fewer do not decide, most does
        middle = (least + most) // 2
        least, most = (least, middle) if decides(middle) else (middle, most)
    return most - num_groups


def _depth(num_groups: float, alpha: float) -> float:
    """Standard errors between a figure and its bound, were its draws normal."""
    from scipy.special import ndtri

    return -float(ndtri(level(num_groups, alpha)))


def _sizes(groups: Sequence[str], weights: Weights) -> Weights:
    """The weight of each group, float64 (G,)."""
    _, member = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    return np.asarray(np.bincount(member, weights=np.asarray(weights, dtype=np.float64)), dtype=np.float64)
