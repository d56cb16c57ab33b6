"""What stands between a candidate and a decision: the approach, the model, the number of test images, or time. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from segwise.decision import limits
from segwise.decision.params import Decision
from segwise.report.kpis import said

Values = Mapping[str, Any]
NEAR = 20  # times the present images: more is not worth promising
CLOSE = 0.1  # part of the tolerance between an error and its limit that is called near


@dataclass(frozen=True, slots=True)
class Size:
    """How much the figures rest on: test images and their groups, and the images that the ceilings are of."""

    num_images: int
    num_groups: int
    num_labelled: int


@dataclass(frozen=True, slots=True)
class Case:
    """One decision: as stated, its entry of compare.json, its ceilings (figures by candidate), why candidates were
    refused."""

    decision: Decision
    result: Values
    ceilings: Mapping[str, Values]
    refused: Mapping[str, str]
    size: Size

    def own(self, name: str) -> Values:
        return self.result["candidates"].get(name) or {}

    def ceiling(self, name: str) -> Values:
        return self.ceilings.get(name) or {}

    def too_slow(self, name: str) -> str:
        """What a candidate takes too long for, in words; empty where it is in time, or nothing is asked."""
        own, operation = self.own(name), self.decision.operation
        return " and ".join(
            words
            for words in (
                _held(operation.deadline_ms, own.get("deadline_met"), own.get("p95_ms"), "{} ms at p95, asked {}"),
                _held(operation.frames_per_s, own.get("frames_met"), own.get("images_per_s"), "{} a second, asked {}"),
            )
            if words
        )


def _held(asked: float | None, is_met: bool | None, measured: Any, words: str) -> str:
    """What is asked of the time and not kept, or not known to be."""
    if asked is None or is_met is True:
        return ""
    told = "unknown" if number(measured) is None else f"{measured:,.0f}" if measured >= 100 else f"{measured:.3g}"
    return words.format(told, f"{asked:g}")


def reached(case: Case, figures: Values) -> str:
    """The figure that the tolerance is of, in its unit; of several limits the used part."""
    key = limits.axis(case.decision)
    if not key:
        used = said(number(figures.get("used")), "percent")
        return used if used == "–" else f"{used} of the tolerance"
    lacking = limits.lack(key, figures)
    return "–" if math.isnan(lacking) else limits.in_unit(key, lacking).replace(" %", "\u00a0%")


def cause(case: Case, name: str) -> str:
    """What stands between a candidate and the decision: the approach, the model, the number of test images, or time."""
    own, ceiling = case.own(name), case.ceiling(name)
    used, best = number(own.get("used")), number(ceiling.get("used"))
    if used is None:
        return "Its error is not defined on these test images."
    parts = []
    if best is not None:
        parts.append(_limit(case, name, used, best))
    if own.get("met") == "open":
        parts.append(_open(used, (own.get("intervals") or {}).get("used"), case.size))
    elif not parts:
        end = "its whole interval lies within it." if own.get("met") == "met" else "its whole interval lies beyond it."
        parts.append(f"It uses {said(used, 'percent')} of the tolerance; {end}")
    slow = case.too_slow(name)
    return " ".join([*parts, *([f"It is not in time: {slow}."] if slow else [])])


def _limit(case: Case, name: str, used: float, best: float) -> str:
    """Whose error it is; `used` and `best` are the part of the tolerance that the model and a perfect one use up."""
    own, least = (limits.along(case.decision, figures) for figures in (case.own(name), case.ceiling(name)))
    noun = limits.AXES.get(limits.axis(case.decision), "")
    gap = said(own - least, "percent").replace("%", "points")
    measured, perfect = (said(v, "percent") + ("" if noun else " of the tolerance") for v in (own, least))
    called = f" ({noun})" if noun else ""
    leaves = f"leaves a {noun} of" if noun.endswith("error") else f"leaves {noun} of" if noun else "uses up"
    if own < least and (used <= 1 or best <= 1):
        images = f"that is of all {case.size.num_labelled:,} images, this of {case.size.num_images} test images"
        does = "leaves" if noun else "uses up"
        return (
            f"Measured {measured}{called} is below what a perfect one {does}, {perfect}: {images}, and what a model "
            "misses and invents can cancel where a perfect one only merges."
        )
    if best > 1:
        share = f", {said(best, 'percent')} of the tolerance" if noun else ""
        return f"The limit is the approach: a perfect {name} {leaves} {perfect}{share}; no training helps."
    if used > 1:
        return (
            f"The limit is the model, not the approach: a perfect {name} {leaves} {perfect}, this model {measured}. "
            f"The {gap} between them are for labels, training or zoom to win."
        )
    return f"Of its {measured}{called}, {perfect} are the approach's and {gap} the model's."


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
