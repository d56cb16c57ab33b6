"""Which predicted object is which labelled one: overlaps, and one-to-one pairs. Vectorised; overlaps are allowed."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from segwise.types import Mask, Objects

Matrix = NDArray[np.float64]
LARGE = 4096  # pixels from which OpenCV's histogram is faster than numpy's
EXACT = 2**24  # its counts are float32


def intersections(first: Objects, second: Objects) -> NDArray[np.int64]:
    """Pixels shared by each pair, int64 (N, M). Exact with overlapping masks on either side."""
    out = np.zeros((len(first), len(second)), dtype=np.int64)
    if not out.size:
        return out
    areas = second.areas_px
    owner = np.zeros(second.size, dtype=np.min_scalar_type(len(second)))  # 0 = nobody's, i + 1 = object i's
    for index in np.argsort(-areas, kind="stable"):  # the last writer owns a pixel: small objects lie above large ones
        x0, y0, x1, y1 = second.boxes_xyxy[index]
        np.copyto(owner[y0:y1, x0:x1], owner.dtype.type(index + 1), where=second.crops[index])
    out += _by_owner(first, owner, len(second))
    if np.count_nonzero(owner) < areas.sum():  # some overlap: those that lost pixels are counted one by one
        owned = _histogram(owner, None, len(second))
        for index in np.flatnonzero(owned < areas):
            out[:, index] = _with_one(first, second.boxes_xyxy[index], second.crops[index])
    return out


def _with_one(objects: Objects, box: NDArray[np.int32], crop: Mask) -> NDArray[np.int64]:
    """Pixels that each object shares with one mask, int64 (N,)."""
    out = np.zeros(len(objects), dtype=np.int64)
    starts, stops = np.maximum(objects.boxes_xyxy[:, :2], box[:2]), np.minimum(objects.boxes_xyxy[:, 2:], box[2:])
    for index in np.flatnonzero((starts < stops).all(axis=1)):
        (x0, y0), (x1, y1), (left, top) = starts[index], stops[index], objects.boxes_xyxy[index, :2]
        mine = objects.crops[index][y0 - top : y1 - top, x0 - left : x1 - left]
        out[index] = np.count_nonzero(mine & crop[y0 - box[1] : y1 - box[1], x0 - box[0] : x1 - box[0]])
    return out


def _by_owner(objects: Objects, owner: NDArray[np.unsignedinteger], count: int) -> NDArray[np.int64]:
    boxes = zip(objects.boxes_xyxy, objects.crops, strict=True)
    rows = [_histogram(owner[y0:y1, x0:x1], crop, count) for (x0, y0, x1, y1), crop in boxes]
    return np.stack(rows).astype(np.int64, copy=False)


def _histogram(owner: NDArray[np.unsignedinteger], mask: Mask | None, count: int) -> NDArray[np.int64]:
    """How many pixels (of the mask) each owner 1..count has, int64 (count,)."""
    if owner.dtype == np.uint8 and LARGE < owner.size < EXACT:
        where = None if mask is None else mask.view(np.uint8)
        found = cv2.calcHist([owner], [0], where, [count + 1], [0, count + 1])
        return np.asarray(found.ravel()[1:], dtype=np.int64)
    return np.bincount(owner.ravel() if mask is None else owner[mask], minlength=count + 1)[1:]


def iou(first: Objects, second: Objects, shared: NDArray[np.int64] | None = None) -> Matrix:
    """Intersection over union of each pair, float64 (N, M). A crowd in `second` divides by the first's area (COCO)."""
    shared = intersections(first, second) if shared is None else shared
    mine = first.areas_px[:, None]
    union = np.where(second.is_crowd[None, :], mine, mine + second.areas_px[None, :] - shared)
    return np.asarray(shared / np.maximum(union, 1), dtype=np.float64)


def pairs(overlap: Matrix, threshold: float, *, strict: bool = False) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The largest one-to-one set of pairs with IoU at least `threshold` (above it where `strict`): rows, columns.

    Without overlapping masks each object has one partner above one half; where several are possible, the set with
    the most pairs and, among those, the highest summed IoU is taken.
    """
    allowed = overlap > threshold if strict else overlap >= threshold
    rows, columns = np.nonzero(allowed)
    if np.unique(rows).size == rows.size and np.unique(columns).size == columns.size:
        return rows, columns
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(np.where(allowed, 1 + overlap / (1 + min(overlap.shape)), 0), maximize=True)
    kept = allowed[rows, columns]
    return rows[kept], columns[kept]
