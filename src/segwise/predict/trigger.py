"""When a cascade asks its instance model: a rule over what the cheap model answered for one image.

The rule's values (numbers of one image; FEATURES says what each is), and its functions, in the language of
`decision.expression`:
    count(…) coverage(…) present(…)   the decision's answer, of its classes and zones, as in an action
    objects(…)    how many objects meet a condition over OBJECT_NAMES: `objects(area_px > 900 and solidity < 0.85) > 0`
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from segwise.decision import zones
from segwise.decision.answers import Answer, acts, answer, functions
from segwise.decision.expression import Expression, parse, true
from segwise.decision.params import Decision
from segwise.predict.components import at_edge, num_parts, solidity, union
from segwise.predict.maps import Map, class_probabilities
from segwise.types import ClassInfo, Objects, Prediction

FEATURES: dict[str, str] = {
    "num_objects": "objects found",
    "mean_area_px": "their mean area, pixels, 0 without one",
    "max_area_px": "the largest area, pixels",
    "largest": "the largest area over the middle one, 0 without an object",
    "foreground": "share of the pixels that are not background",
    "entropy": "mean entropy of the class probabilities where there is foreground, 0 = sure, 1 = knows nothing",
    "border_entropy": "the same within a pixel of the foreground's border",
    "background_entropy": "the same everywhere else",
    "merge_suspicion": "share of the objects' pixels in objects whose area is under .93 of their convex hull's",
    "contact": "share of the objects that only the fitted split holds apart",
    "part_excess": "peaks of the distance to the outline beyond the objects found, over the objects found",
    "area_excess": "objects of middle area that would fill the same area, beyond those found, over those found",
    "doubt": "mean of 1 - score of the objects",
    "weak": "objects found but below the score that is served, over those served and one",
    "edge": "share of the objects that reach the image's edge",
    "brink": "how little turns the decision's action over: 1 − the smallest of BRINKS by which counts (rounded away) "
    "and coverages would have to be more or less, 0 where none does",
}
OBJECT_NAMES = ("area_px", "width_px", "height_px", "solidity", "score", "edge")
FUNCTIONS = {"count": "names", "coverage": "names", "present": "names", "objects": " ".join(OBJECT_NAMES)}
# What `auto` weighs. Powers bring what grows without bound to a scale on which a straight line is fitting.
TERMS = (
    "num_objects ** 0.5", "mean_area_px ** 0.25", "largest ** 0.5", "foreground", "entropy", "border_entropy",
    "background_entropy", "merge_suspicion", "contact", "part_excess", "area_excess", "doubt", "weak ** 0.5", "edge",
    "brink",
)  # fmt: skip
BRINKS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7)
NEARLY_CONVEX = 0.93  # solidity of two equal discs whose centres are 1.7 radii apart


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """One image's values by the names of FEATURES, its objects' by OBJECT_NAMES, float64 (N,), and its answer."""

    values: dict[str, float]
    objects: dict[str, NDArray[np.float64]]
    answer: Answer


def rule(text: str) -> Expression:
    """The rule that a text says. Raises UsageError where it is none, or names what is not known."""
    return parse(text, tuple(FEATURES), FUNCTIONS)


def measure(
    logits: Map, served: Prediction, candidates: Objects, decision: Decision, classes: Sequence[ClassInfo], at: float
) -> Features:
    """The features of one image.

    Args:
        logits: float32 (1, K + 1, h, w), the cheap network's.
        at: probability from which a pixel is foreground (the operating point's `foreground`).
    """
    found = served.objects
    areas, convex, edge = found.areas_px.astype(np.float64), solidity(found), at_edge(found).astype(np.float64)
    num, mask, sides = len(found), union(found), np.diff(found.boxes_xyxy.reshape(-1, 2, 2), axis=1)[:, 0]
    middle = float(np.median(areas)) if num else 0.0
    whole, parts = max(num, 1), num_parts(mask)
    apart, _ = cv2.connectedComponents(mask, connectivity=8)
    sure, border, beyond = _entropies(logits, at)
    said = answer(decision, classes, found, served.class_map)
    values = {
        "num_objects": float(num),
        "mean_area_px": float(areas.mean()) if num else 0.0,
        "max_area_px": float(areas.max(initial=0)),
        "largest": float(areas.max(initial=0)) / middle if num else 0.0,
        "foreground": float(np.count_nonzero(served.class_map)) / served.class_map.size,
        "entropy": sure,
        "border_entropy": border,
        "background_entropy": beyond,
        "merge_suspicion": float(areas[convex < NEARLY_CONVEX].sum()) / max(float(areas.sum()), 1.0),
        "contact": (num - (apart - 1)) / whole,
        "part_excess": (parts - num) / whole,
        "area_excess": (float(areas.sum()) / middle - num) / whole if num else 0.0,
        "doubt": float(1 - found.scores.astype(np.float64).mean()) if num else 0.0,
        "weak": max(len(candidates) - num, 0) / (num + 1),
        "edge": float(edge.mean()) if num else 0.0,
        "brink": _brink(said, decision, classes),
    }
    width, height = sides.astype(np.float64).T
    columns = (areas, width, height, convex, found.scores.astype(np.float64), edge)
    return Features(values, dict(zip(OBJECT_NAMES, columns, strict=True)), said)


def value(told: Expression, features: Features, decision: Decision, classes: Sequence[ClassInfo]) -> float:
    """What a rule says of an image: a number, or 1 and 0 for true and false.

    Raises:
        UsageError: it names a class or zone that the decision does not have.
    """
    return float(told(_scope(features, decision, classes)))


def is_condition(told: Expression, decision: Decision, classes: Sequence[ClassInfo]) -> bool:
    """Whether a rule is true or false, and no number that asks for a threshold.

    Raises:
        UsageError: it names a class or zone that the decision does not have.
    """
    shape, nothing = (len(decision.zones) or 1, len(decision.class_ids(classes))), np.zeros(0)
    empty = Answer(np.zeros(shape, np.int64), np.zeros(shape), np.zeros(shape, bool), False)
    features = Features(dict.fromkeys(FEATURES, 0.0), dict.fromkeys(OBJECT_NAMES, nothing), empty)
    return isinstance(told(_scope(features, decision, classes)), bool | np.bool_)


def _scope(features: Features, decision: Decision, classes: Sequence[ClassInfo]) -> dict[str, Any]:
    num = len(features.objects["area_px"])

    def objects(asked: Expression) -> float:
        return float((true(asked(features.objects)) & np.ones(num, dtype=bool)).sum())

    places = tuple(decision.zones or (zones.WHOLE,))
    said = functions(decision, classes, features.answer, places, rule="trigger")
    return {**features.values, **said, "objects": objects}


def _brink(said: Answer, decision: Decision, classes: Sequence[ClassInfo]) -> float:
    """See FEATURES: where the cheap answer is close to the action's limit, a small error of it is a wrong action."""
    if not decision.action:
        return 0.0
    places = tuple(decision.zones or (zones.WHOLE,))
    for part in BRINKS:
        for by, rounded in ((1 - part, np.floor), (1 + part, np.ceil)):
            counts = rounded(said.counts * by).astype(np.int64)
            moved = Answer(counts, said.coverage * by, said.present, False)
            if acts(decision, classes, moved, places) != said.acts:
                return 1 - part
    return 0.0


def _entropies(logits: Map, at: float) -> tuple[float, float, float]:
    """Mean entropy in the foreground, at its border and beyond, each in [0, 1]; 0 where there are no such pixels."""
    named = class_probabilities(logits, (logits.shape[2], logits.shape[3]))
    total = named.sum(axis=0)
    planes = np.concatenate([1 - total[None], named]).clip(1e-7, 1)
    entropy = -(planes * np.log(planes)).sum(axis=0) / np.log(len(planes))
    inside = (total >= at).astype(np.uint8)
    square = np.ones((3, 3), dtype=np.uint8)
    border = np.asarray(cv2.dilate(inside, square) != cv2.erode(inside, square), dtype=bool)
    beyond = ~border & (inside == 0)
    means = [
        float(entropy[where].mean(dtype=np.float64)) if where.any() else 0.0 for where in (inside > 0, border, beyond)
    ]
    return means[0], means[1], means[2]
