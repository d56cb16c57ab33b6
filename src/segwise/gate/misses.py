"""Shares that may never be seen to fail: exact one-sided bounds, dearer mistakes bounded at a smaller alpha. Pure.

Where nothing was missed, every bootstrap draw misses nothing, and a sensitivity of 1 would be sure after one image.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwise.decision.params import Decision
from segwise.decision.score import MOST_USED, Answers, presence_counts

DEAREST = 10.0  # a mistake that costs more than this many of the other kind is bounded as if it cost this many


def exact_floor(share: float, trials: float, alpha: float) -> float:
    """The least true share that shows this one or more in so many independent trials with probability alpha.

    One-sided bound of Clopper and Pearson, Biometrika 1934: a quantile of a beta distribution.
    """
    from scipy.special import betaincinv

    hits = share * trials
    return float(betaincinv(hits, trials - hits + 1, alpha)) if hits > 0 else 0.0


def side_alpha(alpha: float, own: float, other: float) -> float:
    """Alpha of a mistake whose price is `own`, beside `other`: divided by how much dearer it is, at most by DEAREST."""
    if own <= other:
        return alpha
    return alpha / min(own / other if other > 0 else DEAREST, DEAREST)


def used_at_most(decision: Decision, found: Answers, groups: NDArray[np.str_], alpha: float) -> float | None:
    """The part of the tolerance used up at worst, as far as it is about shares; None where none of them is limited.

    Sensitivity and specificity of `presence` and the accuracy of an action, each limited from below. Images of one
    group are not independent: a group counts as one trial, and it is a trial of those sides that it has answers of.
    """
    sides = _sides(decision, found, groups, alpha)
    return max(
        (_used(exact_floor(share, n, at), limit) for limit, share, n, at in sides if limit is not None), default=None
    )


def _sides(
    decision: Decision, found: Answers, groups: NDArray[np.str_], alpha: float
) -> list[tuple[float | None, float, int, float]]:
    """(limit, measured share, groups to tell it from, alpha) of each share."""
    price, out = decision.price, []
    if decision.kind == "presence":
        tp, fp, fn, tn = presence_counts(found)
        truth: NDArray[Any] = found.cells("present")[0]
        there, absent = (_num_groups(groups, np.flatnonzero(cells.any(axis=1))) for cells in (truth, ~truth))
        miss, false_alarm = price.miss, price.false_alarm
        out.append((decision.limit("min_sensitivity"), _share(tp, fn), there, side_alpha(alpha, miss, false_alarm)))
        out.append((decision.limit("min_specificity"), _share(tn, fp), absent, side_alpha(alpha, false_alarm, miss)))
    if decision.action:
        right = float((found.acts[:, 0] == found.acts[:, 1]).sum())
        share = _share(right, len(found) - right)
        out.append((decision.limit("min_accuracy"), share, _num_groups(groups, np.arange(len(found))), alpha))
    return out


def _num_groups(groups: NDArray[np.str_], images: NDArray[np.int64]) -> int:
    return len(np.unique(groups[images]))


def _share(hits: float, misses: float) -> float:
    return hits / (hits + misses) if hits + misses else 0.0


def _used(floor: float, limit: float) -> float:
    """What lacks to 1, by what may lack. No number of images rules every mistake out."""
    return min((1 - floor) / (1 - limit), MOST_USED) if limit < 1 else MOST_USED
