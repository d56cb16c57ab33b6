"""Semantic with light post-processing at its best: the perfect class map, cut at the necks of its masks. Pure."""

from __future__ import annotations

import numpy as np

from segwise.advice.ceilings import semantic
from segwise.advice.ceilings.basins import Basins, Labels, basins
from segwise.advice.ceilings.labelled import Labelled
from segwise.advice.ceilings.params import CeilingParams
from segwise.predict.maps import objects_from_labels
from segwise.types import ClassMap, Prediction

WORDS = "perfect class map, split at the necks of its distance map (watershed)"
Point = dict[str, float]
SMOOTHING_PX = 1.0  # of the distance map: the steps of a border drawn in pixels, whatever the objects' size
NECKS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.975)  # 0 cuts nothing
POINTS: tuple[Point, ...] = tuple({"neck": neck, **area} for neck in NECKS for area in semantic.POINTS)


def predictions(labels: Labelled, params: CeilingParams) -> list[Prediction]:  # noqa: ARG001  # one signature
    """What it answers at each of POINTS; equal neighbours are one value."""
    present = set(np.unique(labels.class_map).tolist())
    masks = ((labels.class_map == i).view(np.uint8) for i in labels.thing_ids if i in present)
    found = [basins(mask, SMOOTHING_PX) for mask in masks]
    out: list[Prediction] = []
    answer: list[Prediction] = []
    last = -1
    for neck in NECKS:
        num_parts = sum(int(np.count_nonzero(b.parts(neck))) for b in found)
        if num_parts != last:  # necks are nested: as many parts are the same parts
            last, answer = num_parts, semantic.by_area(_cut(found, labels.class_map, neck))
        out += answer
    return out


def _joined(found: list[Basins], class_map: ClassMap, neck: float) -> tuple[int, Labels]:
    out, total = np.zeros(class_map.shape, dtype=np.int32), 0
    for one in found:
        count, parts = one.cut(neck)
        out = parts if total == 0 else np.where(parts > 0, parts + np.int32(total), out)
        total += count
    return total, out


def _cut(found: list[Basins], class_map: ClassMap, neck: float) -> Prediction:
    total, parts = _joined(found, class_map, neck)
    objects = objects_from_labels(parts, total, class_map, np.ones(parts.shape, np.float32), 1)
    return Prediction(class_map, objects)
