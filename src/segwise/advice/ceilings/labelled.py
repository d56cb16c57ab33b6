"""The labels of one image in the forms that the ceilings are derived from. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from segwise.dataset.coco import ImageRecord
from segwise.dataset.targets import objects, owner_map, paint
from segwise.types import IGNORE_INDEX, ClassInfo, ClassMap, Objects


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """One image.

    Attributes:
        truth: all labelled objects: countable ones, regions and crowds.
        truth_map: uint8 (H, W), IGNORE_INDEX where the label says nothing.
        class_map: the perfect class map: background where the label says nothing.
        things: the countable objects.
        owner: int32 (H, W), the object of `things` on top, 1..N, 0 = none.
    """

    file_name: str
    group: str
    classes: tuple[ClassInfo, ...]
    truth: Objects
    truth_map: ClassMap
    class_map: ClassMap
    things: Objects
    owner: NDArray[np.int32]

    @property
    def thing_ids(self) -> list[int]:
        """Ids of the countable classes."""
        return [c.id for c in self.classes if c.isthing]

    def banded(self, band_px: int) -> ClassMap:
        """The truth map without the pixels within `band_px` of another class: they are ignored."""
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * band_px + 1, 2 * band_px + 1))
        is_near = cv2.dilate(self.truth_map, kernel) != cv2.erode(self.truth_map, kernel)
        return np.where(is_near, np.uint8(IGNORE_INDEX), self.truth_map).astype(np.uint8, copy=False)


def labelled(record: ImageRecord, classes: Sequence[ClassInfo]) -> Labelled:
    """The labels of one image."""
    truth = objects(record)
    thing_ids = [c.id for c in classes if c.isthing]
    things = truth.select(np.isin(truth.class_ids, thing_ids) & ~truth.is_crowd)
    owner = owner_map(things, classes) + np.int32(1)
    truth_map = paint(truth, classes)
    class_map = np.where(truth_map == IGNORE_INDEX, np.uint8(0), truth_map).astype(np.uint8, copy=False)
    return Labelled(record.file_name, record.group, tuple(classes), truth, truth_map, class_map, things, owner)
