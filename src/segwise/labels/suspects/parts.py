"""One against several: a label that holds two predictions or more, a prediction that holds two labels or more."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from segwise.labels.suspects.place import Features, Found, place
from segwise.labels.suspects.scene import Scene
from segwise.labels.suspects.track_record import logit

INSIDE = 0.6  # of an object that lies in another one
PART = 0.12  # the smallest share of the whole that counts as one of its parts


def merged(scene: Scene) -> Found:
    """One label, two predictions or more: the weaker one's score, its share, and how much they cover."""
    inside = scene.same_class & (scene.shared >= INSIDE * scene.predicted.areas_px[:, None])
    areas = scene.labels.areas_px
    for j in np.flatnonzero(inside.sum(axis=0) >= 2).tolist():
        parts = np.flatnonzero(inside[:, j] & (scene.shared[:, j] >= PART * areas[j]))
        if parts.size >= 2 and scene.shared[parts, j].sum() >= INSIDE * areas[j]:
            features = _joint(scene.predicted.scores[parts], scene.shared[parts, j], int(areas[j]))
            yield place(scene, "merged", (j,), tuple(parts.tolist()), int(areas[j])), features
    for j, k in _neighbours(scene):
        pair, rows = [j, k], scene.partner[[j, k]]
        yield None, _joint(scene.predicted.scores[rows], scene.shared[rows, pair], int(areas[pair].sum()))


def split(scene: Scene) -> Found:
    """One prediction, two labels or more: its score, how much of it they cover, and how round it is."""
    inside = scene.same_class & (scene.shared >= INSIDE * scene.labels.areas_px[None, :])
    areas = scene.predicted.areas_px
    for i in np.flatnonzero(inside.sum(axis=1) >= 2).tolist():
        parts = np.flatnonzero(inside[i] & (scene.shared[i] >= PART * areas[i]))
        covered = scene.shared[i, parts].sum() / areas[i]
        if parts.size >= 2 and covered >= INSIDE:
            yield (
                place(scene, "split", tuple(parts.tolist()), (int(i),), int(areas[i])),
                _whole(scene, int(i), covered),
            )
    for j in scene.agreed:
        i = int(scene.partner[j])
        yield None, _whole(scene, i, scene.shared[i, j] / areas[i])


def _neighbours(scene: Scene) -> Iterator[tuple[int, int]]:
    """Pairs of agreed labels of one class whose boxes are at most 2 px apart."""
    boxes = scene.labels.boxes_xyxy[scene.agreed]
    start = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    stop = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    classes = scene.labels.class_ids[scene.agreed]
    near = ((start - stop).max(axis=2) <= 2) & (classes[:, None] == classes[None, :])
    rows, columns = np.nonzero(np.triu(near, k=1))
    yield from zip(scene.agreed[rows].tolist(), scene.agreed[columns].tolist(), strict=True)


def _joint(scores: NDArray[np.float32], shared: NDArray[np.int64], area_px: int) -> Features:
    order = np.argsort(-shared, kind="stable")[:2]
    weaker, balance = float(scores[order].min()), float(2 * shared[order[1]] / shared[order].sum())
    return float(logit(weaker)), balance, float(shared.sum() / area_px)


def _whole(scene: Scene, i: int, covered: float) -> Features:
    return float(logit(float(scene.predicted.scores[i]))), float(covered), share_of_hull(scene.predicted.crops[i])


def share_of_hull(crop: NDArray[np.bool_]) -> float:
    """The area of a mask as a share of its convex hull as OpenCV fills it, all pixels that the border crosses included.

    `solidity` in the facts of objects counts the pixels whose centres lie in the hull.
    """
    rows, columns = np.nonzero(crop)
    hull = cv2.convexHull(np.stack([columns, rows], axis=1).astype(np.int32))
    filled = cv2.fillConvexPoly(np.zeros(crop.shape, dtype=np.uint8), hull, 1)
    return float(rows.size / max(int(np.count_nonzero(filled)), 1))
