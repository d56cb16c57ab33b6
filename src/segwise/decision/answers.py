"""What one image says to a decision: numbers by zone and class, and the action they call for. Pure.

The same function reads labels and predictions, so that both are asked alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwise.decision import zones
from segwise.decision.expression import parse_action, true
from segwise.decision.params import Decision
from segwise.errors import UsageError
from segwise.types import ClassInfo, ClassMap, Mask, Objects


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """One image, Z zones (the whole image is one) and the C classes of the decision.

    Attributes:
        counts: int64 (Z, C), objects whose centre lies in the zone; 0 for regions, which have none.
        coverage: float64 (Z, C), share of the zone's valid pixels, in [0, 1]; 0 in a zone without a valid pixel.
        present: bool (Z, C): countable classes with an object there; regions with at least `min_area_px` valid pixels
            there, in one piece or several, and at least one.
        acts: whether the action is called for; False without one.
    """

    counts: NDArray[np.int64]
    coverage: NDArray[np.float64]
    present: NDArray[np.bool_]
    acts: bool


def answer(
    decision: Decision, classes: Sequence[ClassInfo], objects: Objects, class_map: ClassMap, valid: Mask | None = None
) -> Answer:
    """The answer of one image.

    Args:
        classes: all classes of the data. A class may lie in several zones, and an object or a pixel in none.
        objects: those that count: crowds, and predictions that lie in a crowd, are left out by the caller.
        class_map: uint8 (H, W); `valid` bool (H, W) are the pixels that the label speaks of (default: all).
    """
    ids = list(decision.class_ids(classes))
    things = {c.id for c in classes if c.isthing}
    countable = np.array([i in things for i in ids])
    places = zones.masks(decision.zones, objects.size)
    counts = _counts(decision, objects, places)[:, ids] * countable
    pixels = [class_map[place if valid is None else place & valid] for place in places.values()]
    covered = np.stack([np.bincount(values, minlength=256)[ids] for values in pixels])
    coverage = covered / np.array([[max(values.size, 1)] for values in pixels])
    present = np.where(countable, counts > 0, covered >= max(decision.min_area_px, 1))
    found = Answer(counts, coverage, present, False)
    return Answer(counts, coverage, present, acts(decision, classes, found, tuple(places)))


def asked_for(decision: Decision, objects: Objects) -> Mask:
    """The objects that a decision asks for, whatever their class, bool (N,): large enough, and in one of its zones."""
    large = objects.areas_px >= decision.min_area_px
    if not decision.zones:
        return large
    anywhere = np.any(list(zones.masks(decision.zones, objects.size).values()), axis=0)
    return np.asarray(large & anywhere[zones.centers(objects)], dtype=bool)


def _counts(decision: Decision, objects: Objects, places: Mapping[str, Mask]) -> NDArray[np.int64]:
    """Objects by zone and class id, int64 (Z, 256)."""
    if decision.min_area_px > 1:  # none is smaller than a pixel
        objects = objects.select(objects.areas_px >= decision.min_area_px)
    if not decision.zones:
        return np.bincount(objects.class_ids, minlength=256)[None]
    centers = zones.centers(objects)
    return np.stack([np.bincount(objects.class_ids[place[centers]], minlength=256) for place in places.values()])


def acts(decision: Decision, classes: Sequence[ClassInfo], found: Answer, places: Sequence[str]) -> bool:
    """Whether the action is called for; a rule without a defined value calls for nothing.

    Raises:
        UsageError: the rule names a class or zone that the decision does not have, or counts a region.
    """
    if not decision.action:
        return False
    rule, _ = parse_action(decision.action)
    return bool(true(rule(functions(decision, classes, found, places))))


def functions(
    decision: Decision, classes: Sequence[ClassInfo], found: Answer, places: Sequence[str], rule: str = "`action`"
) -> dict[str, Callable[..., Any]]:
    """`count`, `coverage` and `present` of an answer, for rules over it; each takes names of classes and zones.

    Several classes, or zones, add up (coverage: the mean over the zones; present: any).

    Args:
        places: the zones' names, as the answer has them. rule: where the rule stands, in words.

    Raises (when called):
        UsageError: a name that is neither, or a region counted.
    """
    ids, info = decision.class_ids(classes), {c.id: c for c in classes}
    columns = {info[class_id].name: column for column, class_id in enumerate(ids)}
    rows = {name: row for row, name in enumerate(places)}

    def chosen(values: NDArray[Any], words: tuple[str, ...]) -> NDArray[Any]:
        for word in words:
            if word not in columns and word not in rows:
                known = ", ".join((*columns, *rows))
                remedy = f"correct its {rule}; a name of several words stands in quotes"
                raise UsageError(f"a class or zone of the decision ({known})", f"`{word}`", remedy)
        which = [columns[word] for word in words if word in columns] or list(columns.values())
        where = [rows[word] for word in words if word in rows and word not in columns] or list(rows.values())
        return values[np.ix_(where, which)]

    def count(*words: str) -> int:
        for word in words:
            if word in columns and not info[ids[columns[word]]].isthing:
                remedy = f"ask for coverage({word}) or present({word}) in its {rule}"
                raise UsageError("a countable class in count(…)", f"`{word}`, a region", remedy)
        return int(chosen(found.counts, words).sum())

    return {
        "count": count,
        "coverage": lambda *words: float(chosen(found.coverage, words).sum(axis=1).mean()),
        "present": lambda *words: bool(chosen(found.present, words).any()),
    }


def check(decisions: Mapping[str, Decision], classes: Sequence[ClassInfo]) -> None:
    """Refuse decisions that ask for what the data do not have.

    Raises:
        UsageError: a class or zone that there is none of, no countable class, a region counted, or a zone that has the
            name of a class.
    """
    names = {c.name for c in classes}
    for decision in decisions.values():
        ids = decision.class_ids(classes)
        if doubled := sorted(names & set(decision.zones)):
            raise UsageError("zones named otherwise than classes", f"`{doubled[0]}` is both", "rename the zone")
        places = tuple(decision.zones) or (zones.WHOLE,)
        shape = (len(places), len(ids))
        empty = Answer(np.zeros(shape, np.int64), np.zeros(shape), np.zeros(shape, bool), False)
        acts(decision, classes, empty, places)
