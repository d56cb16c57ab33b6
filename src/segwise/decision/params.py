"""The section `decision` of params.yaml: what the pixels must support, and what may go wrong at which price.

Light: importing this imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from segwise.config import Section
from segwise.decision.expression import parse_action
from segwise.errors import UsageError
from segwise.types import ClassInfo

Kind = Literal["count", "coverage", "presence", "itemize", "track"]
KINDS: tuple[Kind, ...] = ("count", "coverage", "presence", "itemize", "track")
COUNTING: tuple[Kind, ...] = ("count", "itemize", "track")  # kinds that ask about single objects
Share = Annotated[float, Field(ge=0, le=1)]
Error = Annotated[float, Field(gt=0)]
Point = tuple[Share, Share]
ZONE_EXAMPLE = "for example: left: [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]"
ACTION_EXAMPLE = "if count(bottle) < 12 then alert"


class Tolerance(Section):
    """How wrong the decision may be. Each kind reads its own keys; another one is refused.

    Attributes:
        relative: count: Σ|error| / Σ count over the images (and zones, and classes), 0.05 = within 5 %.
        absolute: count: mean |error|, objects; with `relative`, meeting either is enough.
        points: coverage: mean |error| of the covered share, 0.02 = 2 percentage points.
        min_sensitivity, min_specificity: presence: found of those there, not claimed of those not there.
        min_f1, iou: itemize and track: F1 of objects matched one to one at this IoU, class by class.
        min_accuracy: with `action`: share of the images on which the action comes out as from the labels; alone, it is
            the whole tolerance, beside others all must hold.
    """

    relative: Annotated[float, Field(gt=0, le=1)] | None = None
    absolute: Error | None = None
    points: Error | None = None
    min_sensitivity: Share | None = None
    min_specificity: Share | None = None
    min_f1: Share | None = None
    iou: Annotated[float, Field(ge=0.5, lt=1)] = 0.5
    min_accuracy: Share | None = None


OWN_KEYS: dict[Kind, tuple[str, ...]] = {
    "count": ("relative", "absolute"),
    "coverage": ("points",),
    "presence": ("min_sensitivity", "min_specificity"),
    "itemize": ("min_f1", "iou"),
    "track": ("min_f1", "iou"),
}
DEFAULTS: dict[Kind, dict[str, float]] = {
    "count": {"relative": 0.10},
    "coverage": {"points": 0.02},
    "presence": {"min_sensitivity": 0.95, "min_specificity": 0.9},
    "itemize": {"min_f1": 0.85},
    "track": {"min_f1": 0.85},
}


class Price(Section):
    """What one mistake costs, in any one currency. A miss is an object, a region or an action that should have come
    and did not; a false alarm the reverse."""

    miss: Annotated[float, Field(ge=0)] = 1.0
    false_alarm: Annotated[float, Field(ge=0)] = 1.0


class Operation(Section):
    """How the decision runs.

    Attributes:
        deadline_ms: longest time for one image, at p95; null = none.
        frames_per_s: images per second that one machine must keep up with; null = none.
        images_per_day: what the cost of a day is told for.
        hardware: the machine, in words, told beside the figures.
        cost_per_cpu_hour: price of one busy CPU core for an hour. The default is half of an AWS c6i.large (two vCPUs,
            us-east-1, on demand, 0.085 USD an hour).
        annotation_hours: what may still be spent on labels, hours; null = not limited. What an object and a class mask
            take is in `profile.minutes_per_object` and `profile.minutes_per_class_mask`, with their sources.
    """

    deadline_ms: Error | None = None
    frames_per_s: Error | None = None
    images_per_day: Annotated[int, Field(ge=1)] = 10_000
    hardware: str = "one CPU core"
    cost_per_cpu_hour: Annotated[float, Field(ge=0)] = 0.0425
    annotation_hours: Annotated[float, Field(ge=0)] | None = None


class Decision(Section):
    """One decision.

    Attributes:
        kind: `count` how many; `coverage` what share of the pixels; `presence` is there any; `itemize` which ones, each
            with its outline; `track` which one is which from frame to frame (judged frame by frame, as itemize).
        classes: names; empty = all countable ones, for coverage all.
        zones: polygons by name, corners (x, y) as fractions of the image's width and height; the answer is given zone
            by zone (an object lies where its centre lies). Empty = the whole image.
        min_area_px: smaller objects are neither asked for nor counted, image pixels; a region is present from this many
            pixels on. Coverage counts every pixel.
        tolerance: how wrong it may be.
        action: what is done about it, such as `if count(bottle) < 12 then alert`; empty = nothing. See `expression`.
        price: of the two kinds of mistake. operation: how it runs.
    """

    kind: Kind
    classes: tuple[str, ...] = ()
    zones: dict[str, tuple[Point, ...]] = Field(default_factory=dict)
    min_area_px: Annotated[float, Field(ge=0)] = 0.0
    tolerance: Tolerance = Tolerance()
    action: str = ""
    price: Price = Price()
    operation: Operation = Operation()

    @field_validator("zones")
    @classmethod
    def _have_an_area(cls, zones: dict[str, tuple[Point, ...]]) -> dict[str, tuple[Point, ...]]:
        for name, corners in zones.items():
            (x0, y0), *rest = corners or ((0.0, 0.0),)
            crosses = ((x - x0) * (v - y0) - (u - x0) * (y - y0) for x, y in rest for u, v in rest)
            if not any(abs(cross) > 1e-9 for cross in crosses):
                raise ValueError(f"at least three corners that are not on one line in the zone `{name}`", ZONE_EXAMPLE)
        return zones

    @field_validator("action")
    @classmethod
    def _is_a_rule(cls, action: str) -> str:
        try:
            if action:
                parse_action(action)
        except UsageError as error:
            raise ValueError(f"{error.expected}, not {error.came}", error.remedy) from error
        return action

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        allowed = (*OWN_KEYS[self.kind], "min_accuracy")
        if foreign := sorted(self.tolerance.model_fields_set - set(allowed)):
            remedy = f"allowed here: {', '.join(allowed)}"
            raise ValueError(f"a tolerance of the kind {self.kind}, not {', '.join(foreign)}", remedy)
        if self.tolerance.min_accuracy is not None and not self.action:
            raise ValueError("an `action` beside tolerance.min_accuracy", f"add one, such as: {ACTION_EXAMPLE}")
        return self

    def limit(self, key: str) -> float | None:
        """The tolerance `key`: the stated one, or the kind's default where no limit at all is stated."""
        limits = [k for k in (*OWN_KEYS[self.kind], "min_accuracy") if k != "iou"]
        if any(getattr(self.tolerance, k) is not None for k in limits):
            stated = getattr(self.tolerance, key)
            return None if stated is None else float(stated)
        return DEFAULTS[self.kind].get(key)

    def class_ids(self, classes: Sequence[ClassInfo]) -> tuple[int, ...]:
        """The ids of its classes, in the data's order.

        Raises:
            UsageError: a class that the data do not have, a region where objects are asked for, or none at all.
        """
        known = {c.name: c for c in classes}
        for name in self.classes:
            if name not in known:
                raise UsageError("a class of the data", f"`{name}` in a decision", f"name one of: {', '.join(known)}")
            if self.kind in COUNTING and not known[name].isthing:
                remedy = "ask for its coverage or presence, or set `isthing: 1` in the label file"
                raise UsageError(f"a countable class to {self.kind}", f"`{name}`, a region", remedy)
        chosen = [known[n] for n in self.classes] or [c for c in classes if c.isthing or self.kind == "coverage"]
        if not chosen:
            raise UsageError(f"a class to {self.kind}", "none that is countable", "set `classes` of the decision")
        return tuple(sorted({c.id for c in chosen}))


Decisions = dict[str, Decision]
