"""Pairs of one class that touch or overlap: how they meet, which decides whether shape alone can part them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from segwise.advice.ceilings.labelled import Labelled
from segwise.evaluation.matching import intersections
from segwise.labels.facts.shapes import lattice_points
from segwise.types import Mask, Objects

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
STEPS = ((0, 1), (1, 0), (1, 1), (1, -1))


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """P pairs of one image.

    Attributes:
        first, second: int64 (P,), positions among the countable objects.
        contact: float64 (P,), sides of pixels that the two share over the shorter of their visible outlines, in [0, 1].
        hidden: float64 (P,), pixels that both own over the smaller area, in [0, 1].
        ratio: float64 (P,), the smaller area over the larger one, in (0, 1].
        waist: float64 (P,), how much less convex the two are together than each for itself: their mean solidity (area
            over convex hull), weighted by area, minus that of both as one; near 0 = nothing shows that they are two.
    """

    first: Ints
    second: Ints
    contact: Floats
    hidden: Floats
    ratio: Floats
    waist: Floats


def pairs(labels: Labelled) -> Pairs:
    """The pairs of one image."""
    things, num = labels.things, len(labels.things)
    sides, diagonals, outline = _meetings(labels.owner, num)
    shared = _shared(things)
    meet = np.unique(np.concatenate([sides, diagonals, shared[0]]))
    first, second = np.divmod(meet, max(num, 1))
    same = things.class_ids[first] == things.class_ids[second]
    meet, first, second = meet[same], first[same], second[same]
    keys, length = np.unique(sides, return_counts=True)
    areas = things.areas_px
    low, high = np.minimum(areas[first], areas[second]), np.maximum(areas[first], areas[second])
    shorter = np.minimum(outline[first], outline[second])
    waist = np.array([_waist(things, a, b) for a, b in zip(first.tolist(), second.tolist(), strict=True)])
    contact = np.minimum(_of(meet, keys, length) / np.maximum(shorter, 1), 1)
    return Pairs(first, second, contact, _of(meet, *shared) / np.maximum(low, 1), low / np.maximum(high, 1), waist)


def _of(wanted: Ints, keys: Ints, values: Ints) -> Floats:
    """The value of each wanted key, 0 where there is none; `keys` are sorted."""
    out = np.zeros(wanted.size)
    if keys.size:
        place = np.minimum(np.searchsorted(keys, wanted), keys.size - 1)
        out = np.where(keys[place] == wanted, values[place], 0).astype(np.float64)
    return out


def _meetings(owner: NDArray[np.int32], num: int) -> tuple[Ints, Ints, Ints]:
    """Keys (first · num + second, first < second) of objects that meet over a side and over a corner, one for each such
    side and corner; and the visible outline of each object, sides of pixels, int64 (num,)."""
    framed = np.pad(owner, 1)
    sides: list[Ints] = []
    corners: list[Ints] = []
    outline = np.zeros(num + 1, dtype=np.int64)
    for down, right in STEPS:
        a = framed[: framed.shape[0] - down, max(-right, 0) : framed.shape[1] - max(right, 0)]
        b = framed[down:, max(right, 0) : framed.shape[1] - max(-right, 0)]
        differ = a != b
        one, other = a[differ].astype(np.int64), b[differ].astype(np.int64)
        both = (one > 0) & (other > 0)
        keys = (np.minimum(one, other)[both] - 1) * num + np.maximum(one, other)[both] - 1
        (corners if down and right else sides).append(keys)
        if not (down and right):
            outline += np.bincount(one, minlength=num + 1) + np.bincount(other, minlength=num + 1)
    return np.concatenate(sides), np.concatenate(corners), outline[1:]


def _shared(things: Objects) -> tuple[Ints, Ints]:
    """Keys of the pairs that overlap, sorted, and the pixels that both own."""
    shared = np.triu(intersections(things, things), k=1) if len(things) else np.zeros((0, 0), dtype=np.int64)
    keys = np.flatnonzero(shared)
    return keys, shared.ravel()[keys]


def _waist(things: Objects, first: int, second: int) -> float:
    boxes = things.boxes_xyxy[[first, second]]
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    union = np.zeros((high[1] - low[1], high[0] - low[0]), dtype=bool)
    parts, weights = [], []
    for index, (x0, y0, x1, y1) in zip((first, second), boxes - np.tile(low, 2), strict=True):
        union[y0:y1, x0:x1] |= things.crops[index]
        parts.append(solidity(things.crops[index]))
        weights.append(np.count_nonzero(things.crops[index]))
    return float(np.average(parts, weights=weights) - solidity(union))


def solidity(mask: Mask) -> float:
    """Pixels of a mask, bool (H, W), over those of its convex hull, in (0, 1]."""
    contours, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    hull = np.asarray(cv2.convexHull(np.concatenate(contours)), dtype=np.int32)
    return float(np.count_nonzero(mask) / lattice_points(hull[:, 0]))
