"""One image measured: everything that the data set's figures are sums of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from segwise.decision.answers import Answer
from segwise.decision.params import Decision
from segwise.evaluation.asked import of_label, of_prediction
from segwise.evaluation.boundary import TOLERANCE, boundary_counts
from segwise.evaluation.matching import Matrix, intersections, iou
from segwise.evaluation.mistakes import ObjectRows, object_rows
from segwise.evaluation.objects import Tally, tally
from segwise.evaluation.pixels import confusion
from segwise.evaluation.precision import Detections, detections
from segwise.types import ClassInfo, ClassMap, Objects, Prediction

Reply = tuple[Answer, Answer, NDArray[np.int64]]


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One image's sums.

    Attributes:
        group: images that are not independent share it.
        size: (H, W), pixels.
        attributes: what the image is sliced by, such as modality.
        pixels: int64 (K + 1, K + 1), true by predicted class.
        boundary: int64 (4, K), see `boundary_counts`.
        tally: of the countable classes; 0 of regions.
        rows: the countable objects, each with what is wrong with it.
        detections: by class, for average precision.
        asked: by decision the label's answer, the prediction's, and tp, fp, fn.
        escalated: whether a cascade asked its instance model.
    """

    file_name: str
    group: str
    size: tuple[int, int]
    pixels: NDArray[np.int64]
    boundary: NDArray[np.int64]
    tally: Tally
    rows: ObjectRows
    detections: tuple[Detections, ...]
    attributes: dict[str, str] = field(default_factory=dict)
    asked: dict[str, Reply] = field(default_factory=dict)
    escalated: bool = False


def measure(
    file_name: str,
    served: Prediction,
    candidates: Objects,
    truth: Objects,
    truth_map: ClassMap,
    classes: int | Sequence[ClassInfo],
    *,
    group: str | None = None,
    attributes: dict[str, str] | None = None,
    decisions: Mapping[str, Decision] | None = None,
    boundary_tolerance: float = TOLERANCE,
) -> Measured:
    """Measure one image.

    Pixels, matches and counts are of what is served; average precision, a figure about ranking, is of all candidates.

    Args:
        classes: of the data; a number K stands for K countable ones.
        decisions: what is asked of the image, by name.
    """
    if isinstance(classes, int):
        classes = [ClassInfo(k, str(k), True) for k in range(1, classes + 1)]
    things = np.array([c.id for c in classes if c.isthing], dtype=np.int64)
    shared = intersections(served.objects, truth)
    overlap = iou(served.objects, truth, shared)
    return Measured(
        file_name,
        file_name if group is None else group,
        truth.size,
        confusion(truth_map, served.class_map, len(classes)),
        boundary_counts(truth_map, served.class_map, len(classes), boundary_tolerance),
        _tally(served.objects, truth, shared, things, len(classes)),
        object_rows(served.objects, truth, shared, overlap, things),
        tuple(detections(candidates, truth, c.id) for c in classes),
        dict(attributes or {}),
        {name: _reply(d, classes, served, truth, truth_map, overlap) for name, d in (decisions or {}).items()},
        served.escalated,
    )


def _tally(
    served: Objects, truth: Objects, shared: NDArray[np.int64], things: NDArray[np.int64], num_classes: int
) -> Tally:
    """The tally of the countable objects: a region is labelled as an object too, but nobody counts it."""
    ours, theirs = (np.flatnonzero(np.isin(objects.class_ids, things)) for objects in (served, truth))
    return tally(served.select(ours), truth.select(theirs), num_classes, shared[np.ix_(ours, theirs)])


def _reply(
    decision: Decision,
    classes: Sequence[ClassInfo],
    served: Prediction,
    truth: Objects,
    truth_map: ClassMap,
    overlap: Matrix,
) -> Reply:
    label = of_label(decision, classes, truth, truth_map)
    return label, *of_prediction(decision, classes, served, truth, truth_map, overlap)
