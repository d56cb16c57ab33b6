"""The advice before training beside what was measured after it: where they part, and why, from the numbers. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from segwise.report.kpis import said

Values = Mapping[str, Any]
NO_ANSWER = "no answer"
NEAR = 20  # times the present images: more is not worth promising
CLOSE = 0.1  # part of the tolerance between an error and its limit that is called near


@dataclass(frozen=True, slots=True)
class Size:
    """How much the figures rest on: test images and their groups, and the images that the ceilings are of."""

    num_images: int
    num_groups: int
    num_labelled: int


@dataclass(frozen=True, slots=True)
class Row:
    """One candidate: the error that a perfect one would leave (its ceiling), the measured one, and what limits it."""

    name: str
    ceiling: str
    measured: str
    words: str


@dataclass(frozen=True, slots=True)
class Beside:
    """Advice and measurement of one decision. `agree` is None where one of them gives no answer."""

    advised: str
    chosen: str
    agree: bool | None
    verdict: str
    advice: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One decision: its entry of compare.json, its ceilings (figures by candidate), why candidates were refused."""

    result: Values
    ceilings: Mapping[str, Values]
    refused: Mapping[str, str]
    size: Size

    def own(self, name: str) -> Values:
        return self.result["candidates"].get(name) or {}

    def ceiling(self, name: str) -> Values:
        return self.ceilings.get(name) or {}


def beside(case: Case, advice: Values) -> Beside:
    """Both answers to one decision; `advice` is its entry of advice.json, empty without advice."""
    advised, winner = str(advice.get("recommend") or ""), case.result.get("winner")
    names = dict.fromkeys([*case.result["candidates"], *case.ceilings, *case.refused])
    known = bool(advised) and advised != NO_ANSWER and winner is not None
    return Beside(
        advised or "no advice",
        winner or "nothing is shown to meet it",
        advised == winner if known else None,
        _verdict(case, advised, winner),
        tuple(str(s["text"]) for s in advice.get("sentences", ())),
        tuple(_row(case, name) for name in names),
    )


def _verdict(case: Case, advised: str, winner: str | None) -> str:
    instead = f"{winner} is the cheapest that meets the tolerance." if winner else "nothing is shown to meet it."
    if not advised:
        return "No advice was written before this measurement (segwise advise writes it from the labels alone)."
    if advised == NO_ANSWER:
        return f"The labels alone allowed no answer. Measured on trained models, {instead}"
    if advised == winner:
        return (
            f"They agree: {advised} was advised from the labels alone, and measured it is the cheapest that meets it."
        )
    if not case.own(advised):
        reason = case.refused.get(advised, "it was neither trained nor measured")
        return f"They part: {advised} was advised but does not compete here ({reason}). Of the others, {instead}"
    if winner is None:
        start = f"{_capital(advised)} was advised, and nothing measured is shown to meet the tolerance."
        return f"{start} {cause(case, advised)}"
    if case.own(advised).get("met") == "met":
        return _both_meet(case, advised, winner)
    return f"They part: {advised} was advised, {winner} wins. Why not {advised}? {cause(case, advised)}"


def _both_meet(case: Case, advised: str, winner: str) -> str:
    """The advised candidate does it as well, but is not the cheapest that does."""
    cheap, dear = (number(case.own(n).get("cost_per_1000")) for n in (winner, advised))
    price = f" at {cheap / dear:.2f} of its cost" if cheap and dear else ""
    start = f"They part: {advised} was advised and meets the tolerance, but so does {winner}{price}."
    used, reached = number(case.ceiling(winner).get("used")), number(case.own(winner).get("used"))
    if used is None:
        return f"{start} The labels alone could not tell that a trained {winner} would do."
    if used > 1:
        return f"{start} {cause(case, winner)}"
    return (
        f"{start} A perfect {winner} uses {said(used, 'percent')} of the tolerance; how much a trained one adds is not "
        f"known from labels, and the advice kept a reserve for it. Measured, it uses {said(reached, 'percent')}."
    )


def _row(case: Case, name: str) -> Row:
    if case.own(name):
        words = cause(case, name)
    else:
        words = f"Refused: {case.refused[name]}" if name in case.refused else "Neither trained nor measured."
    ceiling, measured = (said(number(v.get("error")), "percent") for v in (case.ceiling(name), case.own(name)))
    return Row(name, ceiling, measured, words)


def cause(case: Case, name: str) -> str:
    """What stands between a candidate and the tolerance: the approach, the model, or the number of test images."""
    own, ceiling = case.own(name), case.ceiling(name)
    error, used = number(own.get("error")), number(own.get("used"))
    best, best_used = number(ceiling.get("error")), number(ceiling.get("used"))
    if error is None or used is None:
        return "Its error is not defined on these test images."
    parts = []
    if best is not None and best_used is not None:
        parts.append(_limit(case, name, (error, used), (best, best_used)))
    if own.get("met") == "open":
        parts.append(_open(used, (own.get("intervals") or {}).get("used"), case.size))
    elif not parts:
        end = "its whole interval lies within it." if own.get("met") == "met" else "its whole interval lies beyond it."
        parts.append(f"It uses {said(used, 'percent')} of the tolerance; {end}")
    return " ".join(parts)


def _limit(case: Case, name: str, own: tuple[float, float], best: tuple[float, float]) -> str:
    """Whose error it is; `own` and `best` are error and used part of the tolerance, measured and of a perfect one."""
    gap = said(own[0] - best[0], "percent").replace("%", "points")
    measured, least = said(own[0], "percent"), said(best[0], "percent")
    if own[0] < best[0] and (own[1] <= 1 or best[1] <= 1):
        images = f"that is of all {case.size.num_labelled:,} images, this of {case.size.num_images} test images"
        return (
            f"Measured {measured} is below what a perfect one leaves, {least}: {images}, and what a model misses and "
            "invents can cancel where a perfect one only merges."
        )
    if best[1] > 1:
        share = said(best[1], "percent")
        return (
            f"The limit is the approach: a perfect {name} leaves {least}, {share} of the tolerance; no training helps."
        )
    if own[1] > 1:
        return (
            f"The limit is the model, not the approach: a perfect {name} leaves {least}, this model {measured}. The "
            f"{gap} between them are for labels, training or zoom to win."
        )
    return f"Of its {measured}, {least} are the approach's and {gap} the model's."


def _open(used: float, interval: Sequence[float] | None, size: Size) -> str:
    """How many more test images would tell on which side of the tolerance a candidate is.

    The interval narrows with the square root of the number of groups.
    """
    if not interval or any(number(v) is None for v in interval):
        return f"{size.num_groups} independent test images or groups are too few to show that it meets the tolerance."
    half, gap = (interval[1] - used, 1 - used) if used <= 1 else (used - interval[0], used - 1)
    low, high = (said(v, "percent") for v in interval)
    shown = f"Open: its interval, {low} to {high} of the tolerance, holds the limit"
    times = (half / gap) ** 2 if gap > 0 else math.inf
    if times > NEAR and gap < CLOSE:
        return f"{shown}, and its error is too near to it for any reasonable number of test images to tell."
    if times > NEAR:
        return f"{shown}; more than {NEAR} times as many test images would be needed to tell."
    images, groups = (max(math.ceil(n * (times - 1)), 1) for n in (size.num_images, size.num_groups))
    side = "within" if used <= 1 else "beyond"
    more = f"{images:,} more test images" + (f" ({groups:,} groups)" if size.num_groups != size.num_images else "")
    return f"{shown}; about {more} like these would show it {side}."


def number(value: Any) -> float | None:
    """The value where it is a number."""
    return float(value) if isinstance(value, int | float) and not math.isnan(value) else None


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
