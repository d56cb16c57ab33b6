"""Every labelled object of an image followed to the prediction that answers it, and every prediction to its label.

Outcomes are those of `evaluation.mistakes`: right, class, splitting, outline, missed, invented. Pure.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwise.evaluation.matching import Matrix, intersections, iou, pairs
from segwise.evaluation.mistakes import FOUND, KINDS, RIGHT, fates
from segwise.evaluation.objects import f1
from segwise.types import ClassInfo, Objects

OUTCOMES = ("right", *KINDS)
IN_CROWD = "in a crowd"  # a prediction that the figures leave out


@dataclass(frozen=True, slots=True)
class Row:
    """One object. `of`: "label" or "prediction"; predictions that answer a label stand in that label's row alone.

    Attributes:
        label_id: the annotation's id in the label file; None for a prediction.
        prediction_id: number of the prediction in the model's answer, from 1, best score first: the one that answers
            the label, else the one that overlaps it most; None where none does.
        outcome: see the module. iou: of the two, None without both.
        touches: of a label, whether it touches another labelled object (neighbouring pixels, diagonals too).
    """

    image: str
    of: str
    label_id: int | None
    prediction_id: int | None
    class_name: str
    outcome: str
    iou: float | None
    score: float | None
    label_area_px: int | None
    prediction_area_px: int | None
    touches: bool | None


def of_image(
    image: str, predicted: Objects, truth: Objects, label_ids: Sequence[int], classes: Sequence[ClassInfo]
) -> list[Row]:
    """The countable objects of one image: labels in the label file's order, then the predictions that answer none.

    Args:
        label_ids: ids of `truth`'s objects, crowds among them; crowds have no row.
    """
    things = [c.id for c in classes if c.isthing]
    names = {c.id: c.name for c in classes}
    mine = np.flatnonzero(np.isin(predicted.class_ids, things))
    theirs = np.flatnonzero(np.isin(truth.class_ids, things) & ~truth.is_crowd)
    found, real = predicted.select(mine), truth.select(theirs)
    shared = intersections(found, real)
    overlap = iou(found, real, shared)
    ours, labels = fates(found, real, shared, overlap)
    answers = _answers(found, real, overlap)
    touching = touches(real)
    crowded = _in_crowds(found, truth.select(np.flatnonzero(truth.is_crowd)))

    def label(index: int) -> Row:
        partner = answers.get(index)
        partner = _nearest(overlap[:, index]) if partner is None else partner
        return Row(
            image, "label", int(label_ids[theirs[index]]), None if partner is None else int(mine[partner]) + 1,
            names[int(real.class_ids[index])], OUTCOMES[labels[index]],
            None if partner is None else round(float(overlap[partner, index]), 6),
            None if partner is None else round(float(found.scores[partner]), 6),
            int(real.areas_px[index]), None if partner is None else int(found.areas_px[partner]),
            bool(touching[index]),
        )  # fmt: skip

    def prediction(index: int) -> Row:
        outcome = IN_CROWD if crowded[index] else OUTCOMES[ours[index]]
        return Row(
            image, "prediction", None, int(mine[index]) + 1, names[int(found.class_ids[index])], outcome, None,
            round(float(found.scores[index]), 6), None, int(found.areas_px[index]), None,
        )  # fmt: skip

    unanswering = (index for index in range(len(found)) if ours[index] != RIGHT)
    return [*(label(i) for i in range(len(real))), *(prediction(i) for i in unanswering)]


def _answers(found: Objects, real: Objects, overlap: Matrix) -> dict[int, int]:
    """The prediction that answers each label that is right: the first pairing of `fates`."""
    same = found.class_ids[:, None] == real.class_ids[None, :]
    rows, columns = pairs(overlap * same, FOUND)
    return dict(zip(columns.tolist(), rows.tolist(), strict=True))


def _nearest(column: NDArray[np.float64]) -> int | None:
    return int(column.argmax()) if column.size and column.max() > 0 else None


def _in_crowds(found: Objects, crowds: Objects) -> NDArray[np.bool_]:
    same = found.class_ids[:, None] == crowds.class_ids[None, :]
    return np.asarray(np.any((iou(found, crowds) > FOUND) & same, axis=1), dtype=bool)


def touches(objects: Objects) -> NDArray[np.bool_]:
    """Which objects touch or overlap another one (8-neighbourhood), bool (N,)."""
    out = np.zeros(len(objects), dtype=bool)
    owner = np.full((objects.size[0] + 2, objects.size[1] + 2), -1, dtype=np.int64)
    for index, ((x0, y0, x1, y1), crop) in enumerate(zip(objects.boxes_xyxy, objects.crops, strict=True)):
        here = owner[y0 + 1 : y1 + 1, x0 + 1 : x1 + 1]
        below = np.unique(here[crop])
        out[below[below >= 0]] = True
        out[index] |= bool((below >= 0).any())
        here[crop] = index
    inner = owner[1:-1, 1:-1]
    for step_y, step_x in ((0, 1), (1, -1), (1, 0), (1, 1)):
        height, width = inner.shape
        other = owner[1 + step_y : 1 + step_y + height, 1 + step_x : 1 + step_x + width]
        meet = (inner >= 0) & (other >= 0) & (inner != other)
        out[np.unique(inner[meet])] = True
        out[np.unique(other[meet])] = True
    return out


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Counts by outcome, F1 over all, and how many of the touching objects have a prediction of their own."""
    labels = [row for row in rows if row.of == "label"]
    others = [row for row in rows if row.of == "prediction" and row.outcome != IN_CROWD]
    right = sum(row.outcome == "right" for row in labels)
    close = [row for row in labels if row.touches]
    score = f1(right, len(others), len(labels) - right)
    return {
        "num_labels": len(labels),
        "labels": _counts(labels),
        "num_predictions": right + len(others),
        "unanswering": _counts(others),
        "num_in_crowds": sum(row.outcome == IN_CROWD for row in rows),
        "f1": None if score != score else round(score, 6),
        "num_touching": len(close),
        "num_touching_right": sum(row.outcome == "right" for row in close),
    }


def _counts(rows: Iterable[Row]) -> dict[str, int]:
    found = Counter(row.outcome for row in rows)
    return {outcome: found[outcome] for outcome in OUTCOMES if found[outcome]}


def as_csv(rows: Iterable[Row]) -> str:
    """One line per row under a header, RFC 4180 with plain newlines; empty where there is none."""
    out = io.StringIO()
    names = [field.name for field in fields(Row)]
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        values = asdict(row)
        writer.writerow({**values, "touches": {None: "", True: "yes", False: "no"}[row.touches]})
    return out.getvalue()
