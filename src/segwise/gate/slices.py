"""Limits that must hold in every slice of the test images that has enough groups to say anything. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from segwise.gate.checks import Check, Value, make_checks
from segwise.gate.params import SliceLimits
from segwise.gate.power import fewest_groups


@dataclass(frozen=True, slots=True)
class Slice:
    """The test images of one value of an attribute.

    Attributes:
        part: in words, such as `modality histology`. values: the approach's numbers on them, see `make_checks`.
        num_images: of them. num_groups: those that say anything about the limited figures, see `power.strength`.
        is_labelled: whether anything is labelled there.
    """

    part: str
    values: Mapping[str, Value]
    num_images: int
    num_groups: int
    is_labelled: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """The checks of the slices that can be judged, and why the others cannot, by slice."""

    checks: tuple[Check, ...] = ()
    not_judged: dict[str, str] = field(default_factory=dict)

    @property
    def is_blind(self) -> bool:
        """Whether limits were asked of slices and no slice could be held against them."""
        return bool(self.not_judged) and not self.checks


def enough(limits: SliceLimits, alpha: float) -> int:
    """Groups from which on a slice is judged."""
    return max(limits.min_groups, fewest_groups(alpha))


def judge_slices(slices: Sequence[Slice], limits: SliceLimits | None, alpha: float) -> Judged:
    """Hold each slice against the limits. Whether a slice is judged depends on its labels and groups alone, so that no
    answer of a model gets it out of a check."""
    asked = limits.limits() if limits else {}
    if limits is None or not asked:
        return Judged()
    reasons = {s.part: why for s in slices if (why := _why_not(s, enough(limits, alpha)))}
    judged = [s for s in slices if s.part not in reasons]
    return Judged(tuple(c for s in judged for c in make_checks(s.values, asked, alpha, s.part)), reasons)


def _why_not(part: Slice, wanted: int) -> str | None:
    images = _many(part.num_images, "test image")
    if part.num_groups < wanted:
        return f"{_many(part.num_groups, 'usable group')} of {images}, and {wanted} are needed"
    return None if part.is_labelled else f"{images} without a label"


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
