"""Instance: one mask per detected object, overlaps allowed; the class map is painted from them,
of two objects the smaller one on top, as labels are.

Outputs read, boxes already in image pixels (the Predictor rescales them): `boxes` float32 (N, 4) xyxy,
`labels` int64 (N,), `scores` float32 (N,), `masks` float32 (N, m, m), probabilities inside the box; optionally
`mask_shift` float32 (2,), x and y in image pixels: how far the masks lie from their boxes (see MASK_SHIFT_PX).
The score of an object is the network's times `sureness`, how clear its mask is.
Operating point:
    min_score     objects below it are not served, 0..1
    mask          probability from which a pixel belongs to the mask, 0..1
    max_overlap   an object is dropped when more of it lies under better ones of its class, or when its IoU with a
                  better one of another class is larger, 0..1 (1 keeps all)
    min_area_px   smaller objects are dropped, image pixels
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from segwise.spec import ModelSpec
from segwise.types import ClassMap, Mask, Objects, Prediction

CANDIDATE_SCORE = 0.05  # what the field evaluates AP over
# of a model folder that does not say `mask_shift_px`: torchvision cuts training masks with roi_align(aligned=False),
# which takes a pixel's index for its centre: what Mask R-CNN learns lies this many network-input pixels up and left of
# the box, on both axes
MASK_SHIFT_PX = 0.5
POINT_DEFAULTS: dict[str, float] = {"min_score": 0.5, "mask": 0.5, "max_overlap": 0.7, "min_area_px": 8.0}
POINT_GRID: dict[str, tuple[float, ...]] = {
    "min_score": (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8),
    "mask": (0.35, 0.4, 0.45, 0.5, 0.55, 0.6),
    "max_overlap": (0.3, 0.5, 0.7, 1.0),
    "min_area_px": (4.0, 8.0, 16.0, 32.0),
}


def decode(
    outputs: dict[str, NDArray[Any]],
    size: tuple[int, int],
    spec: ModelSpec,  # noqa: ARG001  # the siblings share one signature; class ids come from the network here
    point: dict[str, float],
    *,
    candidates: bool = False,
) -> Prediction:
    """The prediction for an image of `size` (H, W); `candidates` keeps all down to CANDIDATE_SCORE, overlapping too."""
    floor = CANDIDATE_SCORE if candidates else max(point["min_score"], CANDIDATE_SCORE)
    scores = np.clip(outputs["scores"], 0, 1).astype(np.float32, copy=False) * sureness(outputs["masks"])
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] >= floor]
    frames = outputs["boxes"] + np.tile(outputs.get("mask_shift", np.zeros(2, np.float32)), 2)
    boxes, crops, kept = [], [], []
    for index in order:
        window, crop = paste(outputs["masks"][index], frames[index], size, point["mask"])
        if np.count_nonzero(crop) >= max(point["min_area_px"], 1):
            boxes.append(window)
            crops.append(crop)
            kept.append(index)
    objects = Objects(
        size, outputs["labels"][kept].astype(np.int64), scores[kept], np.array(boxes, np.int32).reshape(-1, 4),
        tuple(crops), np.zeros(len(kept), dtype=bool),
    )  # fmt: skip
    if not candidates:
        objects = without_covered(objects, point["max_overlap"])
    return Prediction(paint(objects), objects)


def sureness(masks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean probability of the cells inside each mask (N, m, m), those of 0.5 and more: float32 (N,), 0 for none.

    A score times this ranks objects by box and mask (the "maskness" of SOLO, Wang et al. 2020).
    """
    inside = masks >= 0.5
    sums, counts = np.where(inside, masks, 0).sum(axis=(1, 2)), np.count_nonzero(inside, axis=(1, 2))
    return np.asarray(sums / np.maximum(counts, 1), dtype=np.float32)


def paste(
    mask: NDArray[np.float32], box_xyxy: NDArray[np.float32], size: tuple[int, int], threshold: float
) -> tuple[tuple[int, int, int, int], Mask]:
    """A box-sized mask (m, m) sampled bilinearly at the image's pixel centres: its tight box and crop.

    Sub-pixel exact (no rounding of the box first): it matters for objects of ten pixels.
    """
    x0, y0, x1, y1 = (float(v) for v in box_xyxy)
    cells_y, cells_x = mask.shape
    step_x, step_y = max(x1 - x0, 1e-3) / cells_x, max(y1 - y0, 1e-3) / cells_y
    left, top = max(int(np.floor(x0 - step_x)), 0), max(int(np.floor(y0 - step_y)), 0)
    right, bottom = min(int(np.ceil(x1 + step_x)), size[1]), min(int(np.ceil(y1 + step_y)), size[0])
    if right <= left or bottom <= top:
        return (0, 0, 0, 0), np.zeros((0, 0), dtype=bool)
    inverse = np.array(
        [[1 / step_x, 0, (left + 0.5 - x0) / step_x - 0.5], [0, 1 / step_y, (top + 0.5 - y0) / step_y - 0.5]]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    values = cv2.warpAffine(mask.astype(np.float32, copy=False), inverse, (right - left, bottom - top), flags=flags)
    return _tight(values >= threshold, left, top)


def _tight(crop: Mask, left: int, top: int) -> tuple[tuple[int, int, int, int], Mask]:
    rows, columns = np.flatnonzero(crop.any(axis=1)), np.flatnonzero(crop.any(axis=0))
    if not rows.size:
        return (0, 0, 0, 0), np.zeros((0, 0), dtype=bool)
    y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    return (left + x0, top + y0, left + x1, top + y1), np.ascontiguousarray(crop[y0:y1, x0:x1])


def without_covered(objects: Objects, max_overlap: float) -> Objects:
    """Drop what better objects (those given earlier) have answered already.

    Of the same class: an object of which more than `max_overlap` lies under them. Of another class: one whose IoU with
    one of them is larger than `max_overlap`, for it is the same thing by two names; a window in a facade is not.
    """
    if max_overlap >= 1:
        return objects
    taken = {int(c): np.zeros(objects.size, dtype=bool) for c in np.unique(objects.class_ids)}
    keep: list[int] = []
    areas = objects.areas_px
    for index, (box, crop) in enumerate(zip(objects.boxes_xyxy, objects.crops, strict=True)):
        x0, y0, x1, y1 = box
        window = taken[int(objects.class_ids[index])][y0:y1, x0:x1]
        if np.count_nonzero(window & crop) > max_overlap * areas[index]:
            continue
        others = [i for i in keep if objects.class_ids[i] != objects.class_ids[index]]
        near = _near(objects, areas, others, index, max_overlap)
        if any(_iou(objects, areas, i, index) > max_overlap for i in near):
            continue
        window |= crop
        keep.append(index)
    return objects.select(np.array(keep, dtype=np.int64))


def _near(objects: Objects, areas: NDArray[np.int64], others: list[int], index: int, least: float) -> list[int]:
    """Those of `others` whose box overlaps that of `index` so much that their IoU may exceed `least`."""
    if not others:
        return []
    boxes, mine = objects.boxes_xyxy[others], objects.boxes_xyxy[index]
    sides = np.minimum(boxes[:, 2:], mine[2:]) - np.maximum(boxes[:, :2], mine[:2])
    shared = np.maximum(sides, 0).prod(axis=1)  # of the boxes: at least what the masks share
    return [i for i, most in zip(others, shared, strict=True) if most > least * max(areas[i], areas[index])]


def _iou(objects: Objects, areas: NDArray[np.int64], a: int, b: int) -> float:
    start = np.maximum(objects.boxes_xyxy[a, :2], objects.boxes_xyxy[b, :2])
    stop = np.minimum(objects.boxes_xyxy[a, 2:], objects.boxes_xyxy[b, 2:])
    one, other = (
        objects.crops[i][start[1] - y0 : stop[1] - y0, start[0] - x0 : stop[0] - x0]
        for i, (x0, y0) in ((i, objects.boxes_xyxy[i, :2]) for i in (a, b))
    )
    shared = np.count_nonzero(one & other)
    return float(shared / (areas[a] + areas[b] - shared))


def paint(objects: Objects) -> ClassMap:
    """The class map of the objects, uint8 (H, W): of two the smaller one on top, of the same size the first given."""
    out = np.zeros(objects.size, dtype=np.uint8)
    for index in np.lexsort((-np.arange(len(objects)), -objects.areas_px)):
        x0, y0, x1, y1 = objects.boxes_xyxy[index]
        out[y0:y1, x0:x1][objects.crops[index]] = objects.class_ids[index]
    return out
