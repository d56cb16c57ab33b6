"""How close objects of one class stand. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segwise.types import Objects

MIN_POINTS = 5  # fewer say nothing of how they are spread
NEAR_DIAMETERS = 2.0  # a neighbour: its centre is at most this many diameters away


@dataclass(frozen=True, slots=True, eq=False)
class Crowding:
    """Of N objects, against the others of their class in the image.

    Attributes:
        nearest: float (N,), distance of the nearest other centre over the mean diameter of the two; infinite if alone.
        neighbours: int (N,), others whose centres are within NEAR_DIAMETERS of the object's own diameters.
    """

    nearest: NDArray[np.float64]
    neighbours: NDArray[np.int64]


def centers(things: Objects) -> NDArray[np.float64]:
    """Centroids (x, y) of the masks, float (N, 2), pixels; the middle of the first pixel is (0, 0)."""
    out = np.zeros((len(things), 2))
    for index, ((x0, y0, _, _), crop) in enumerate(zip(things.boxes_xyxy, things.crops, strict=True)):
        columns, rows = crop.sum(axis=0), crop.sum(axis=1)
        total = columns.sum()
        out[index] = x0 + columns @ np.arange(columns.size) / total, y0 + rows @ np.arange(rows.size) / total
    return out


def crowding(class_ids: NDArray[np.int64], points: NDArray[np.float64], diameters: NDArray[np.float64]) -> Crowding:
    """Measure the crowding of one image's objects: classes (N,), centres (N, 2) and diameters (N,) in pixels."""
    from scipy.spatial import cKDTree

    found = Crowding(np.full(len(points), np.inf), np.zeros(len(points), dtype=np.int64))
    for class_id in np.unique(class_ids):
        index = np.flatnonzero(class_ids == class_id)
        if index.size < 2:
            continue
        own, sizes = points[index], diameters[index]
        tree = cKDTree(own)
        distance, neighbour = (np.asarray(part) for part in tree.query(own, k=2))
        found.nearest[index] = distance[:, 1] / ((sizes + sizes[neighbour[:, 1]]) / 2)
        near = tree.query_ball_point(own, NEAR_DIAMETERS * sizes, return_length=True)
        found.neighbours[index] = np.asarray(near, dtype=np.int64) - 1
    return found


def clark_evans(points: NDArray[np.float64], area_px: float) -> float:
    """Mean distance to the nearest centre over that of points strewn at random, 0.5 / √density (Clark and Evans 1954).

    1 = at random, less = in clusters, up to 2.15 = evenly spread; NaN for fewer than MIN_POINTS. Edges are not
    corrected: few points read a little too even.
    """
    from scipy.spatial import cKDTree

    if len(points) < MIN_POINTS:
        return math.nan
    distance = np.asarray(cKDTree(points).query(points, k=2)[0])[:, 1]
    return float(distance.mean() * 2 * math.sqrt(len(points) / area_px))
