"""A candidate's figures over all its images and for each bootstrap draw of them, by name, as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from segwise.decision.params import Decision
from segwise.decision.score import figures as decision_figures
from segwise.evaluation.figures import HEADLINES, figures
from segwise.evaluation.precision import Ranking
from segwise.evaluation.sums import Sums

Weights = NDArray[np.int64]
USED = "used/"  # before a decision's name: the part of its tolerance that is used up


@dataclass(frozen=True, slots=True, eq=False)
class Replicates:
    """value: by figure (those of HEADLINES, and `used/<decision>`), over the weighted images; NaN where undefined.
    draws: the same for each draw, float64 (R,)."""

    value: dict[str, float]
    draws: dict[str, NDArray[np.float64]]


def replicated(
    sums: Sums,
    decisions: Mapping[str, Decision],
    whole: Weights,
    drawn: Iterable[Weights],
    *,
    has_precision: bool = True,
) -> Replicates:
    """Every headline figure and the used part of every decision's tolerance.

    Args:
        whole: int64 (I,), the images that count. drawn: int64 (I,) each, how often each image is drawn.
        has_precision: whether AP is wanted; without, it is NaN and a draw takes a fraction of the time.
    """
    measured = sums if has_precision else without_precision(sums)

    def of(weights: Weights) -> dict[str, float]:
        found = figures(measured, weights, full=False)
        used = {USED + name: decision_figures(d, sums.asked[name], weights)["used"] for name, d in decisions.items()}
        return {name: found[name] for name in HEADLINES} | used

    value, values = of(whole), [of(weights) for weights in drawn]
    return Replicates(value, {name: np.array([v[name] for v in values], dtype=np.float64) for name in value})


def without_precision(sums: Sums) -> Sums:
    """The same sums as if nothing had been ranked: AP is NaN."""
    return replace(sums, rankings=tuple(_empty(ranking) for ranking in sums.rankings))


def _empty(ranking: Ranking) -> Ranking:
    flags = ranking.matched[:, :, :0]
    return Ranking(ranking.image[:0], flags, flags, np.zeros_like(ranking.num_truth))
