"""Shares that may never be seen to fail: exact one-sided bounds, dearer mistakes bounded at a smaller alpha. Pure.

Where nothing was missed, every bootstrap draw misses nothing, and a sensitivity of 1 would be sure after one image.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwise.decision.params import Decision
from segwise.decision.score import MOST_USED, Answers, presence_counts
from segwise.gate.power import effective_groups

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


def used_at_most(
    decision: Decision, found: Answers, groups: NDArray[np.str_], alpha: float, times: float = 1.0
) -> float | None:
    """The part of the tolerance used up at worst, as far as it is about shares; None where none of them is limited.

    Sensitivity and specificity of `presence` and the accuracy of an action, each limited from below. Images of one
    group are no independent evidence, and where nothing was missed nothing tells how alike they are: they are taken to
    be all alike. That makes (Σ n)² / Σ n² trials of groups with n answers each (Kish, Survey Sampling, 1965), with the
    bound of as many (Korn and Graubard, Survey Methodology 1998), as in the intervals of `evaluate`. The number of
    groups would be too many where they are unequal: the share is one of answers, and a large group weighs more in it.

    Args:
        times: as if there were so many times these groups.
    """
    sides = _sides(decision, found, groups, alpha)
    used = (_used(exact_floor(share, times * n, at), limit) for limit, share, n, at in sides if limit is not None)
    return max(used, default=None)


def _sides(
    decision: Decision, found: Answers, groups: NDArray[np.str_], alpha: float
) -> list[tuple[float | None, float, float, float]]:
    """(limit, measured share, trials to tell it from, alpha) of each share."""
    price, out, names = decision.price, [], groups.tolist()
    if decision.kind == "presence":
        tp, fp, fn, tn = presence_counts(found)
        truth: NDArray[Any] = found.cells("present")[0]
        there, absent = (effective_groups(names, cells.sum(axis=1)) for cells in (truth, ~truth))
        miss, false_alarm = price.miss, price.false_alarm
        out.append((decision.limit("min_sensitivity"), _share(tp, fn), there, side_alpha(alpha, miss, false_alarm)))
        out.append((decision.limit("min_specificity"), _share(tn, fp), absent, side_alpha(alpha, false_alarm, miss)))
    if decision.action:
        right = float((found.acts[:, 0] == found.acts[:, 1]).sum())
        share = _share(right, len(found) - right)
        out.append((decision.limit("min_accuracy"), share, effective_groups(names, np.ones(len(found))), alpha))
    return out


def _share(hits: float, misses: float) -> float:
    return hits / (hits + misses) if hits + misses else 0.0


def _used(floor: float, limit: float) -> float:
    """What lacks to 1, by what may lack. No number of images rules every mistake out."""
    return min((1 - floor) / (1 - limit), MOST_USED) if limit < 1 else MOST_USED
