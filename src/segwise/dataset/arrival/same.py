"""Which objects of a delivery are those that the data set has. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from segwise.dataset.formats import shapes
from segwise.dataset.formats.delivery import Region

SAME_IOU = 0.5  # an object redrawn covers at least this much of itself


def pairs(new: Sequence[Region], old: Sequence[dict[str, Any]]) -> list[tuple[int, int]]:
    """Indices of new and old objects of one image that are the same one, redrawn: best IoU first, one to one."""
    if not new or not old:
        return []
    overlap = shapes.iou([region.rle for region in new], [row["segmentation"] for row in old])
    found: list[tuple[int, int]] = []
    taken: tuple[set[int], set[int]] = (set(), set())
    for index in np.argsort(-overlap, axis=None, kind="stable"):
        row, column = divmod(int(index), len(old))
        if overlap[row, column] < SAME_IOU:
            break
        if row not in taken[0] and column not in taken[1]:
            found.append((row, column))
            taken[0].add(row)
            taken[1].add(column)
    return found


def stored(row: dict[str, Any]) -> tuple[int, str, int]:
    """What makes two annotations of one image equal: category, mask and whether it is a crowd."""
    return row["category_id"], row["segmentation"]["counts"], int(row.get("iscrowd", 0))


def labels(regions: Iterable[Region]) -> Counter[tuple[str, str, bool]]:
    """The objects of a picture, whatever their order and numbers."""
    return Counter((region.class_name, region.rle["counts"], region.is_crowd) for region in regions)
