"""Label maps of a crop → what the dense network learns: centres, offsets and distances, at stride 2."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
STRIDE = 2


def dense_targets(labels: NDArray[np.int32]) -> dict[str, Float]:
    """Targets of one crop.

    Args:
        labels: int32 (h, w), 0 = no countable object, each positive value = one object (memory grows with the largest
            value); h and w even.

    Returns:
        float32 maps at half the size: `thing` (1, …) 1 on objects; `offset` (2, …) (dy, dx) in pixels of `labels`
        from the middle of each 2×2 block to the centre of its object; `radius` (1, …) of a disc of the object's area,
        in the same pixels, 0 elsewhere; `center` (1, …) a Gaussian of the offset, in [0, 1], whose width grows with the
        object; `distance` (1, …) to the object's border over the object's
        largest such distance, in [0, 1].
    """
    count = int(labels.max()) + 1
    small = labels[::STRIDE, ::STRIDE]
    area, centers = _centers(labels, count)
    rows, columns = (np.arange(n, dtype=np.float32) * STRIDE + (STRIDE - 1) / 2 for n in small.shape)
    thing = small > 0
    dy = np.where(thing, centers[small, 0] - rows[:, None], 0).astype(np.float32)
    dx = np.where(thing, centers[small, 1] - columns[None], 0).astype(np.float32)
    sigma = np.clip(np.sqrt(area) * 0.18, 1.5, 12.0)[small]
    radius = np.where(thing, np.sqrt(area / np.pi)[small], 0).astype(np.float32)
    heat = np.where(thing, np.exp(-(dy * dy + dx * dx) / (2 * sigma * sigma)), 0).astype(np.float32)
    distance = _distance(labels, count)[::STRIDE, ::STRIDE]
    offset = np.stack((dy, dx))
    here = thing.astype(np.float32)
    maps = {"thing": here, "radius": radius, "center": heat, "distance": distance}
    return {"offset": offset, **{name: plane[None] for name, plane in maps.items()}}


def _centers(labels: NDArray[np.int32], count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Area (count,) and centre (count, 2) of each label: the centroid, or the object's pixel nearest to it."""
    rows, columns = np.nonzero(labels)
    flat = labels[rows, columns]
    area = np.bincount(flat, minlength=count).astype(np.float64)
    sums = (np.bincount(flat, weights=axis, minlength=count) for axis in (rows, columns))
    centers = np.stack([total / np.maximum(area, 1) for total in sums], axis=1)
    nearest = np.rint(centers).astype(np.int64)
    is_outside = labels[nearest[:, 0], nearest[:, 1]] != np.arange(count)
    for label in np.flatnonzero(is_outside & (area > 0)):
        inside = np.argwhere(labels == label)
        centers[label] = inside[np.square(inside - centers[label]).sum(axis=1).argmin()]
    return area, centers


def _distance(labels: NDArray[np.int32], count: int) -> Float:
    inner = labels > 0
    for a, b in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:], np.s_[:-1])):
        touching = (labels[a] != labels[b]) & (labels[a] > 0) & (labels[b] > 0)
        inner[a] &= ~touching
        inner[b] &= ~touching
    distance = cv2.distanceTransform(inner.astype(np.uint8), cv2.DIST_L2, 3)
    largest = np.ones(count, dtype=np.float32)
    np.maximum.at(largest, labels.ravel(), distance.ravel())
    return np.asarray(distance / largest[labels], dtype=np.float32)
