"""Instance at its best: each labelled mask as a model of given mask head and output cap can return it. Pure."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from segwise.advice.ceilings.labelled import Labelled
from segwise.advice.ceilings.params import CeilingParams
from segwise.predict.instance import paint, paste
from segwise.types import Mask, Objects, Prediction

WORDS = "every mask at the resolution of the mask head, under the output cap and the suppression of overlapping boxes"
Point = dict[str, float]
POINTS: tuple[Point, ...] = ({},)


def predictions(labels: Labelled, params: CeilingParams) -> list[Prediction]:
    """What it answers: one prediction. The class map is painted from its masks, as a model's is: regions are in none.

    The operating point's `max_overlap` takes nothing away here: calibration may set it to 1, where it keeps all.
    """
    kept = answered(labels, params)[: params.max_objects]
    found = redrawn(labels.things.select(kept), params.mask_side)
    return [Prediction(paint(found), found)]


def answered(labels: Labelled, params: CeilingParams) -> NDArray[np.int64]:
    """The objects that suppression leaves, most visible pixels first, int64 (M,); the output cap cuts their end.

    A detector is surest of what it sees most of; of those of equal visibility the first in the label file stays.
    """
    things = labels.things
    visible = np.bincount(labels.owner.ravel(), minlength=len(things) + 1)[1:]
    order = np.lexsort((np.arange(len(things)), -visible))
    return order[_unsuppressed(things.select(order), params.max_overlap)]


def _unsuppressed(things: Objects, max_overlap: float) -> NDArray[np.int64]:
    """Greedy suppression of boxes of one class, the better first: the places of those that stay."""
    overlap = box_iou(things.boxes_xyxy) * (things.class_ids[:, None] == things.class_ids[None])
    is_above = np.triu(overlap > max_overlap, k=1)
    keep = np.ones(len(things), dtype=bool)
    for index in np.flatnonzero(is_above.any(axis=1)):
        if keep[index]:
            keep &= ~is_above[index]
    return np.flatnonzero(keep)


def box_iou(boxes: NDArray[np.int32]) -> NDArray[np.float64]:
    """IoU of each pair of boxes xyxy (N, 4), float64 (N, N)."""
    wide = boxes.astype(np.float64)
    low, high = np.maximum(wide[:, None, :2], wide[None, :, :2]), np.minimum(wide[:, None, 2:], wide[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    area = np.prod(wide[:, 2:] - wide[:, :2], axis=1)
    return np.asarray(shared / (area[:, None] + area[None] - shared), dtype=np.float64)


def redrawn(things: Objects, side: int) -> Objects:
    """The objects with masks that went through side × side cells of their boxes; what vanishes is dropped."""
    boxes, crops, kept = [], [], []
    for index, (box, crop) in enumerate(zip(things.boxes_xyxy, things.crops, strict=True)):
        window, drawn = paste(_cells(crop, side), box.astype(np.float32), things.size, 0.5)
        if drawn.size:
            boxes.append(window)
            crops.append(drawn)
            kept.append(index)
    return Objects(
        things.size, things.class_ids[kept], things.scores[kept], np.array(boxes, np.int32).reshape(-1, 4),
        tuple(crops), np.zeros(len(kept), dtype=bool),
    )  # fmt: skip


def _cells(crop: Mask, side: int) -> NDArray[np.float32]:
    """The share of each cell that the mask covers, float32 (side, side); bilinear where cells are finer than pixels."""
    height, width = crop.shape
    along_x, along_y = (cv2.INTER_AREA if length >= side else cv2.INTER_LINEAR for length in (width, height))
    narrow = cv2.resize(crop.astype(np.float32), (side, height), interpolation=along_x)
    return np.asarray(cv2.resize(narrow, (side, side), interpolation=along_y), dtype=np.float32)
