"""Thresholds → checks, for one approach. A check without a number never passes, one without a proof neither."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from segwise.gate.bounds import Sample, drawn_of, worst_of
from segwise.gate.params import GateParams, Thresholds
from segwise.gate.power import fewest_groups, further_groups, missing_groups


@dataclass(frozen=True, slots=True)
class Measure:
    """What a check compares: its key in metrics.json or benchmark.json, the words for people, and the unit.

    The unit is "fraction"; "%", a fraction shown in percent (of the labelled objects, of the pixels); "ms", "MB" or
    "× tolerance". `is_sampled`: a figure of test images, so that other images would have given another one; else it
    is measured on the machine, passes or holds as it is, and has no bound.
    """

    key: str
    words: str
    unit: str
    is_sampled: bool = True


MEASURES: dict[str, Measure] = {
    "tolerance_used": Measure("tolerance_used", "decision error", "× tolerance"),  # of the worst decision: see `gather`
    "miou": Measure("miou", "mIoU", "fraction"),
    "foreground_iou": Measure("foreground_iou", "foreground IoU", "fraction"),
    "mask_ap": Measure("ap", "mask AP", "fraction"),
    "mask_ap50": Measure("ap50", "mask AP50", "fraction"),
    "pq": Measure("pq", "PQ", "fraction"),
    "f1": Measure("f1", "F1 at IoU 0.5", "fraction"),
    "count_error": Measure("count_error", "count error", "%"),
    "coverage_error": Measure("coverage_error", "coverage error", "%"),
    "p50_ms": Measure("p50_ms", "p50 latency", "ms", is_sampled=False),
    "p95_ms": Measure("p95_ms", "p95 latency", "ms", is_sampled=False),
    "model_mb": Measure("model_mb", "model size", "MB", is_sampled=False),
    "peak_memory_mb": Measure("peak_memory_mb", "peak memory", "MB", is_sampled=False),
}
Value = Sample | float | None


@dataclass(frozen=True, slots=True)
class Check:
    """One threshold held against one value.

    Attributes:
        name: the parameter's name. part: the slice it is about, such as `modality histology`; empty = all images.
        value: None where there is no number. bound: what it is at worst; None where that is unknown or not asked.
        verdict: `promote` if even the bound meets the limit; `hold` if the value itself breaks it, or there is none;
            else `inconclusive`.
        confidence: of the bound, one-sided; None for what has none.
        more_groups, more_images: how many more like those tested would decide an inconclusive one; None where no number
            would.
    """

    name: str
    value: float | None
    limit: float
    verdict: str
    bound: float | None = None
    part: str = ""
    confidence: float | None = None
    num_groups: int | None = None
    more_groups: int | None = None
    more_images: int | None = None

    @property
    def passed(self) -> bool:
        return self.verdict == "promote"

    @property
    def measure(self) -> Measure:
        return MEASURES[self.name[4:]]

    @property
    def is_minimum(self) -> bool:
        return self.name.startswith("min_")

    def requirement(self) -> str:
        """What would have to change for this check to pass, in plain words."""
        verb, side = ("rise", "at least") if self.is_minimum else ("fall", "at most")
        what = f"{self.measure.words} on {self.part}" if self.part else self.measure.words
        if self.value is None:
            return f"{what} has no number; it would have to be {side} {self.text(self.limit)}"
        value = self.text(self.value, away_from=self.limit)
        if self.verdict == "hold":
            return f"{what} would have to {verb} from {value} to {side} {self.text(self.limit)}"
        return f"{what} is {value} and not proven to be {side} {self.text(self.limit)}: {self._evidence()}"

    def _evidence(self) -> str:
        """Why it is not proven, and what would decide."""
        sure = f"with {100 * (self.confidence or 0):.4g} % confidence"
        more = f"about {self.more_images} more test images like these ({self.more_groups} groups)"
        if self.bound is None and self.more_groups is not None:
            return f"{self.num_groups} groups are too few to tell {sure}; {more} would make it possible"
        if self.bound is None:
            why = "it is undefined in too many draws of the images, or they are too few (`gate.replicates`)"
            return f"{sure} nothing can be told, since {why}"
        worst = f"{sure} it may be {self.text(self.bound, away_from=self.limit)}"
        easier = f"a limit of {self._easier(self.bound)} would be met"
        return f"{worst}; {easier if self.more_groups is None else f'{more} would decide, or {easier}'}"

    def _easier(self, bound: float) -> str:
        """The next round number that the bound meets."""
        step = 0.1 if self.measure.unit == "× tolerance" else 0.001
        return self.text(step * (math.floor if self.is_minimum else math.ceil)(round(bound / step, 6)))

    def text(self, number: float, away_from: float | None = None) -> str:
        """A number with its unit, with as many digits as it takes not to read like `away_from`."""
        for digits in range(1, 7):
            shown = _shown(number, self.measure.unit, digits)
            if away_from is None or number == away_from or shown != _shown(away_from, self.measure.unit, digits):
                break
        return shown


def limits_of(params: GateParams, approach: str) -> dict[str, float]:
    """The limits that hold for `approach`, by parameter name, in the order of `Thresholds`; its own come first."""
    own = next((limits for name, limits in params.per_approach.items() if name == approach), Thresholds())
    sources = {name: own if name in own.model_fields_set else params for name in Thresholds.model_fields}
    merged = {name: getattr(source, name) for name, source in sources.items()}
    return {name: limit for name, limit in merged.items() if limit is not None}


def make_checks(
    values: Mapping[str, Value], limits: Mapping[str, float], alpha: float, part: str = ""
) -> tuple[Check, ...]:
    """One check per limit.

    Args:
        values: the approach's numbers by measure name (`miou`, `p95_ms`, …); missing, None and NaN count as none. Of
            what is sampled a `Sample`: a bare number has no bound and cannot be proven.
        limits: limits by parameter name (`min_miou`, `max_p95_ms`, …).
        alpha: of each bound, one-sided.
        part: the slice the values are of; empty = all test images.
    """
    return tuple(_check(name, values.get(name[4:]), limit, alpha, part) for name, limit in limits.items())


def _check(name: str, value: Value, limit: float, alpha: float, part: str) -> Check:
    sample = value if isinstance(value, Sample) else Sample(value)
    number, is_minimum = sample.number, name.startswith("min_")
    meets = number is not None and _meets(number, limit, is_minimum=is_minimum)
    if number is None or not MEASURES[name[4:]].is_sampled:
        return Check(name, number, limit, "promote" if meets else "hold", part=part)
    bound = worst_of(sample, alpha, is_minimum=is_minimum)
    proven = bound is not None and _meets(bound, limit, is_minimum=is_minimum)
    verdict = "promote" if proven else "inconclusive" if meets else "hold"
    groups = _more(sample, bound, limit, alpha, is_minimum=is_minimum) if verdict == "inconclusive" else None
    images = None if groups is None else math.ceil(groups * sample.num_images / max(sample.num_groups, 1))
    return Check(name, number, limit, verdict, bound, part, round(1 - alpha, 6), sample.num_groups, groups, images)


def _more(sample: Sample, bound: float | None, limit: float, alpha: float, *, is_minimum: bool) -> int | None:
    """How many more groups like these would decide."""
    value, drawn = sample.number or 0.0, drawn_of(sample, alpha, is_minimum=is_minimum)
    if bound is None or drawn is None:  # too few groups; or enough, but draws without a number
        return missing_groups(sample.num_groups, alpha) if sample.num_groups < fewest_groups(alpha) else None
    known = sample.exact
    return further_groups(
        sample.num_groups, abs(value - limit), alpha, abs(drawn - value), effective=sample.effective_groups,
        exact=None if known is None else lambda times: abs(known(times) - value),
    )  # fmt: skip


def _meets(number: float, limit: float, *, is_minimum: bool) -> bool:
    return number >= limit if is_minimum else number <= limit


def _shown(number: float, unit: str, digits: int) -> str:
    if unit == "%":
        return f"{100 * number:.{digits}f} %"
    if unit == "fraction":
        return f"{number:.{digits + 2}f}"
    return f"{number:.{digits}f} {unit}"
