"""How well a decision is met: its error in its own units, held against its tolerance. Sum first, divide once. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from segwise.decision import limits
from segwise.decision.answers import Answer
from segwise.decision.params import Decision

Weights = NDArray[np.int64]
Met = Literal["met", "open", "missed", "unknown"]
Figures = dict[str, float]
Values = NDArray[np.float64]

MOST_USED = limits.MOST_USED


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The answers of I images, labels and predictions side by side, stacked so that any weighting is a few sums.

    counts int64, coverage float64, present bool: each (I, 2, Z, C), labels first; acts bool (I, 2);
    matches int64 (I, 3): tp, fp, fn of single objects of the decision's classes at its IoU.
    """

    counts: NDArray[np.int64]
    coverage: NDArray[np.float64]
    present: NDArray[np.bool_]
    acts: NDArray[np.bool_]
    matches: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.acts)

    def cells(self, key: str) -> tuple[NDArray[Any], NDArray[Any]]:
        """Labels and predictions, (I, Z × C) each: a cell is one image, zone and class."""
        values = getattr(self, key)
        flat = values.reshape(len(values), 2, math.prod(values.shape[2:]))
        return flat[:, 0], flat[:, 1]


def stack(pairs: Sequence[tuple[Answer, Answer]], matches: NDArray[np.int64]) -> Answers:
    """From (label's answer, prediction's answer) of each image, and matches (I, 3)."""

    def both(key: str) -> NDArray[Any]:
        each = [np.stack([getattr(side, key) for side in pair]) for pair in pairs]
        return np.stack(each) if each else np.zeros((0, 2, 1, 1))

    return Answers(
        both("counts").astype(np.int64),
        both("coverage").astype(np.float64),
        both("present").astype(np.bool_),
        np.array([[side.acts for side in pair] for pair in pairs], dtype=np.bool_).reshape(-1, 2),
        np.asarray(matches, dtype=np.int64).reshape(-1, 3),
    )


def figures(decision: Decision, found: Answers, weights: Weights | None = None) -> Figures:
    """The figures of a decision over weighted images; NaN where undefined. Every kind has

    error: the natural error, a fraction: count Σ|error| / Σ count; coverage mean |error| of the share; presence the
        larger of 1 − sensitivity and 1 − specificity (the one there is, if only one is defined); itemize and track
        1 − F1.
    used: the part of the tolerance that is used up: 1 = exactly at the limit, above = missed, at most MOST_USED. Of
        several limits the worst counts (of a count's relative and absolute tolerance the better: either is enough); it
        is undefined where one of them is and none is missed. See `limits`.
    accuracy: share of the images on which the action comes out as from the labels (with an action only).
    cost: expected price of the mistakes of 1,000 images, in `price`'s unit; by action where there is one, else by
        objects (count, itemize, track) or by answers (presence, coverage: in images' shares).
    """
    weight = np.ones(len(found)) if weights is None else weights.astype(np.float64)
    out = KINDS[decision.kind](decision, found, weight)
    if decision.action:
        truth, seen = found.acts.T
        out["accuracy"] = _ratio(weight @ (truth == seen), weight.sum())
        out["cost"] = _cost(decision, weight @ (truth & ~seen), weight @ (seen & ~truth), weight.sum())
    return {**out, "used": limits.used(decision, out)}


def _count(decision: Decision, found: Answers, weight: Values) -> Figures:
    truth, seen = found.cells("counts")
    total = weight @ truth.sum(axis=1)
    errors = _errors(decision, truth, seen, weight)
    num = weight.sum() * truth.shape[1]
    off = np.abs(seen - truth) / np.maximum(truth, 1) * (truth > 0)
    return {
        "error": _ratio(errors["mae"] * num, total),
        "mape": _ratio(weight @ off.sum(axis=1), weight @ (truth > 0).sum(axis=1)),
        "relative_bias": _ratio(errors["bias"] * num, total),
        "exact_rate": _ratio(weight @ (seen == truth).sum(axis=1), num),
        **errors,
    }


def _coverage(decision: Decision, found: Answers, weight: Values) -> Figures:
    errors = _errors(decision, *found.cells("coverage"), weight)
    return {"error": errors.pop("mae"), **errors}


def _errors(decision: Decision, truth: NDArray[Any], seen: NDArray[Any], weight: Values) -> Figures:
    """Mean |error|, mean error and limits of agreement (mean ± 1.96 standard deviations of the cells' errors: Bland
    and Altman, Lancet 1986), and the cost of what is too little and too much."""
    error = seen.astype(np.float64) - truth
    num = weight.sum() * truth.shape[1]
    bias = _ratio(weight @ error.sum(axis=1), num)
    spread = math.sqrt(_ratio(weight @ np.square(error - bias).sum(axis=1), num))
    missed, invented = (weight @ np.maximum(sign * error, 0).sum(axis=1) for sign in (-1, 1))
    return {
        "mae": _ratio(missed + invented, num),
        "bias": bias,
        "limits_low": bias - 1.96 * spread,
        "limits_high": bias + 1.96 * spread,
        "cost": _cost(decision, missed, invented, weight.sum()),
    }


def _presence(decision: Decision, found: Answers, weight: Values) -> Figures:
    tp, fp, fn, tn = presence_counts(found, weight)
    sensitivity, specificity = _ratio(tp, tp + fn), _ratio(tn, tn + fp)
    return {
        "error": max((1 - v for v in (sensitivity, specificity) if not math.isnan(v)), default=math.nan),
        "sensitivity": sensitivity,
        "specificity": specificity,
        "cost": _cost(decision, fn, fp, weight.sum()),
    }


def presence_counts(found: Answers, weight: Values | None = None) -> tuple[float, float, float, float]:
    """tp, fp, fn, tn over images, zones and classes."""
    weight = np.ones(len(found)) if weight is None else weight
    truth, seen = found.cells("present")
    cells = (truth & seen, ~truth & seen, truth & ~seen, ~truth & ~seen)
    tp, fp, fn, tn = (float(weight @ cell.sum(axis=1)) for cell in cells)
    return tp, fp, fn, tn


def _items(decision: Decision, found: Answers, weight: Values) -> Figures:
    tp, fp, fn = (float(v) for v in weight @ found.matches)
    f1 = _ratio(2 * tp, 2 * tp + fp + fn)
    return {
        "error": 1 - f1,
        "f1": f1,
        "precision": _ratio(tp, tp + fp),
        "recall": _ratio(tp, tp + fn),
        "cost": _cost(decision, fn, fp, weight.sum()),
    }


KINDS: dict[str, Callable[[Decision, Answers, Values], Figures]] = {
    "count": _count, "coverage": _coverage, "presence": _presence, "itemize": _items, "track": _items,
}  # fmt: skip


def met(used: float | None, interval: Sequence[float | None] | None) -> Met:
    """`met` where the whole interval of `used` lies within the tolerance, `missed` where all of it lies beyond, `open`
    where it holds both; without an interval the figure alone cannot say more than `open`, unless it is missed twice
    over. `unknown` without a figure."""
    if used is None or math.isnan(used):
        return "unknown"
    ends = [end for end in interval or () if end is not None and not math.isnan(end)]
    if len(ends) < 2:
        return "missed" if used > 2 else "open"
    low, high = ends
    return "met" if high <= 1 else "missed" if low > 1 else "open"


def exact_interval(successes: float, trials: float, confidence: float) -> tuple[float, float]:
    """The interval of a share of independent trials that holds the true one at least this often, whatever it is.

    Clopper and Pearson, Biometrika 1934: quantiles of beta distributions. Without a trial it is (0, 1).
    """
    from scipy.special import betaincinv  # the quantile function of the beta distribution

    tail, failures = (1 - confidence) / 2, trials - successes
    low = float(betaincinv(successes, failures + 1, tail)) if successes > 0 else 0.0
    high = float(betaincinv(successes + 1, failures, 1 - tail)) if failures > 0 else 1.0
    return low, high


def _cost(decision: Decision, missed: Any, invented: Any, images: float) -> float:
    return _ratio(1000 * (decision.price.miss * missed + decision.price.false_alarm * invented), images)


def _ratio(top: Any, bottom: Any) -> float:
    return float(top / bottom) if bottom else math.nan
