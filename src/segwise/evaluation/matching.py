"""Which predicted object is which labelled one: overlaps, and one-to-one pairs. Vectorised; overlaps are allowed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segwise.types import Objects

Matrix = NDArray[np.float64]


def intersections(first: Objects, second: Objects) -> NDArray[np.int64]:
    """Pixels shared by each pair, int64 (N, M). Exact with overlapping masks on either side."""
    out = np.zeros((len(first), len(second)), dtype=np.int64)
    if not out.size:
        return out
    owner = np.full(second.size, -1, dtype=np.int32)
    for index, ((x0, y0, x1, y1), crop) in enumerate(zip(second.boxes_xyxy, second.crops, strict=True)):
        owner[y0:y1, x0:x1][crop] = index  # the last writer owns the pixel
    out += _by_owner(first, owner, len(second))
    if np.count_nonzero(owner >= 0) == second.areas_px.sum():  # none overlap
        return out
    columns, pixels = _flat(second)
    while True:  # what is owned again (overlaps) goes to further maps
        left = owner.ravel()[pixels] != columns
        columns, pixels = columns[left], pixels[left]
        if not columns.size:
            return out
        owner = np.full(second.size, -1, dtype=np.int32)
        owner.ravel()[pixels] = columns
        out += _by_owner(first, owner, len(second))


def _flat(objects: Objects) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Object index and flat pixel index of every mask pixel."""
    width = objects.size[1]
    parts = []
    for (x0, y0, _, _), crop in zip(objects.boxes_xyxy, objects.crops, strict=True):
        rows, columns = np.nonzero(crop)
        parts.append((rows + int(y0)) * width + columns + int(x0))
    index = np.repeat(np.arange(len(parts), dtype=np.int32), [part.size for part in parts])
    return index, np.concatenate(parts)


def _by_owner(objects: Objects, owner: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    rows = [
        np.bincount(owner[y0:y1, x0:x1][crop] + 1, minlength=count + 1)[1:]
        for (x0, y0, x1, y1), crop in zip(objects.boxes_xyxy, objects.crops, strict=True)
    ]
    return np.stack(rows).astype(np.int64, copy=False)


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
