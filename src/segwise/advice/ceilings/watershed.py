"""Semantic with light post-processing at its best: the perfect class map, cut at the necks of its masks. Pure."""

from __future__ import annotations

import numpy as np

from segwise.advice.ceilings.basins import Basins, Labels, basins
from segwise.advice.ceilings.labelled import Labelled
from segwise.advice.ceilings.params import CeilingParams
from segwise.predict.maps import objects_from_labels
from segwise.types import ClassMap, Prediction

WORDS = "perfect class map, split at the necks of its distance map (watershed)"
Point = dict[str, float]
SMOOTHINGS_PX = (0.5, 1.0)
NECKS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95)  # 0 cuts nothing
POINTS: tuple[Point, ...] = tuple({"smoothing_px": s, "neck": n} for s in SMOOTHINGS_PX for n in NECKS)


def predictions(labels: Labelled, params: CeilingParams) -> list[Prediction]:  # noqa: ARG001  # one signature
    """What it answers at each of POINTS; equal neighbours are one value."""
    class_map, out = labels.class_map, []
    for smoothing in SMOOTHINGS_PX:
        found = _by_class(labels, class_map, smoothing)
        last: tuple[int, Prediction] | None = None
        for neck in NECKS:
            parts = sum(int(np.count_nonzero(b.parts(neck))) for b in found)
            if last is None or last[0] != parts:  # necks are nested: as many parts are the same parts
                last = parts, _cut(found, class_map, neck)
            out.append(last[1])
    return out


def label_map(labels: Labelled, point: Point) -> Labels:
    """The parts at one point, int32 (H, W), 0 = none."""
    class_map = labels.class_map
    return _joined(_by_class(labels, class_map, point["smoothing_px"]), class_map, point["neck"])[1]


def _by_class(labels: Labelled, class_map: ClassMap, smoothing_px: float) -> list[Basins]:
    present = set(np.unique(class_map).tolist())
    masks = ((class_map == i).view(np.uint8) for i in labels.thing_ids if i in present)
    return [basins(mask, smoothing_px) for mask in masks]


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
