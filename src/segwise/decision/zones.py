"""Zones: polygons in fractions of the image → the pixels inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from segwise.types import Mask, Objects

WHOLE = "image"  # the one zone of a decision without zones


def masks(zones: Mapping[str, Sequence[tuple[float, float]]], size: tuple[int, int]) -> dict[str, Mask]:
    """The pixels of each zone whose centres lie in it, bool (H, W), for an image of `size`; the whole image without.

    Corners (x, y) are fractions of width and height.
    """
    if not zones:
        return {WHOLE: np.ones(size, dtype=bool)}
    height, width = size
    out = {}
    for name, corners in zones.items():
        shift = 8  # fixed-point bits of cv2's corners
        points = np.array(corners) * (width, height) - 0.5
        canvas = np.zeros(size, dtype=np.uint8)
        cv2.fillPoly(canvas, [np.rint(points * 2**shift).astype(np.int32)], 1, lineType=cv2.LINE_8, shift=shift)
        out[name] = canvas.astype(bool)
    return out


def centers(objects: Objects) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of each object's centroid, rounded to a pixel, int64 (N,) each."""
    rows, columns = np.zeros(len(objects), dtype=np.int64), np.zeros(len(objects), dtype=np.int64)
    for index, ((x0, y0, _, _), crop) in enumerate(zip(objects.boxes_xyxy, objects.crops, strict=True)):
        down, right = np.nonzero(crop)
        rows[index], columns[index] = round(y0 + down.mean()), round(x0 + right.mean())
    return rows, columns
