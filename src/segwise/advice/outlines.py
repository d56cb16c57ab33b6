"""The outlines of objects: how long they are, how thick the object is, how many clicks draw it. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from segwise.types import Mask, Objects

SMOOTH_PX = 0.75


@dataclass(frozen=True, slots=True, eq=False)
class Outlines:
    """Of N objects: `perimeter_px` float (N,), holes included, and `vertices` int (N,)."""

    perimeter_px: NDArray[np.float64]
    vertices: NDArray[np.int64]


def outlines(things: Objects, tolerance_px: float) -> Outlines:
    """Trace every object.

    The traced line runs through the middle of the border pixels. Its stairs are smoothed (Douglas and Peucker, by
    SMOOTH_PX), else a disc would come out 6 % too long; the true border lies half a pixel further out, which adds π
    (Steiner's formula for a convex shape). `vertices` are the corners left when the line may be off by `tolerance_px`:
    the clicks that draw it.
    """
    traced = [_trace(crop, tolerance_px) for crop in things.crops]
    return Outlines(
        np.array([length for length, _ in traced], dtype=np.float64),
        np.array([corners for _, corners in traced], dtype=np.int64),
    )


def thickness(areas_px: NDArray[np.int64], perimeter_px: NDArray[np.float64]) -> NDArray[np.float64]:
    """4 · area / perimeter, pixels: a disc's diameter, a square's side, twice a long strip's width."""
    return 4 * areas_px / np.maximum(perimeter_px, 1e-9)


def _trace(crop: Mask, tolerance_px: float) -> tuple[float, int]:
    lines, _ = cv2.findContours(np.pad(crop.view(np.uint8), 1), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    length = sum(cv2.arcLength(cv2.approxPolyDP(line, SMOOTH_PX, True), True) + math.pi for line in lines)
    corners = sum(len(cv2.approxPolyDP(line, tolerance_px, True)) for line in lines)
    return float(length), corners
