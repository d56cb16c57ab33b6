"""Data sets in memory, from masks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pycocotools import mask as coco_mask

from segwise.dataset.coco import Annotation, Dataset, ImageRecord
from segwise.types import ClassInfo, Mask

SIZE = (96, 128)
DISC = (ClassInfo(1, "disc", True),)


def disc(y: float, x: float, radius: float, size: tuple[int, int] = SIZE) -> Mask:
    rows, columns = np.mgrid[: size[0], : size[1]]
    inside: Mask = (rows - y) ** 2 + (columns - x) ** 2 <= radius**2
    return inside


def box(x0: int, y0: int, x1: int, y1: int, size: tuple[int, int] = SIZE) -> Mask:
    mask = np.zeros(size, dtype=bool)
    mask[y0:y1, x0:x1] = True
    return mask


def record(
    name: str,
    masks: Sequence[Mask],
    class_ids: Sequence[int] | None = None,
    crowds: Sequence[int] = (),
    group: str = "",
) -> ImageRecord:
    """An image with these masks; `crowds` are the positions of crowds."""
    annotations = []
    for index, (mask, class_id) in enumerate(zip(masks, class_ids or [1] * len(masks), strict=True)):
        rle = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
        annotations.append(Annotation(index, class_id, dict(rle), index in crowds, None, None))
    height, width = masks[0].shape if masks else SIZE
    return ImageRecord(0, name, width, height, group or name, None, {}, tuple(annotations))


def dataset(records: Sequence[ImageRecord], classes: Sequence[ClassInfo] = DISC) -> Dataset:
    return Dataset(Path("nowhere"), tuple(records), tuple(classes))


def alike(masks: Sequence[Mask], num: int = 4, **rest: Sequence[int]) -> Dataset:
    """`num` images with the same masks, each a group of its own."""
    return dataset([record(f"{index}.png", masks, **rest) for index in range(num)])
