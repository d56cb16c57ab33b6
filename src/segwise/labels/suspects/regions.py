"""Areas of classes that are not counted, where model and label agree or disagree: connected, and no slivers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from segwise.labels.suspects.scene import Scene, is_judged
from segwise.types import Mask

MIN_THICKNESS_PX = 4.0  # half the width of an area at its widest; less is a dispute about an edge


@dataclass(frozen=True, slots=True)
class Region:
    """One connected area of one class in the label and one in the model, the same where they agree.

    `probability` is the model's mean for its class; `thickness_px` the largest distance to the area's edge;
    `mask` is bool (y1 - y0, x1 - x0).
    """

    box_xyxy: tuple[int, int, int, int]
    area_px: int
    label_class: int
    model_class: int
    probability: float
    thickness_px: float
    mask: Mask = field(compare=False, repr=False)


def regions(scene: Scene) -> Iterator[Region]:
    """Every area of a pair of classes of which none is countable and not both are background."""
    kept = [0, *(c.id for c in scene.classes if not c.isthing)]
    if len(kept) == 1:
        return
    said = scene.probabilities.argmax(axis=0).astype(np.uint8)
    judged = is_judged(scene.class_map)
    pairs = np.unique(scene.class_map[judged].astype(np.int32) * 256 + said[judged])
    for own, seen in ((int(p) // 256, int(p) % 256) for p in pairs):
        if own in kept and seen in kept and own + seen > 0:
            yield from _areas(scene, (scene.class_map == own) & (said == seen), own, seen)


def _areas(scene: Scene, mask: NDArray[np.bool_], own: int, seen: int) -> Iterator[Region]:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=4)
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    deepest = np.zeros(count)
    np.maximum.at(deepest, np.asarray(labels, dtype=np.int64).ravel(), depth.ravel())
    total = np.bincount(labels.ravel(), scene.probabilities[seen].ravel(), count)
    for index in range(1, count):
        x, y, width, height, area = (int(v) for v in stats[index])
        if deepest[index] >= MIN_THICKNESS_PX:
            box, inside = (x, y, x + width, y + height), labels[y : y + height, x : x + width] == index
            yield Region(box, area, own, seen, float(total[index] / area), float(deepest[index]), inside)
