"""Champion against challenger on the same images and the same bootstrap draws: is the challenger not worse? Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segwise.gate.bounds import quantile
from segwise.gate.power import fewest_groups, further_groups, level, missing_groups

VERDICTS = ("hold", "inconclusive", "promote")  # the first that is there decides
Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """One metric of both, on the same images and the same bootstrap draws over groups.

    Attributes:
        draws: the champion's and the challenger's, float64 (R,) each, of the same R draws.
        margin: how much worse still counts as not worse, 0 or more, in the figure's unit.
        is_error: smaller is better.
        num_groups: groups that say anything about it, see `power.strength`. effective_groups: of equal size, see
            `power.effective_groups`; None = all alike.
    """

    name: str
    champion: float | None
    challenger: float | None
    draws: Pair
    margin: float
    is_error: bool
    num_groups: int
    effective_groups: float | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """What came out of one figure.

    Attributes:
        difference: challenger − champion. interval: its two one-sided bounds, each at alpha; None where unknown.
        verdict: promote, hold or inconclusive. more_groups: how many more groups like these would decide; None where
            it is decided, and where no number would.
        words: the verdict's reason, for people.
    """

    name: str
    champion: float | None
    challenger: float | None
    difference: float | None
    interval: tuple[float, float] | None
    margin: float
    verdict: str
    more_groups: int | None
    words: str


def compare(figures: Sequence[Figure], alpha: float) -> tuple[Compared, ...]:
    """Non-inferiority of each figure: may the challenger be worse by more than its margin?

    With `better` the difference in the figure's good direction and its one-sided bounds at `alpha`:
    promote where even the lower bound is at least −margin; hold where even the upper bound is below it (worse, and
    proven to be), and where the challenger has no number; else inconclusive, also where it was measured worse but that
    is not proven. A better answer of the challenger raises `better` and every draw of it, so it can only move the
    verdict from hold through inconclusive to promote. All figures must be promoted, which needs no correction of alpha
    for their number (intersection-union test: Berger 1982).
    """
    return tuple(_compared(figure, alpha) for figure in figures)


def overall(verdicts: Iterable[str]) -> str:
    """The verdict of all: hold beats inconclusive beats promote. Nothing at all, or another word, promotes nothing."""
    found = set(verdicts)
    if not found or not found <= set(VERDICTS):
        return "hold"
    return next(verdict for verdict in VERDICTS if verdict in found)


def _compared(figure: Figure, alpha: float) -> Compared:
    champion, challenger = _number(figure.champion), _number(figure.challenger)
    if champion is None or challenger is None:
        verdict = "hold" if challenger is None else "inconclusive"
        words = f"the {'challenger' if challenger is None else 'champion'} has no number"
        return Compared(figure.name, champion, challenger, None, None, figure.margin, verdict, None, words)
    sign = -1.0 if figure.is_error else 1.0
    better = sign * (challenger - champion)
    bounds = _bounds(figure, sign, better, alpha)
    verdict = _verdict(bounds, figure.margin)
    more = _more(figure, better, bounds, alpha) if verdict == "inconclusive" else None
    return Compared(
        figure.name, champion, challenger, challenger - champion, _interval(bounds, sign),
        figure.margin, verdict, more, _words(verdict, better, bounds, figure.margin, more),
    )  # fmt: skip


def _interval(bounds: tuple[float, float] | None, sign: float) -> tuple[float, float] | None:
    """Of challenger − champion, in the figure's own direction."""
    if bounds is None or not all(math.isfinite(bound) for bound in bounds):
        return None
    low, high = bounds
    return (low, high) if sign > 0 else (0.0 - high, 0.0 - low)  # never −0


def _bounds(figure: Figure, sign: float, better: float, alpha: float) -> tuple[float, float] | None:
    """What `better` is at worst and at best, with an undefined draw as the worst and the best there can be; None where
    the groups are too few to tell."""
    first, second = (np.asarray(draws, dtype=np.float64) for draws in figure.draws)
    if not first.size or first.shape != second.shape or figure.num_groups < fewest_groups(alpha):
        return None
    at = level(_weight(figure), alpha)
    with np.errstate(invalid="ignore"):  # ∞ − ∞ is undefined
        drawn = sign * (second - first)
    return min(better, quantile(drawn, at)), max(better, -quantile(-drawn, at))


def _verdict(bounds: tuple[float, float] | None, margin: float) -> str:
    if bounds is None:
        return "inconclusive"
    low, high = bounds
    return "promote" if low >= -margin else "hold" if high < -margin else "inconclusive"


def _more(figure: Figure, better: float, bounds: tuple[float, float] | None, alpha: float) -> int | None:
    """Groups that would prove it not worse or, where it was measured worse, worse."""
    needed = better + figure.margin
    if bounds is None:
        return missing_groups(figure.num_groups, alpha)
    reach = better - bounds[0] if needed > 0 else bounds[1] - better
    return further_groups(figure.num_groups, abs(needed), alpha, reach, effective=_weight(figure))


def _words(verdict: str, better: float, bounds: tuple[float, float] | None, margin: float, more: int | None) -> str:
    side = "better" if better > 0 else "worse" if better < 0 else "neither better nor worse"
    measured = f"measured {side}" + (f" by {abs(better):.4g}" if better else "")
    if verdict == "promote" and bounds:
        return f"{measured}; not worse by more than {margin:g}: at worst by {max(0.0, -bounds[0]):.4g}"
    if verdict == "hold" and bounds:
        return f"{measured}; worse by more than {margin:g}: by {-bounds[1]:.4g} at least"
    rest = "no number of further groups would decide" if more is None else f"about {more} more groups would decide"
    return f"{measured}; {_at_worst(bounds)}, and {margin:g} is allowed: {rest}"


def _at_worst(bounds: tuple[float, float] | None) -> str:
    if bounds is None:
        return "the groups are too few for a bound"
    if math.isfinite(bounds[0]):
        return f"it may be worse by {-bounds[0]:.4g}"
    return "too many draws are undefined, or they are too few (`gate.replicates`)"


def _weight(figure: Figure) -> float:
    """Groups of equal size."""
    return figure.num_groups if figure.effective_groups is None else figure.effective_groups


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
