"""Hybrid: the semantic class map, its countable pixels split into objects by two light heads.

Outputs read: `logits` float32 (1, K + 1, h, w), stride 2; `center` (1, 1, h, w) in [0, 1]; `offset` (1, 2, h, w),
dy and dx from a pixel to its object's centre in network-input pixels; `distance` (1, 1, h, w) in [0, 1].
All maps are brought to image size first, so the operating point is in image pixels whatever the zoom.
Operating point:
    method        0 = pixels vote for centres, 1 = pixels join the nearest core of the distance map
    foreground    probability from which a pixel of the class map is not background, 0..1
    object_foreground    the same for the pixels of objects: what counts best need not cover best, 0..1
    peak          lowest centre (method 0), 0..1
    radius_px     smallest distance between two centres (method 0), image pixels
    core          distance value that makes a core (method 1), 0..1
    min_area_px   smaller objects are dropped, image pixels
    min_score     objects below it are not served (candidates keep them), 0..1
"""

from __future__ import annotations

import numpy as np

from segwise.predict.grouping import assign, cores, peaks
from segwise.predict.maps import Map, at_size, class_map_of, class_probabilities, objects_from_labels, thing_mask
from segwise.spec import ModelSpec
from segwise.types import Prediction

STRIDE = 2  # of the maps, relative to the network's input
POINT_DEFAULTS: dict[str, float] = {
    "method": 0.0, "foreground": 0.5, "object_foreground": 0.5, "peak": 0.2, "radius_px": 3.0, "core": 0.5,
    "min_area_px": 16.0, "min_score": 0.0,
}  # fmt: skip
POINT_GRID: dict[str, tuple[float, ...]] = {
    "method": (0.0, 1.0),
    "foreground": (0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8),
    "object_foreground": (0.4, 0.45, 0.5, 0.55, 0.6, 0.7),
    "peak": (0.1, 0.2, 0.3, 0.4, 0.5),
    "radius_px": (2.0, 3.0, 4.0, 5.0, 7.0),
    "core": (0.4, 0.5, 0.6, 0.7),
    "min_area_px": (8.0, 16.0, 24.0, 32.0),
    "min_score": (0.0, 0.1, 0.2, 0.3, 0.4),
}
ONLY_WITH: dict[str, tuple[str, float]] = {
    "peak": ("method", 0.0),
    "radius_px": ("method", 0.0),
    "core": ("method", 1.0),
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
    things = thing_mask(object_map, spec.class_infos)
    if point["method"] < 0.5:
        peak = at_size(outputs["center"][0, 0], size)
        num_seeds, seeds = peaks(peak, things, point["peak"], point["radius_px"])
        count, labels = assign(things, seeds, num_seeds, _shift(outputs["offset"], size))
    else:
        peak = at_size(outputs["distance"][0, 0], size)
        num_seeds, seeds = cores(peak, things, point["core"])
        count, labels = assign(things, seeds, num_seeds)
    objects = objects_from_labels(labels, count, object_map, probability, point["min_area_px"], np.clip(peak, 0, 1))
    served = objects if candidates else objects.select(objects.scores >= point["min_score"])
    return Prediction(class_map, served)


def _shift(offset: Map, size: tuple[int, int]) -> tuple[Map, Map]:
    """Offsets in image pixels at image size, dy and dx, each float32 (H, W)."""
    scale = [full / (STRIDE * small) for full, small in zip(size, offset.shape[2:], strict=True)]
    dy, dx = (at_size(plane, size) * np.float32(s) for plane, s in zip(offset[0], scale, strict=True))
    return dy, dx
