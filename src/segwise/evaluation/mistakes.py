"""What is wrong with each object: a wrong class, a wrong division, a poor outline, missed or invented.

Every labelled object that no prediction answers (at IoU .5, class by class) and every prediction that answers none is
one mistake of exactly one kind, so that the kinds add up to false negatives + false positives. As shares of 2 TP + FP
+ FN they add up to 1 − F1. In the manner of TIDE (Bolya et al., ECCV 2020), with division as a kind of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segwise.evaluation.matching import Matrix, pairs
from segwise.types import Objects

Fates = NDArray[np.int8]
RIGHT, CLASS, SPLITTING, OUTLINE, MISSED, INVENTED = range(6)
KINDS = ("class", "splitting", "outline", "missed", "invented")  # in the order of the numbers above, from CLASS on
BESIDE = -1  # a prediction in a crowd: neither right nor wrong
FOUND, TOUCHED = 0.5, 0.1  # IoU of the same object, and of one that is hardly the same (TIDE's)


@dataclass(frozen=True, slots=True, eq=False)
class ObjectRows:
    """The countable objects of one image, one row each: labelled ones first, then those predicted.

    Attributes:
        is_predicted: bool (R,). class_ids: int64 (R,), 1..K. areas_px: int64 (R,). scores: float64 (R,), 1 for labels.
        fates: int8 (R,), RIGHT or the kind of mistake.
    """

    is_predicted: NDArray[np.bool_]
    class_ids: NDArray[np.int64]
    areas_px: NDArray[np.int64]
    scores: NDArray[np.float64]
    fates: Fates

    def of_kinds(self, num_classes: int) -> NDArray[np.int64]:
        """Mistakes by kind and class, int64 (5, K)."""
        wrong = self.fates > RIGHT
        cells = (self.fates[wrong].astype(np.int64) - 1) * num_classes + self.class_ids[wrong] - 1
        return np.bincount(cells, minlength=len(KINDS) * num_classes).reshape(len(KINDS), num_classes)


def object_rows(
    predicted: Objects, truth: Objects, shared: NDArray[np.int64], overlap: Matrix, things: NDArray[np.int64]
) -> ObjectRows:
    """The objects of classes `things` with their fates; crowds, and predictions in them, have no row.

    Args:
        shared, overlap: `matching.intersections` and `matching.iou` of predicted and truth, (N, M).
    """
    mine = np.flatnonzero(np.isin(predicted.class_ids, things))
    theirs = np.flatnonzero(np.isin(truth.class_ids, things) & ~truth.is_crowd)
    found, real = predicted.select(mine), truth.select(theirs)
    table = np.ix_(mine, theirs)
    ours, labels = fates(found, real, shared[table], overlap[table])
    crowds = np.flatnonzero(truth.is_crowd)
    same = predicted.class_ids[mine][:, None] == truth.class_ids[crowds][None, :]
    in_crowd = np.any(same & (overlap[np.ix_(mine, crowds)] > FOUND), axis=1)
    ours[in_crowd & (ours != RIGHT)] = BESIDE
    kept = ours != BESIDE
    is_predicted = np.repeat([False, True], [len(real), int(kept.sum())])
    return ObjectRows(
        is_predicted,
        np.concatenate([real.class_ids, found.class_ids[kept]]),
        np.concatenate([real.areas_px, found.areas_px[kept]]),
        np.concatenate([real.scores, found.scores[kept]]).astype(np.float64),
        np.concatenate([labels, ours[kept]]),
    )


def fates(predicted: Objects, truth: Objects, shared: NDArray[np.int64], overlap: Matrix) -> tuple[Fates, Fates]:
    """The fate of each prediction, int8 (N,), and of each labelled object, int8 (M,); no crowds among them.

    In this order, each object taking the first that fits:
    right: paired one to one at IoU .5 within its class.
    class: paired so with one of another class.
    splitting: a labelled object that a merged prediction covers, or that is cut into pieces; a merged prediction, or a
        piece. Merged covers most of two labelled objects of its class or more; an object is cut where most of two
        predictions of its class or more lies in it (so does a double).
    outline: paired one to one within its class at IoU .1.
    missed, invented: the rest.
    """
    same = predicted.class_ids[:, None] == truth.class_ids[None, :]
    ours = np.full(len(predicted), INVENTED, dtype=np.int8)
    labels = np.full(len(truth), MISSED, dtype=np.int8)

    def pair(allowed: Matrix, threshold: float, fate: int) -> None:
        rows, columns = np.flatnonzero(ours == INVENTED), np.flatnonzero(labels == MISSED)
        first, second = pairs(allowed[np.ix_(rows, columns)], threshold)
        ours[rows[first]] = labels[columns[second]] = fate

    pair(overlap * same, FOUND, RIGHT)
    pair(overlap, FOUND, CLASS)
    _divide(same, shared, predicted.areas_px, truth.areas_px, ours, labels)
    pair(overlap * same, TOUCHED, OUTLINE)
    return ours, labels


def _divide(
    same: NDArray[np.bool_],
    shared: NDArray[np.int64],
    areas: NDArray[np.int64],
    true_areas: NDArray[np.int64],
    ours: Fates,
    labels: Fates,
) -> None:
    """Write SPLITTING where it is the fate."""
    covers, lies_in = same & (shared > 0.5 * true_areas[None, :]), same & (shared > 0.5 * areas[:, None])
    merged, cut = covers.sum(axis=1) >= 2, lies_in.sum(axis=0) >= 2
    labels[(labels == MISSED) & (cut | covers[merged].any(axis=0))] = SPLITTING
    ours[(ours == INVENTED) & (merged | lies_in[:, cut].any(axis=1))] = SPLITTING
