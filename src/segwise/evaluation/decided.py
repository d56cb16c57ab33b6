"""A decision's figures on one candidate's images: the error in its own units, its intervals, and whether it is met."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwise.decision.limits import in_words, parts
from segwise.decision.params import Decision
from segwise.decision.score import Answers, exact_interval, figures, met
from segwise.evaluation.intervals import Interval, fewest_groups, interval
from segwise.evaluation.plain import ends, plain

Drawn = NDArray[np.int64]
Members = NDArray[np.int64]
Values = NDArray[np.float64]
Replicates = dict[str, Values]
Intervals = dict[str, Interval | None]
RATES = ("sensitivity", "specificity")


def replicated(decision: Decision, found: Answers, drawn: Drawn) -> Replicates:
    """Each figure of the decision for each draw of the images, float64 (R,); `drawn` int64 (R, I)."""
    values = [figures(decision, found, weights) for weights in drawn]
    return {key: np.array([v[key] for v in values], dtype=np.float64) for key in (values[0] if values else ())}


def decided(
    decision: Decision, found: Answers, drawn: Drawn, confidence: float, replicates: Replicates | None = None
) -> dict[str, Any]:
    """The decision's entry in metrics.json: kind, tolerance in words, every figure, `intervals` of each, and `met`.

    There are no intervals without draws, nor of fewer groups than `intervals.fewest_groups`.
    `replicates` is `replicated(decision, found, drawn)`, if known.
    """
    whole = figures(decision, found)
    values = replicated(decision, found, drawn) if replicates is None else replicates
    groups = together(drawn)
    intervals: Intervals = dict.fromkeys(whole)
    if values and len(np.unique(groups)) >= fewest_groups(confidence):
        intervals = {key: interval(v, confidence) for key, v in values.items()}
        intervals |= _of_shares(decision, found, groups, values, intervals, confidence)
    return {
        "kind": decision.kind,
        "tolerance": in_words(decision),
        "met": met(whole["used"], intervals["used"]),
        "intervals": {key: ends(pair) for key, pair in intervals.items()},
        **plain(whole),
    }


def together(drawn: Drawn) -> Members:
    """Which images are of one group, int64 (I,): those that every draw holds equally often; `drawn` int64 (R, I)."""
    if not drawn.size:
        return np.zeros(drawn.shape[1], dtype=np.int64)
    return np.unique(drawn, axis=1, return_inverse=True)[1].ravel().astype(np.int64)


def share_interval(hits: Values, trials: Values, groups: Members, confidence: float) -> Interval | None:
    """The interval of the share Σ hits / Σ trials, of I images each; None without a trial.

    Clopper and Pearson's for as many trials as there effectively are (Korn and Graubard, Survey Methodology 1998).
    Images of one group are no independent evidence, and where nothing was missed nothing tells how alike they are: they
    are taken to be all alike, which makes (Σ n)² / Σ n² trials of groups with n each (Kish, Survey Sampling, 1965).
    """
    sizes = np.bincount(groups, trials)
    if not sizes.any():
        return None
    effective = float(sizes.sum() ** 2 / np.square(sizes).sum())
    return exact_interval(float(hits.sum() / sizes.sum()) * effective, effective, confidence)


def _of_shares(
    decision: Decision, found: Answers, groups: Members, values: Replicates, drawn: Intervals, confidence: float
) -> Intervals:
    """Intervals of shares that may never be seen to fail, and of what is judged by them, right for few groups too.

    Where nothing was missed every draw misses nothing, and the bootstrap would be sure of a perfect candidate after a
    single image. The exact interval is not; each end is the wider one's.
    """
    sides = _sides(decision, found)
    exact = {key: share_interval(*side, groups, confidence) for key, side in sides.items()}
    out: Intervals = {key: _wider(pair, drawn[key]) for key, pair in exact.items()}
    if decision.kind == "presence":
        rates = [_misses(out[key], 1.0) for key in RATES]
        out["error"] = _wider(_largest(rates), drawn["error"])
    stated = {key: limit for key in sides if (limit := decision.limit(f"min_{key}")) is not None}
    if stated:
        parts = [_misses(out[key], 1 - limit) for key, limit in stated.items()]
        out["used"] = _wider(_largest([*parts, _beside(decision, stated, values, confidence)]), drawn["used"])
        if any(limit >= 1 and np.any(sides[key][0] < sides[key][1]) for key, limit in stated.items()):
            out["used"] = (math.inf, math.inf)  # where nothing may be missed, one that was seen settles it
    return out


def _sides(decision: Decision, found: Answers) -> dict[str, tuple[Values, Values]]:
    """By share: how many answers of each image are right, of how many, float64 (I,) each."""
    out: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {}
    if decision.kind == "presence":
        truth, seen = found.cells("present")
        out |= {"sensitivity": (truth & seen, truth), "specificity": (~truth & ~seen, ~truth)}
    if decision.action:
        right = found.acts[:, :1] == found.acts[:, 1:]
        out["accuracy"] = (right, np.ones_like(right))
    return {key: (hits.sum(axis=1, dtype=float), of.sum(axis=1, dtype=float)) for key, (hits, of) in out.items()}


def _beside(decision: Decision, shares: Iterable[str], values: Replicates, confidence: float) -> Interval | None:
    """The interval of the part of the tolerance that the limits of no share use up; None without such a limit."""
    drawn = [
        [part for key, part in parts(decision, dict(zip(values, row, strict=True))).items() if key[4:] not in shares]
        for row in zip(*values.values(), strict=True)
    ]
    return interval(np.array([part for row in drawn for part in row], dtype=np.float64), confidence)


def _misses(share: Interval | None, allowed: float) -> Interval | None:
    """What a share lacks to 1, in units of what it may."""
    if share is None:
        return None
    low, high = ((1 - end) / allowed if allowed else (0.0 if end >= 1 else math.inf) for end in reversed(share))
    return low, high


def _largest(found: Iterable[Interval | None]) -> Interval | None:
    known = [pair for pair in found if pair is not None]
    return (max(low for low, _ in known), max(high for _, high in known)) if known else None


def _wider(first: Interval | None, second: Interval | None) -> Interval | None:
    if first is None or second is None:
        return first or second
    return min(first[0], second[0]), max(first[1], second[1])
