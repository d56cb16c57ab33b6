"""Objects of known place and size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segwise.types import Mask, Objects

SIZE = (60, 80)
Box = tuple[int, int, int, int]


def box_mask(box: Box, size: tuple[int, int] = SIZE) -> Mask:
    """A filled box x0, y0, x1, y1."""
    mask = np.zeros(size, dtype=bool)
    mask[box[1] : box[3], box[0] : box[2]] = True
    return mask


def disc_mask(y: float, x: float, diameter: float, size: tuple[int, int] = SIZE) -> Mask:
    rows, columns = np.mgrid[: size[0], : size[1]]
    inside: Mask = (rows - y) ** 2 + (columns - x) ** 2 <= (diameter / 2) ** 2
    return inside


def boxes(places: Sequence[Box], class_ids: Sequence[int] | None = None) -> Objects:
    """Filled boxes as objects."""
    masks = [box_mask(place) for place in places]
    return Objects.from_masks(masks, class_ids or [1] * len(masks), [1.0] * len(masks), SIZE)
