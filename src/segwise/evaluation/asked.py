"""What a decision is told by the label and by the prediction of one image, asked alike. Pure.

Beside a label that says nothing about some pixels or objects, the prediction is not asked about them either: ignored
pixels are covered by nobody, and what is predicted in a crowd counts as little as the crowd.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segwise.decision.answers import Answer, answer, asked_for
from segwise.decision.params import Decision
from segwise.evaluation.matching import Matrix, iou, pairs
from segwise.types import IGNORE_INDEX, ClassInfo, ClassMap, Objects, Prediction

IN_CROWD = 0.5  # share of a prediction in a crowd above which it counts no more than the crowd


def asked(
    decision: Decision, classes: Sequence[ClassInfo], predicted: Prediction, truth: Objects, truth_map: ClassMap
) -> tuple[Answer, Answer, NDArray[np.int64]]:
    """The label's answer, the prediction's, and tp, fp, fn of the decision's single objects, int64 (3,).

    Args:
        truth: the labelled objects, crowds included (regions may be among them).
        truth_map: uint8 (H, W), IGNORE_INDEX where the label says nothing.
    """
    label = of_label(decision, classes, truth, truth_map)
    return label, *of_prediction(decision, classes, predicted, truth, truth_map)


def of_label(decision: Decision, classes: Sequence[ClassInfo], truth: Objects, truth_map: ClassMap) -> Answer:
    """The label's answer: see `asked`."""
    return answer(decision, classes, truth.select(~truth.is_crowd), truth_map, truth_map != IGNORE_INDEX)


def of_prediction(
    decision: Decision,
    classes: Sequence[ClassInfo],
    predicted: Prediction,
    truth: Objects,
    truth_map: ClassMap,
    overlap: Matrix | None = None,
) -> tuple[Answer, NDArray[np.int64]]:
    """The prediction's answer, and the matches: see `asked`. `overlap` is `iou(predicted.objects, truth)`, if known."""
    table = iou(predicted.objects, truth) if overlap is None else overlap
    same = predicted.objects.class_ids[:, None] == truth.class_ids[None, :]
    kept = counted(table * same, truth.is_crowd)
    objects = predicted.objects.select(kept)
    said = answer(decision, classes, objects, predicted.class_map, truth_map != IGNORE_INDEX)
    ids = decision.class_ids(classes)
    return said, _matches(decision, (table * same)[kept], objects, truth, np.isin(truth.class_ids, ids), ids)


def counted(overlap: Matrix, is_crowd: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The predictions that count, bool (N,): all but those in a crowd that no labelled object answers.

    Args:
        overlap: IoU with the M labelled objects (with crowds: the share that lies in it), 0 between classes, (N, M).
    """
    kept: NDArray[np.bool_] = np.all(overlap[:, is_crowd] <= IN_CROWD, axis=1)
    if not kept.all():
        kept[pairs(overlap[:, ~is_crowd], 0.5)[0]] = True
    return kept


def _matches(
    decision: Decision,
    overlap: Matrix,
    predicted: Objects,
    truth: Objects,
    of_decision: NDArray[np.bool_],
    ids: Sequence[int],
) -> NDArray[np.int64]:
    """tp, fp, fn. As in COCO, a prediction that answers an object that is not asked for is no mistake."""
    labelled = of_decision & ~truth.is_crowd
    wanted = labelled & asked_for(decision, truth)
    hits, _ = pairs(overlap[:, wanted], decision.tolerance.iou)
    beside = np.any(overlap[:, labelled & ~wanted] >= decision.tolerance.iou, axis=1)
    wrong = np.isin(predicted.class_ids, ids) & asked_for(decision, predicted) & ~beside
    wrong[hits] = False
    return np.array([hits.size, np.count_nonzero(wrong), np.count_nonzero(wanted) - hits.size], dtype=np.int64)
