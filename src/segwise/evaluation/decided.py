"""A decision's figures on one candidate's images: the error in its own units, its intervals, and whether it is met."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwise.decision.params import Decision
from segwise.decision.score import Answers, exact_interval, figures, in_words, met, presence_counts
from segwise.evaluation.intervals import Interval, interval
from segwise.evaluation.plain import ends, plain

Drawn = NDArray[np.int64]
Replicates = dict[str, NDArray[np.float64]]


def replicated(decision: Decision, found: Answers, drawn: Drawn) -> Replicates:
    """Each figure of the decision for each draw of the images, float64 (R,); `drawn` int64 (R, I)."""
    values = [figures(decision, found, weights) for weights in drawn]
    return {key: np.array([v[key] for v in values], dtype=np.float64) for key in (values[0] if values else ())}


def decided(
    decision: Decision, found: Answers, drawn: Drawn, confidence: float, replicates: Replicates | None = None
) -> dict[str, Any]:
    """The decision's entry in metrics.json: kind, tolerance in words, every figure, `intervals` of each, and `met`.

    `replicates` is `replicated(decision, found, drawn)`, if known.
    """
    whole = figures(decision, found)
    values = replicated(decision, found, drawn) if replicates is None else replicates
    intervals = {key: interval(v, confidence) for key, v in values.items()} or dict.fromkeys(whole)
    if decision.kind == "presence":
        intervals = _exact(decision, found, intervals, confidence)
    return {
        "kind": decision.kind,
        "tolerance": in_words(decision),
        "met": met(whole["used"], intervals["used"]),
        "intervals": {key: ends(pair) for key, pair in intervals.items()},
        **plain(whole),
    }


def _exact(
    decision: Decision,
    found: Answers,
    intervals: dict[str, Interval | None],
    confidence: float,
) -> dict[str, Interval | None]:
    """Presence: intervals of sensitivity and specificity that are right for few answers too.

    Where nothing was missed every draw misses nothing, and the bootstrap would be sure of a perfect candidate after a
    single image. The exact interval is not; each end is the wider one's, as images of one group are not independent.
    """
    tp, fp, fn, tn = presence_counts(found)
    shares = {"sensitivity": (tp, tp + fn), "specificity": (tn, tn + fp)}
    out = dict(intervals)
    for key, (hits, trials) in shares.items():
        exact = exact_interval(hits, trials, confidence) if trials else None
        out[key] = _wider(exact, intervals.get(key))
    out["error"] = _wider(_worst(dict.fromkeys(shares, 1.0), out), intervals.get("error"))
    limits = {key: decision.limit(f"min_{key}") for key in shares}
    allowed = {key: 1 - limit for key, limit in limits.items() if limit is not None}
    out["used"] = _wider(_worst(allowed, out), intervals.get("used"))
    return out


def _worst(allowed: dict[str, float], shares: dict[str, Interval | None]) -> Interval | None:
    """The interval of the largest miss among shares, each in units of what is allowed."""
    misses = [
        [_quotient(1 - share, allowed[key]) for share in reversed(pair)]
        for key in allowed
        if (pair := shares[key]) is not None
    ]
    return (max(low for low, _ in misses), max(high for _, high in misses)) if misses else None


def _wider(first: Interval | None, second: Interval | None) -> Interval | None:
    if first is None or second is None:
        return first or second
    return min(first[0], second[0]), max(first[1], second[1])


def _quotient(top: float, bottom: float) -> float:
    return top / bottom if bottom else (0.0 if top <= 0 else math.inf)
