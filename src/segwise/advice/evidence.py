"""What an advice rests on: the measured numbers of one decision, as one frozen value. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from segwise.decision.limits import FIGURES, deciding, in_words, lack
from segwise.decision.params import COUNTING, Decision, Kind

APPROACHES = ("semantic", "hybrid", "instance")  # from the cheapest to the dearest


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What the perfect output of an approach leaves: the part of the tolerance that it uses up, the error of the limit
    that decides (`limits.lack`), both with intervals, and that limit's key; None where undefined."""

    error: float | None
    used: float | None
    low: float | None = None
    high: float | None = None
    error_low: float | None = None
    error_high: float | None = None
    key: str = ""

    @property
    def is_known(self) -> bool:
        return self.used is not None and not math.isnan(self.used)

    def scaled(self, factor: float) -> Ceiling:
        """The same error held against a tolerance `factor` times as wide."""
        used, low, high = (None if v is None else v / factor for v in (self.used, self.low, self.high))
        return replace(self, used=used, low=low, high=high)


@dataclass(frozen=True, slots=True)
class LabelFacts:
    """The labels that a decision asks about.

    Attributes:
        num_images, num_groups: of the whole set.
        per_class: labelled objects or regions by class of the decision.
        positives, negatives: triples of image, zone and class that hold the class, as the decision asks, and that do
            not; groups_with, groups_without: groups of images with such a triple. Of presence alone, else 0.
        most_per_image: most labelled objects of one class in an image; `parts_per_label`: connected parts of a label.
        faults: labels by finding that speaks against them (the checks of `FAULTS`).
        missing: what a counting decision asks of the classes that they are not, in words.
    """

    num_images: int = 0
    num_groups: int = 0
    per_class: Mapping[str, int] = field(default_factory=dict)
    positives: int = 0
    negatives: int = 0
    groups_with: int = 0
    groups_without: int = 0
    most_per_image: int = 0
    parts_per_label: float = 1.0
    faults: Mapping[str, int] = field(default_factory=dict)
    missing: str = ""

    @property
    def num_labels(self) -> int:
        return sum(self.per_class.values())


@dataclass(frozen=True, slots=True)
class Contact:
    """Shares of the decision's countable objects: that touch another one of their class, that share more than a tenth
    of their pixels with one; and of their pixels, that lie under other classes."""

    touching: float = 0.0
    overlapping: float = 0.0
    hidden: float = 0.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything the rules may look at.

    Attributes:
        tolerance: in words. limits: by key of `tolerance`, without those not set.
        named: the classes that the decision names; empty = all.
        variants: ceilings of the semantic approach under harder assumptions, by their name in ceilings.json.
        handed_on: by cheap approach: (share of the images answered as the instance ceiling answers, part of the
            tolerance then used up), by rising share; the images where it helps most first.
        megapixels: of an image, mean.
        deadline_ms, frames_per_s, images_per_day, price: see `decision.params.Operation`; `price` is of a CPU hour.
    """

    name: str
    kind: Kind
    tolerance: str
    limits: Mapping[str, float]
    labels: LabelFacts
    ceilings: Mapping[str, Ceiling] = field(default_factory=dict)
    contact: Contact = Contact()
    named: tuple[str, ...] = ()
    variants: Mapping[str, Ceiling] = field(default_factory=dict)
    handed_on: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    megapixels: float = 0.0655
    deadline_ms: float | None = None
    frames_per_s: float | None = None
    images_per_day: int = 10_000
    price: float = 0.0425

    @property
    def is_of_objects(self) -> bool:
        """Whether single objects are asked for, so that merging and splitting matter."""
        return self.kind in COUNTING


def gathered(
    name: str, decision: Decision, labels: LabelFacts, contact: Contact, ceilings: Mapping[str, Any], megapixels: float
) -> Evidence:
    """The evidence of one decision.

    Args:
        ceilings: the content of ceilings.json; empty where the labels forbid them.
    """
    operation, limits = decision.operation, {key: decision.limit(key) for key in FIGURES}
    found, variants = (_of_decision(ceilings.get(part, {}), name, decision) for part in ("candidates", "variants"))
    return Evidence(
        name=name,
        kind=decision.kind,
        tolerance=in_words(decision),
        limits={key: value for key, value in limits.items() if value is not None},
        labels=labels,
        ceilings={approach: found[approach] for approach in APPROACHES if approach in found},
        contact=contact,
        named=decision.classes,
        variants=variants,
        handed_on=_handed_on(ceilings.get("concentration", {}).get(name, {})),
        megapixels=megapixels,
        deadline_ms=operation.deadline_ms,
        frames_per_s=operation.frames_per_s,
        images_per_day=operation.images_per_day,
        price=operation.cost_per_cpu_hour,
    )


def _of_decision(entries: Mapping[str, Any], name: str, decision: Decision) -> dict[str, Ceiling]:
    known = {key: entry["decisions"][name] for key, entry in entries.items() if name in entry["decisions"]}
    return {key: ceiling(values, decision) for key, values in known.items()}


def ceiling(values: Mapping[str, Any], decision: Decision) -> Ceiling:
    """From the figures of ceilings.json."""
    intervals = values.get("intervals") or {}
    low, high = intervals.get("used") or (None, None)
    key = deciding(decision, values)
    if not key:
        return Ceiling(None, values.get("used"), low, high)
    figure = FIGURES[key]
    ends = sorted(lack(key, {figure: end}) for end in intervals.get(figure) or () if end is not None)
    error_low, error_high = ends if len(ends) == 2 else (None, None)
    return Ceiling(lack(key, values), values.get("used"), low, high, error_low, error_high, key)


def _handed_on(found: Mapping[str, Any]) -> dict[str, tuple[tuple[float, float], ...]]:
    cheap = {approach: found[approach]["handed_on"] for approach in APPROACHES if approach in found}
    return {a: tuple((share, used) for share, used in pairs if used is not None) for a, pairs in cheap.items()}
