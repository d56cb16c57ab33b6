"""What one image's predictions are worth: the decisions' answers, and counts of objects and pixels. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segwise.advice.ceilings.labelled import Labelled
from segwise.decision.answers import Answer
from segwise.decision.params import Decision
from segwise.evaluation.asked import of_label, of_prediction
from segwise.evaluation.matching import Matrix, intersections, iou, pairs
from segwise.evaluation.pixels import confusion
from segwise.types import ClassMap, Objects, Prediction

Ints = NDArray[np.int64]
SUMS = ("tp", "fp", "fn", "merged", "split", "truth")


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """One prediction of one image.

    Attributes:
        answers: by decision: the prediction's answer, and tp, fp, fn of its single objects, int64 (3,).
        sums: int64 (6,), see SUMS: objects matched at IoU 0.5, invented, missed; labelled ones that share a prediction
            with another one; labelled ones that several predictions share; labelled ones.
        counted: int64 (2, K): labelled and predicted objects by class.
        pixels: int64 (K + 1, K + 1), true by predicted class.
        holder: int64 (N,), of each labelled object the prediction that agrees with it most, −1 = none touches it.
        is_missed, is_merged, is_split: bool (N,), the labelled objects that `sums` counts.
    """

    answers: dict[str, tuple[Answer, Ints]]
    sums: Ints
    counted: Ints
    pixels: Ints
    holder: Ints
    is_missed: NDArray[np.bool_]
    is_merged: NDArray[np.bool_]
    is_split: NDArray[np.bool_]


def of_labels(labels: Labelled, decisions: Mapping[str, Decision], truth_map: ClassMap) -> dict[str, Answer]:
    """The labels' own answers by decision, where `truth_map` says anything."""
    return {name: of_label(d, labels.classes, labels.truth, truth_map) for name, d in decisions.items()}


def score(
    labels: Labelled,
    predictions: Sequence[Prediction],
    decisions: Mapping[str, Decision],
    truth_map: ClassMap | None = None,
) -> list[Scored]:
    """Score predictions, each distinct one once. `truth_map`: other than the labels' own, to ignore more pixels."""
    truth_map = labels.truth_map if truth_map is None else truth_map
    done: dict[int, Scored] = {}
    pixels: dict[int, Ints] = {}
    for found in predictions:
        if id(found) not in done:
            if id(found.class_map) not in pixels:
                pixels[id(found.class_map)] = confusion(truth_map, found.class_map, len(labels.classes))
            done[id(found)] = _scored(labels, found, decisions, truth_map, pixels[id(found.class_map)])
    return [done[id(found)] for found in predictions]


def _scored(
    labels: Labelled, found: Prediction, decisions: Mapping[str, Decision], truth_map: ClassMap, pixels: Ints
) -> Scored:
    truth = labels.truth
    shared = _shared(found.objects, truth)
    overlap = iou(found.objects, truth, shared)
    said = {
        name: of_prediction(decision, labels.classes, found, truth, truth_map, overlap)
        for name, decision in decisions.items()
    }
    is_thing = np.isin(truth.class_ids, labels.thing_ids) & ~truth.is_crowd
    table, areas = overlap[:, is_thing], truth.areas_px[is_thing]
    missed, merged, split = _states(shared[:, is_thing], table, found.objects.areas_px, areas)
    hits = areas.size - np.count_nonzero(missed)
    states = (np.count_nonzero(flags) for flags in (missed, merged, split))
    sums = np.array([hits, len(found.objects) - hits, *states, areas.size], dtype=np.int64)
    sides = (truth.class_ids[is_thing], found.objects.class_ids)
    counted = np.stack([np.bincount(ids, minlength=len(labels.classes) + 1)[1:] for ids in sides])
    return Scored(said, sums, counted, pixels, _holders(table), missed, merged, split)


def _shared(found: Objects, truth: Objects) -> Ints:
    """Pixels that each pair of one class shares, int64 (N, M); 0 between classes."""
    out = np.zeros((len(found), len(truth)), dtype=np.int64)
    for class_id in np.intersect1d(found.class_ids, truth.class_ids):
        rows, columns = np.flatnonzero(found.class_ids == class_id), np.flatnonzero(truth.class_ids == class_id)
        out[np.ix_(rows, columns)] = intersections(found.select(rows), truth.select(columns))
    return out


def _states(
    shared: Ints, overlap: Matrix, found_px: Ints, areas_px: Ints
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Which labelled objects are missed, merged and split; `shared` and `overlap` (N, M) are 0 between classes."""
    missed = np.ones(areas_px.size, dtype=bool)
    missed[pairs(overlap, 0.5)[1]] = False
    covers = shared > 0.5 * areas_px[None, :]
    lies_in = shared > 0.5 * found_px[:, None]
    return missed, covers[covers.sum(axis=1) >= 2].any(axis=0), lies_in.sum(axis=0) >= 2


def _holders(overlap: Matrix) -> Ints:
    if not overlap.size:
        return np.full(overlap.shape[1], -1, dtype=np.int64)
    return np.where(overlap.max(axis=0) > 0, overlap.argmax(axis=0), -1).astype(np.int64)
