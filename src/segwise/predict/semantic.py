"""Semantic: one class per pixel; an object is a connected component of a countable class.

Outputs read: `logits` float32 (1, K + 1, h, w).
Operating point:
    foreground    probability from which a pixel of the class map is not background, 0..1
    object_foreground    the same for the pixels of objects: what counts best need not cover best, 0..1
    min_area_px   smaller components are no objects, image pixels
    min_score     objects below it are not served (candidates keep them), 0..1
"""

from __future__ import annotations

import numpy as np

from segwise.predict.maps import Map, class_map_of, class_probabilities, components, objects_from_labels
from segwise.spec import ModelSpec
from segwise.types import Prediction

POINT_DEFAULTS: dict[str, float] = {"foreground": 0.5, "object_foreground": 0.5, "min_area_px": 16.0, "min_score": 0.0}
POINT_GRID: dict[str, tuple[float, ...]] = {
    "foreground": (0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8),
    "object_foreground": (0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8),
    "min_area_px": (4.0, 8.0, 16.0, 24.0, 32.0, 48.0),
    "min_score": (0.0, 0.6, 0.7, 0.75, 0.8),
}


def decode(
    outputs: dict[str, Map],
    size: tuple[int, int],
    spec: ModelSpec,
    point: dict[str, float],
    *,
    candidates: bool = False,
) -> Prediction:
    """The prediction for an image of `size` (H, W); `candidates` keeps the objects under `min_score`."""
    probabilities = class_probabilities(outputs["logits"], size)
    class_map, probability = class_map_of(probabilities, point["foreground"])
    object_map, _ = class_map_of(probabilities, point["object_foreground"])
    labels, total = np.zeros(size, dtype=np.int32), 0
    for thing in (c for c in spec.class_infos if c.isthing):
        count, found = components((object_map == thing.id).view(np.uint8))
        labels += np.where(found > 0, found + total, 0).astype(np.int32, copy=False)
        total += count
    objects = objects_from_labels(labels, total, object_map, probability, point["min_area_px"])
    served = objects if candidates else objects.select(objects.scores >= point["min_score"])
    return Prediction(class_map, served)
