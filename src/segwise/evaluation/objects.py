"""Objects of one image against its label: one-to-one matches by threshold, merges and splits. Class by class."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from segwise.evaluation.matching import Matrix, intersections, iou, pairs
from segwise.types import Objects

THRESHOLDS = np.linspace(0.5, 0.95, 10)  # COCO's own, so that figures agree exactly
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Counts of one image; classes 1..K are columns 0..K - 1. They add up over images.

    Attributes:
        tp, fp, fn: int64 (10, K), at IoU ≥ .5, .55 … .95.
        pq: float64 (4, K): tp, fp, fn at IoU > .5 and the summed IoU of the pairs.
        counted: int64 (2, K): objects in the label, objects predicted (those inside crowds left out).
        merged, split: int64 (K,): predictions that cover two labelled objects or more, and the reverse.
    """

    tp: Counts
    fp: Counts
    fn: Counts
    pq: NDArray[np.float64]
    counted: Counts
    merged: Counts
    split: Counts


def tally(predicted: Objects, truth: Objects, num_classes: int, shared: Counts | None = None) -> Tally:
    """Match the objects of one image, each class for itself.

    A prediction that no labelled object answers and that lies mostly in a crowd of its class is left out.
    `shared` is `intersections(predicted, truth)`, if known.
    """
    shared = intersections(predicted, truth) if shared is None else shared
    overlap = iou(predicted, truth, shared)
    columns = [_column(predicted, truth, shared, overlap, class_id) for class_id in range(1, num_classes + 1)]
    parts = {f.name: np.stack([getattr(column, f.name) for column in columns], axis=-1) for f in fields(Tally)}
    return Tally(**parts)


def _column(predicted: Objects, truth: Objects, shared: Counts, overlap: Matrix, class_id: int) -> Tally:
    """The tally of one class, without the axis of classes."""
    mine = np.flatnonzero(predicted.class_ids == class_id)
    theirs = np.flatnonzero((truth.class_ids == class_id) & ~truth.is_crowd)
    crowds = np.flatnonzero((truth.class_ids == class_id) & truth.is_crowd)
    table = overlap[np.ix_(mine, theirs)]
    in_crowd = np.asarray(np.any(overlap[np.ix_(mine, crowds)] > 0.5, axis=1), dtype=bool)

    def unanswered(hit: Counts) -> int:
        return int(mine.size - hit.size - np.count_nonzero(in_crowd) + np.count_nonzero(in_crowd[hit]))

    hits = _hits(table)
    tp, fp = np.array([hit.size for hit in hits]), np.array([unanswered(hit) for hit in hits])
    rows, columns = pairs(table, 0.5, strict=True)
    pq = np.array([rows.size, unanswered(rows), theirs.size - rows.size, table[rows, columns].sum()], dtype=np.float64)
    merged, split = _merges_and_splits(shared[np.ix_(mine, theirs)], predicted, truth, mine, theirs)
    counted = np.array([theirs.size, tp[0] + fp[0]])
    return Tally(tp, fp, theirs.size - tp, pq, counted, np.array(merged), np.array(split))


def _hits(table: Matrix) -> list[Counts]:
    """The rows that are matched, by threshold."""
    rows, columns = np.nonzero(table >= THRESHOLDS[0])
    if np.unique(rows).size == rows.size and np.unique(columns).size == columns.size:  # no choice, then none above
        return [rows[table[rows, columns] >= threshold] for threshold in THRESHOLDS]
    return [pairs(table, float(threshold))[0] for threshold in THRESHOLDS]


def _merges_and_splits(
    shared: Counts, predicted: Objects, truth: Objects, mine: Counts, theirs: Counts
) -> tuple[int, int]:
    """Predictions that hold most of two labelled objects or more, and the reverse."""
    covers = shared > 0.5 * truth.areas_px[theirs][None, :]
    lies_in = shared > 0.5 * predicted.areas_px[mine][:, None]
    return int((covers.sum(axis=1) >= 2).sum()), int((lies_in.sum(axis=0) >= 2).sum())


def f1(tp: float, fp: float, fn: float) -> float:
    """2 TP / (2 TP + FP + FN); NaN where there is nothing to find and nothing was found."""
    total = 2 * tp + fp + fn
    return float(2 * tp / total) if total else float("nan")


def dsb(tp: Counts, fp: Counts, fn: Counts) -> float:
    """Mean over the thresholds of TP / (TP + FP + FN), summed over the data set first; counts are (10,)."""
    total = (tp + fp + fn).astype(np.float64)
    return float(np.mean(tp / total)) if (total > 0).all() else float("nan")


def panoptic_quality(pq: NDArray[np.float64]) -> tuple[float, float, float]:
    """PQ = SQ × RQ of one class, from tp, fp, fn and the summed IoU, float64 (4,). NaN where undefined."""
    tp, fp, fn, summed = (float(v) for v in pq)
    if tp + fp + fn == 0:
        return float("nan"), float("nan"), float("nan")
    recognised = tp / (tp + 0.5 * fp + 0.5 * fn)
    segmented = summed / tp if tp else 0.0
    return segmented * recognised, segmented, recognised
