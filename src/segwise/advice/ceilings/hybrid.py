"""Hybrid at its best: the perfect class map, split by heads that learned their targets by heart. Pure."""

from __future__ import annotations

import math

import numpy as np

from segwise.advice.ceilings import semantic
from segwise.advice.ceilings.labelled import Labelled
from segwise.advice.ceilings.params import CeilingParams
from segwise.dataset.dense_targets import STRIDE, dense_targets
from segwise.predict.grouping import assign, cores, peaks
from segwise.predict.maps import Labels, Map, at_size, objects_from_labels, thing_mask
from segwise.types import Prediction

WORDS = "perfect class map, split by perfect centre, offset and distance heads"
Point = dict[str, float]
SPLITS: tuple[Point, ...] = (
    {"method": 0.0, "radius_px": 1.0}, {"method": 0.0, "radius_px": 3.0}, {"method": 1.0, "core": 0.5},
)  # fmt: skip
POINTS: tuple[Point, ...] = tuple({**split, **area} for split in SPLITS for area in semantic.POINTS)
PEAK = 0.2  # lowest centre; a perfect one is far above


def predictions(labels: Labelled, params: CeilingParams) -> list[Prediction]:
    """What it answers at each of POINTS."""
    if not len(labels.things):
        return [Prediction(labels.class_map, labels.things)] * len(POINTS)
    maps = heads(labels, params.dense_zoom)
    return [found for split in SPLITS for found in semantic.by_area(_split(labels, maps, split))]


def heads(labels: Labelled, zoom: float) -> dict[str, Map]:
    """The heads' targets at image size, float32 (H, W): `center`, `distance`, and `dy`, `dx` in image pixels.

    They are made as the training makes them: of the enlarged labels, at stride 2.
    """
    height, width = labels.owner.shape
    rows, columns = (_sources(side, zoom) for side in (height, width))
    target = dense_targets(labels.owner[rows[:, None], columns[None]])
    scale = height / len(rows), width / len(columns)
    out = {name: at_size(target[name][0], (height, width)) for name in ("center", "distance")}
    shifts = zip(("dy", "dx"), target["offset"], scale, strict=True)
    return out | {name: at_size(plane, (height, width)) * np.float32(s) for name, plane, s in shifts}


def label_map(labels: Labelled, maps: dict[str, Map], point: Point) -> tuple[int, Labels]:
    """The objects at one point: how many, and a map int32 (H, W), 0 = none."""
    mask = thing_mask(labels.class_map, labels.classes)
    if point["method"] < 0.5:
        count, seeds = peaks(maps["center"], mask, PEAK, point["radius_px"])
        return assign(mask, seeds, count, (maps["dy"], maps["dx"]))
    count, seeds = cores(maps["distance"], mask, point["core"])
    return assign(mask, seeds, count)


def _split(labels: Labelled, maps: dict[str, Map], point: Point) -> Prediction:
    count, parts = label_map(labels, maps, point)
    class_map = labels.class_map
    return Prediction(class_map, objects_from_labels(parts, count, class_map, np.ones(parts.shape, np.float32), 1))


def _sources(side: int, zoom: float) -> np.ndarray:
    """The pixel under each pixel of the enlarged side, whose length is a multiple of the heads' stride."""
    enlarged = STRIDE * max(1, math.ceil(side * zoom / STRIDE))
    return np.minimum(((np.arange(enlarged) + 0.5) * side / enlarged).astype(np.int64), side - 1)
