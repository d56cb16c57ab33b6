"""Thresholds → checks, for one approach. A check without a number never passes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from segwise.gate.params import GateParams, Thresholds


@dataclass(frozen=True, slots=True)
class Measure:
    """What a check compares: its key in metrics.json or benchmark.json, the words for people, and the unit.

    The unit is "fraction"; "%", a fraction shown in percent (of the labelled objects, of the pixels); "ms", "MB" or
    "× tolerance".
    """

    key: str
    words: str
    unit: str


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
    "p50_ms": Measure("p50_ms", "p50 latency", "ms"),
    "p95_ms": Measure("p95_ms", "p95 latency", "ms"),
    "model_mb": Measure("model_mb", "model size", "MB"),
    "peak_memory_mb": Measure("peak_memory_mb", "peak memory", "MB"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One threshold held against one value. `name` is the parameter's name, `value` None where there is no number."""

    name: str
    value: float | None
    limit: float
    passed: bool

    @property
    def measure(self) -> Measure:
        return MEASURES[self.name[4:]]

    @property
    def is_minimum(self) -> bool:
        return self.name.startswith("min_")

    def requirement(self) -> str:
        """What would have to change for this check to pass, in plain words."""
        verb, side = ("rise", "at least") if self.is_minimum else ("fall", "at most")
        if self.value is None:
            return f"{self.measure.words} has no number; it would have to be {side} {self.text(self.limit)}"
        value = self.text(self.value, away_from=self.limit)
        return f"{self.measure.words} would have to {verb} from {value} to {side} {self.text(self.limit)}"

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


def make_checks(values: Mapping[str, float | None], limits: Mapping[str, float]) -> tuple[Check, ...]:
    """One check per limit.

    Args:
        values: the approach's numbers by measure name (`miou`, `p95_ms`, …); missing, None and NaN count as none.
        limits: limits by parameter name (`min_miou`, `max_p95_ms`, …).
    """
    return tuple(_check(name, values.get(name[4:]), limit) for name, limit in limits.items())


def _check(name: str, value: float | None, limit: float) -> Check:
    if value is None or not math.isfinite(value):
        return Check(name, None, limit, False)
    return Check(name, float(value), limit, value >= limit if name.startswith("min_") else value <= limit)


def _shown(number: float, unit: str, digits: int) -> str:
    if unit == "%":
        return f"{100 * number:.{digits}f} %"
    if unit == "fraction":
        return f"{number:.{digits + 2}f}"
    return f"{number:.{digits}f} {unit}"
