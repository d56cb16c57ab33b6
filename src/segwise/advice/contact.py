"""Where objects of one class meet: contact, overlap and the gap to the next one. Pure.

Objects of one class are what a class map cannot tell apart: where they touch, its connected components merge them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from segwise.types import Mask, Objects

FAR_PX = 16  # gaps are measured up to here; a wider one is not a matter of resolution
Owner = NDArray[np.int32]
Window = tuple[slice, slice]


@dataclass(frozen=True, slots=True, eq=False)
class Contacts:
    """Of N objects, against the others of their class.

    Attributes:
        touches: bool (N,), another mask lies within `distance_px` (diagonals count); overlapping objects touch.
        contact_px: int (N,), length of the border shared with others, counted in sides of pixels.
        border_px: int (N,), length of the whole border in the same unit, so that the ratio is a share of it.
        overlap_px: int (N,), pixels that another one owns too.
        gap_px: float (N,), free pixels to the next one: 0 where they touch, infinite where none is within FAR_PX.
    """

    touches: NDArray[np.bool_]
    contact_px: NDArray[np.int64]
    border_px: NDArray[np.int64]
    overlap_px: NDArray[np.int64]
    gap_px: NDArray[np.float64]

    @property
    def share(self) -> NDArray[np.float64]:
        """Contact as a share of the border, float (N,), in [0, 1]."""
        return self.contact_px / np.maximum(self.border_px, 1)


def contacts(things: Objects, distance_px: int) -> Contacts:
    """Measure how the objects of each class meet. Contact with what overlaps an object is counted along the upper one's
    border, the later one being on top."""
    n = len(things)
    counts = np.zeros((3, n), dtype=np.int64)
    found = Contacts(np.zeros(n, dtype=bool), counts[0], counts[1], counts[2], np.full(n, np.inf))
    for class_id in np.unique(things.class_ids):
        index = np.flatnonzero(things.class_ids == class_id)
        own = cropped(things.select(index))
        owner, found.overlap_px[index] = owners(own)
        found.contact_px[index], found.border_px[index] = _borders(owner, len(own))
        found.gap_px[index], found.touches[index] = _gaps(own, owner, distance_px)
        found.gap_px[index[found.overlap_px[index] > 0]] = 0
    found.touches[found.overlap_px > 0] = True
    return found


def cropped(things: Objects) -> Objects:
    """The same objects in the smallest image that holds them."""
    low, high = things.boxes_xyxy[:, :2].min(axis=0), things.boxes_xyxy[:, 2:].max(axis=0)
    width, height = (int(v) for v in high - low)
    moved = things.boxes_xyxy - np.tile(low, 2)
    return Objects((height, width), things.class_ids, things.scores, moved, things.crops, things.is_crowd)


def owners(things: Objects) -> tuple[Owner, NDArray[np.int64]]:
    """Who owns each pixel, int32 (H, W), −1 = nobody, the later one on top; and the pixels each shares, int64 (N,)."""
    owner = np.full(things.size, -1, dtype=np.int32)
    count = np.zeros(things.size, dtype=np.uint16)
    for index, window, crop in _each(things):
        owner[window][crop] = index
        count[window] += crop
    shared = np.zeros(len(things), dtype=np.int64)
    if (count > 1).any():
        for index, window, crop in _each(things):
            shared[index] = np.count_nonzero(count[window][crop] > 1)
    return owner, shared


def _each(things: Objects) -> Iterator[tuple[int, Window, Mask]]:
    for index, ((x0, y0, x1, y1), crop) in enumerate(zip(things.boxes_xyxy, things.crops, strict=True)):
        yield index, (slice(y0, y1), slice(x0, x1)), crop


def _borders(owner: Owner, n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sides of pixels between different owners: those to another object, and all of them, int64 (N,) each."""
    contact, border = np.zeros(n + 1, dtype=np.int64), np.zeros(n + 1, dtype=np.int64)
    framed = np.pad(owner, 1, constant_values=-1)
    for a, b in ((framed[:, 1:], framed[:, :-1]), (framed[1:], framed[:-1])):
        differ = a != b
        pairs = a[differ], b[differ]
        both = (pairs[0] >= 0) & (pairs[1] >= 0)
        for side in pairs:
            border += np.bincount(side + 1, minlength=n + 1)
            contact += np.bincount(side[both] + 1, minlength=n + 1)
    return contact[1:], border[1:]


def _gaps(things: Objects, owner: Owner, distance_px: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    gaps, touches = np.full(len(things), np.inf), np.zeros(len(things), dtype=bool)
    height, width = things.size
    reach = max(FAR_PX, distance_px) + 1
    for index, (rows, columns), crop in _each(things):
        top, left = max(rows.start - reach, 0), max(columns.start - reach, 0)
        around = owner[top : min(rows.stop + reach, height), left : min(columns.stop + reach, width)]
        others = (around >= 0) & (around != index)
        if others.any():
            inside = np.s_[rows.start - top :, columns.start - left :]
            away = cv2.distanceTransform((~others).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
            square = cv2.distanceTransform((~others).view(np.uint8), cv2.DIST_C, 3)
            height_, width_ = crop.shape
            nearest = float(away[inside][:height_, :width_][crop].min())
            touches[index] = float(square[inside][:height_, :width_][crop].min()) <= distance_px
            gaps[index] = max(nearest - 1, 0) if nearest - 1 <= FAR_PX else np.inf
    return gaps, touches
