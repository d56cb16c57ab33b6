"""Where the error sits: in how many images, and how many a cascade would hand on. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwise.advice.ceilings.table import Plain, Table, plain_dict
from segwise.decision import score
from segwise.decision.params import COUNTING, Decision

SHARES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
CHEAP = ("semantic", "semantic + watershed", "hybrid")


def per_image(decision: Decision, found: score.Answers) -> NDArray[np.float64]:
    """The error of each image, float64 (I,): objects miscounted; shares of pixels; wrong answers; wrong objects."""
    if decision.kind == "count":
        return np.asarray(_wrong(found.counts), dtype=np.float64)
    if decision.kind in COUNTING:
        return np.asarray(found.matches[:, 1:].sum(axis=1), dtype=np.float64)
    return np.asarray(_wrong(found.coverage if decision.kind == "coverage" else found.present), dtype=np.float64)


def _wrong(sides: NDArray[Any]) -> NDArray[np.float64]:
    wide = sides.astype(np.float64)
    return np.asarray(np.abs(wide[:, 1] - wide[:, 0]).reshape(len(sides), -1).sum(axis=1).round(12), dtype=np.float64)


def concentration(decisions: Mapping[str, Decision], tables: Mapping[str, Table]) -> Plain:
    """By decision and cheap candidate.

    Returns:
        share_80, share_100: the share of the images that hold that much of its error, the worst first; 0 without error.
        handed_on: what is used up of the tolerance if the share of the images where it helps most, known beforehand,
            were answered as the instance ceiling answers: `[share, used]` each.
        needed_share: the smallest such share that meets the tolerance; None where not even all of them do.
    """
    return {name: {c: _one(decision, name, tables, c) for c in CHEAP} for name, decision in decisions.items()}


def _one(decision: Decision, name: str, tables: Mapping[str, Table], cheap: str) -> Plain:
    own, other = tables[cheap].read(name), tables["instance"].read(name)
    error, best = per_image(decision, own), per_image(decision, other)
    order = np.argsort(best - error, kind="stable")  # where the instance ceiling helps most
    used = [_used(decision, own, other, order[:count]) for count in range(len(order) + 1)]
    meets = [count for count, value in enumerate(used) if value <= 1]
    return plain_dict(
        {
            **{f"share_{round(100 * part)}": share_of(error, part) for part in (0.8, 1.0)},
            "handed_on": [[share, used[round(share * len(order))]] for share in SHARES],
            "needed_share": meets[0] / len(order) if meets and len(order) else None,
        }
    )


def share_of(error: NDArray[np.float64], part: float) -> float:
    """The smallest share of the images that holds `part` of the error, float64 (I,)."""
    total = error.sum()
    if not total:
        return 0.0
    summed = np.cumsum(np.sort(error)[::-1])
    return float((np.searchsorted(summed, part * total * (1 - 1e-9)) + 1) / error.size)


def _used(decision: Decision, own: score.Answers, other: score.Answers, handed: NDArray[np.int64]) -> float:
    which = np.zeros(len(own), dtype=bool)
    which[handed] = True
    sides = ((getattr(own, key), getattr(other, key)) for key in ("counts", "coverage", "present", "acts", "matches"))
    mixed = (np.where(which.reshape(-1, *[1] * (a.ndim - 1)), b, a) for a, b in sides)
    return score.figures(decision, score.Answers(*mixed))["used"]
