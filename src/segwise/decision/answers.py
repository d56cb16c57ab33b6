"""What one image says to a decision: numbers by zone and class, and the action they call for. Pure.

The same function reads labels and predictions, so that both are asked alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segwise.decision import zones
from segwise.decision.expression import parse_action
from segwise.decision.params import Decision
from segwise.errors import UsageError
from segwise.types import ClassInfo, ClassMap, Mask, Objects


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """One image, Z zones (the whole image is one) and the C classes of the decision.

    Attributes:
        counts: int64 (Z, C), objects whose centre lies in the zone.
        coverage: float64 (Z, C), share of the zone's valid pixels, in [0, 1].
        present: bool (Z, C): an object for countable classes, a pixel for regions.
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
        classes: all classes of the data.
        objects: those that count: crowds, and predictions that lie in a crowd, are left out by the caller.
        class_map: uint8 (H, W); `valid` bool (H, W) are the pixels that the label speaks of (default: all).
    """
    ids = decision.class_ids(classes)
    places = zones.masks(decision.zones, objects.size)
    counts = np.zeros((len(places), len(ids)), dtype=np.int64)
    coverage = np.zeros((len(places), len(ids)))
    asked = objects.select(objects.areas_px >= decision.min_area_px)
    rows, columns = zones.centers(asked)
    for z, place in enumerate(places.values()):
        inside = asked.class_ids[place[rows, columns]]
        counts[z] = np.bincount(inside, minlength=256)[list(ids)]
        pixels = class_map[place if valid is None else place & valid]
        coverage[z] = np.bincount(pixels, minlength=256)[list(ids)] / max(pixels.size, 1)
    things = {c.id for c in classes if c.isthing}
    countable = np.array([i in things for i in ids])
    present = np.where(countable, counts > 0, coverage > 0)
    found = Answer(counts, coverage, present, False)
    return Answer(counts, coverage, present, acts(decision, classes, found, tuple(places)))


def acts(decision: Decision, classes: Sequence[ClassInfo], found: Answer, places: Sequence[str]) -> bool:
    """Whether the action is called for.

    Raises:
        UsageError: the rule names a class or zone that the decision does not have.
    """
    if not decision.action:
        return False
    rule, _ = parse_action(decision.action)
    ids = decision.class_ids(classes)
    names = {c.name: ids.index(c.id) for c in classes if c.id in ids}

    def chosen(values: NDArray[np.generic], words: tuple[str, ...]) -> NDArray[np.generic]:
        rows, columns = list(range(len(places))), list(range(len(ids)))
        for word in words:
            if word in names:
                columns = [names[word]]
            elif word in places:
                rows = [list(places).index(word)]
            else:
                known = ", ".join((*names, *places))
                raise UsageError(f"a class or zone of the decision ({known})", f"`{word}`", "correct its `action`")
        return values[np.ix_(rows, columns)]

    scope = {
        "count": lambda *words: int(chosen(found.counts, words).sum()),
        "coverage": lambda *words: float(chosen(found.coverage, words).sum(axis=1).mean()),
        "present": lambda *words: bool(chosen(found.present, words).any()),
    }
    return bool(rule(scope))


def check(decisions: dict[str, Decision], classes: Sequence[ClassInfo]) -> None:
    """Raise UsageError where a decision asks for what the data do not have: a class, a zone, a countable class."""
    for decision in decisions.values():
        ids = decision.class_ids(classes)
        places = tuple(decision.zones) or (zones.WHOLE,)
        shape = (len(places), len(ids))
        empty = Answer(np.zeros(shape, np.int64), np.zeros(shape), np.zeros(shape, bool), False)
        acts(decision, classes, empty, places)
