"""How well a decision is met: its error in its own units, held against its tolerance. Sum first, divide once. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from segwise.decision.answers import Answer
from segwise.decision.params import Decision

Weights = NDArray[np.int64]
Met = Literal["met", "open", "missed", "unknown"]
Figures = dict[str, float]


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
        larger of 1 − sensitivity and 1 − specificity; itemize and track 1 − F1.
    used: the part of the tolerance that the error uses up: 1 = exactly at the limit, above = missed. Of several limits
        the worst counts (of a count's relative and absolute tolerance the better: either is enough).
    accuracy: share of the images on which the action comes out as from the labels (with an action only).
    cost: expected price of the mistakes of 1,000 images, in `price`'s unit; by action where there is one, else by
        objects (count, itemize, track) or by answers (presence, coverage: in images' shares).
    """
    weight = np.ones(len(found)) if weights is None else weights.astype(np.float64)
    out = KINDS[decision.kind](decision, found, weight)
    if decision.action:
        out["accuracy"] = _ratio(weight @ (found.acts[:, 0] == found.acts[:, 1]), weight.sum())
        missed, false = (float(weight @ (found.acts[:, i] & ~found.acts[:, 1 - i])) for i in (0, 1))
        out["cost"] = _cost(decision, missed, false, weight.sum())
        limit = decision.limit("min_accuracy")
        if limit is not None:
            out["used"] = max(out["used"], _used(1 - out["accuracy"], 1 - limit))
    return out


def _count(decision: Decision, found: Answers, weight: NDArray[np.float64]) -> Figures:
    truth, seen = (found.counts[:, side].reshape(len(found), -1).astype(np.float64) for side in (0, 1))
    error, cells = seen - truth, truth.shape[1] if truth.ndim == 2 else 1
    total, num = weight @ truth.sum(axis=1), weight.sum() * cells
    relative = _ratio(weight @ np.abs(error).sum(axis=1), total)
    mae, bias = _ratio(weight @ np.abs(error).sum(axis=1), num), _ratio(weight @ error.sum(axis=1), num)
    spread = math.sqrt(max(_ratio(weight @ np.square(error - bias).sum(axis=1), num), 0)) if num else math.nan
    limits = {"relative": relative, "absolute": mae}
    used = [_used(value, limit) for key, value in limits.items() if (limit := decision.limit(key)) is not None]
    there = truth > 0
    return {
        "error": relative,
        "used": min((u for u in used if not math.isnan(u)), default=math.nan),
        "mae": mae,
        "mape": _ratio(weight @ (np.abs(error) * there / np.maximum(truth, 1)).sum(axis=1), weight @ there.sum(axis=1)),
        "bias": bias,
        "relative_bias": _ratio(weight @ error.sum(axis=1), total),
        "limits_low": bias - 1.96 * spread,  # limits of agreement (Bland and Altman 1986)
        "limits_high": bias + 1.96 * spread,
        "exact_rate": _ratio(weight @ (error == 0).sum(axis=1), num),
        "cost": _cost(
            decision,
            weight @ np.maximum(-error, 0).sum(axis=1),
            weight @ np.maximum(error, 0).sum(axis=1),
            weight.sum(),
        ),
    }


def _coverage(decision: Decision, found: Answers, weight: NDArray[np.float64]) -> Figures:
    truth, seen = (found.coverage[:, side].reshape(len(found), -1) for side in (0, 1))
    error, cells = seen - truth, truth.shape[1] if truth.ndim == 2 else 1
    num = weight.sum() * cells
    mae, bias = _ratio(weight @ np.abs(error).sum(axis=1), num), _ratio(weight @ error.sum(axis=1), num)
    spread = math.sqrt(max(_ratio(weight @ np.square(error - bias).sum(axis=1), num), 0)) if num else math.nan
    return {
        "error": mae,
        "used": _used(mae, decision.limit("points")),
        "bias": bias,
        "limits_low": bias - 1.96 * spread,
        "limits_high": bias + 1.96 * spread,
        "cost": _cost(
            decision,
            weight @ np.maximum(-error, 0).sum(axis=1),
            weight @ np.maximum(error, 0).sum(axis=1),
            weight.sum(),
        ),
    }


def _presence(decision: Decision, found: Answers, weight: NDArray[np.float64]) -> Figures:
    tp, fp, fn, tn = presence_counts(found, weight)
    sensitivity, specificity = _ratio(tp, tp + fn), _ratio(tn, tn + fp)
    used = [
        _used(1 - value, 1 - limit)
        for key, value in (("min_sensitivity", sensitivity), ("min_specificity", specificity))
        if (limit := decision.limit(key)) is not None
    ]
    misses = [1 - v for v in (sensitivity, specificity) if not math.isnan(v)]
    return {
        "error": max(misses, default=math.nan),
        "used": max((u for u in used if not math.isnan(u)), default=math.nan),
        "sensitivity": sensitivity,
        "specificity": specificity,
        "cost": _cost(decision, fn, fp, weight.sum()),
    }


def presence_counts(found: Answers, weight: NDArray[np.float64] | None = None) -> tuple[float, float, float, float]:
    """tp, fp, fn, tn over images, zones and classes."""
    weight = np.ones(len(found)) if weight is None else weight
    truth, seen = (found.present[:, side].reshape(len(found), -1) for side in (0, 1))
    cells = (truth & seen, ~truth & seen, truth & ~seen, ~truth & ~seen)
    return tuple(float(weight @ cell.sum(axis=1)) for cell in cells)  # type: ignore[return-value]  # four of them


def _items(decision: Decision, found: Answers, weight: NDArray[np.float64]) -> Figures:
    tp, fp, fn = (float(v) for v in weight @ found.matches)
    f1 = _ratio(2 * tp, 2 * tp + fp + fn)
    return {
        "error": 1 - f1,
        "used": _used(1 - f1, 1 - (decision.limit("min_f1") or 0.0)),
        "f1": f1,
        "precision": _ratio(tp, tp + fp),
        "recall": _ratio(tp, tp + fn),
        "cost": _cost(decision, fn, fp, weight.sum()),
    }


KINDS: dict[str, Callable[[Decision, Answers, NDArray[np.float64]], Figures]] = {
    "count": _count, "coverage": _coverage, "presence": _presence, "itemize": _items, "track": _items,
}  # fmt: skip


def met(used: float | None, interval: Sequence[float] | None) -> Met:
    """`met` where the whole interval of `used` lies within the tolerance, `missed` where all of it lies beyond, `open`
    where it holds both; without an interval the figure alone cannot say more than `open`, unless it is missed twice
    over. `unknown` without a figure."""
    if used is None or math.isnan(used):
        return "unknown"
    low, high = (used, used) if interval is None else interval
    if high <= 1 and interval is not None:
        return "met"
    return "missed" if low > 1 and (interval is not None or low > 2) else "open"


def in_words(decision: Decision) -> str:
    """The decision's tolerance for people: `within 5 %`."""
    limits: dict[str, Any] = {key: decision.limit(key) for key in ("relative", "absolute", "points")}
    limits |= {key: decision.limit(key) for key in ("min_sensitivity", "min_specificity", "min_f1", "min_accuracy")}
    words = {
        "relative": lambda v: f"within {100 * v:g} %", "absolute": lambda v: f"within ±{v:g}",
        "points": lambda v: f"within {100 * v:g} points", "min_sensitivity": lambda v: f"sensitivity at least {v:g}",
        "min_specificity": lambda v: f"specificity at least {v:g}", "min_f1": lambda v: f"F1 at least {v:g}",
        "min_accuracy": lambda v: f"the right action on at least {100 * v:g} % of the images",
    }  # fmt: skip
    said = [words[key](value) for key, value in limits.items() if value is not None]
    return (" or " if decision.kind == "count" and not decision.action else ", ").join(said)


def _used(error: float, limit: float | None) -> float:
    if limit is None or math.isnan(error):
        return math.nan
    return error / limit if limit else (0.0 if error <= 0 else math.inf)


def _cost(decision: Decision, missed: float, false: float, images: float) -> float:
    return _ratio(1000 * (decision.price.miss * missed + decision.price.false_alarm * false), images)


def _ratio(top: Any, bottom: Any) -> float:
    return float(top / bottom) if bottom else math.nan
