"""Zones: polygons in fractions of the image → the pixels inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from segwise.types import Mask, Objects

WHOLE = "image"  # the one zone of a decision without zones
Corners = Sequence[tuple[float, float]]


def masks(zones: Mapping[str, Corners], size: tuple[int, int]) -> dict[str, Mask]:
    """The pixels of each zone whose centres lie in it, bool (H, W), for an image of `size`; the whole image without.

    Corners (x, y) are fractions of width and height.
    """
    if not zones:
        return {WHOLE: np.ones(size, dtype=bool)}
    return {name: polygon(corners, size) for name, corners in zones.items()}


def polygon(corners: Corners, size: tuple[int, int]) -> Mask:
    """The pixels whose centres lie in a polygon, by the even-odd rule, bool (H, W); (0, 0) to (1, 1) is the image.

    Each edge turns what lies right of it in its rows over (scan conversion: Foley, van Dam et al., Computer Graphics,
    1990, 3.6). A centre on an edge belongs to one side of it only, so zones that share an edge share no pixel.
    """
    height, width = size
    centers = np.arange(height) + 0.5
    edges = np.zeros((height, width + 1), dtype=bool)
    points = [(x * width, y * height) for x, y in corners]
    for one, other in zip(points, points[1:] + points[:1], strict=True):
        (x0, y0), (x1, y1) = sorted((one, other), key=lambda p: (p[1], p[0]))  # the same edge from either side
        rows = np.flatnonzero((y0 <= centers) & (centers < y1))
        crossing = x0 + (x1 - x0) * ((centers[rows] - y0) / (y1 - y0)) if rows.size else np.zeros(0)
        edges[rows, np.clip(np.ceil(crossing - 0.5), 0, width).astype(np.int64)] ^= True
    return np.logical_xor.accumulate(edges, axis=1)[:, :width]


def centers(objects: Objects) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pixel that holds each object's centroid: row and column, int64 (N,) each."""
    rows, columns = np.zeros(len(objects), dtype=np.int64), np.zeros(len(objects), dtype=np.int64)
    for index, ((x0, y0, _, _), crop) in enumerate(zip(objects.boxes_xyxy, objects.crops, strict=True)):
        down, right = np.nonzero(crop)
        rows[index], columns[index] = np.floor(y0 + down.mean() + 0.5), np.floor(x0 + right.mean() + 0.5)
    return rows, columns
