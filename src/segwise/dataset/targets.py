"""Labels become targets: the objects and the class map of one image, both from the same annotations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from segwise.dataset.coco import Annotation, ImageRecord
from segwise.types import IGNORE_INDEX, ClassInfo, ClassMap, Objects

Number = TypeVar("Number", np.uint8, np.int32)


def with_pixels(record: ImageRecord) -> tuple[Annotation, ...]:
    """The annotations whose masks are not empty: those that `objects` gives, in its order."""
    return tuple(a for a in record.annotations if coco_mask.area(a.rle) > 0)


def objects(record: ImageRecord) -> Objects:
    """All annotations of an image (things, stuff and crowds), in the label file's order; empty masks are dropped."""
    kept = with_pixels(record)
    boxes = np.zeros((len(kept), 4), dtype=np.int32)
    crops = []
    for index, annotation in enumerate(kept):
        x0, y0, width, height = (int(v) for v in coco_mask.toBbox(annotation.rle))
        boxes[index] = (x0, y0, x0 + width, y0 + height)
        mask = coco_mask.decode(annotation.rle)
        crops.append(np.ascontiguousarray(mask[y0 : y0 + height, x0 : x0 + width]).astype(bool))
    return Objects(
        (record.height, record.width),
        np.array([a.class_id for a in kept], dtype=np.int64),
        np.ones(len(kept), dtype=np.float32),
        boxes,
        tuple(crops),
        np.array([a.is_crowd for a in kept], dtype=bool),
    )


def class_map(record: ImageRecord, classes: Sequence[ClassInfo]) -> ClassMap:
    """The class of each pixel, uint8 (H, W): see `paint`."""
    return paint(objects(record), classes)


def paint(things: Objects, classes: Sequence[ClassInfo]) -> ClassMap:
    """Paint objects into a class map, uint8 (H, W), 0 = background.

    Crowds become IGNORE_INDEX where nothing else lies; of two objects the smaller one is on top, at equal size the
    later one; things lie above stuff.
    """
    values = np.where(things.is_crowd, IGNORE_INDEX, things.class_ids).astype(np.uint8)
    return _painted(things, classes, values, np.zeros(things.size, dtype=np.uint8))


def owner_map(things: Objects, classes: Sequence[ClassInfo]) -> NDArray[np.int32]:
    """The object that `paint` shows on each pixel, by index, int32 (H, W); -1 = none."""
    indices = np.arange(len(things), dtype=np.int32)
    return _painted(things, classes, indices, np.full(things.size, -1, dtype=np.int32))


def _painted(
    things: Objects, classes: Sequence[ClassInfo], values: NDArray[Number], out: NDArray[Number]
) -> NDArray[Number]:
    """`out` with each object's value painted over its pixels, from the lowest object to the one on top."""
    is_thing = {c.id: c.isthing for c in classes}
    rank = [
        (not crowd, is_thing[int(class_id)], -area)
        for crowd, class_id, area in zip(things.is_crowd, things.class_ids, things.areas_px.tolist(), strict=True)
    ]
    for index in sorted(range(len(things)), key=rank.__getitem__):
        x0, y0, x1, y1 = things.boxes_xyxy[index]
        out[y0:y1, x0:x1][things.crops[index]] = values[index]
    return out
