"""The values that cross borders. Each is checked once, where it is born.

Conventions: images are RGB uint8 (H, W, 3); class maps are uint8 (H, W) with 0 = background, 1..K = the classes in
the order of `ModelSpec.classes` / `Dataset.classes`, and `IGNORE_INDEX` where the label says nothing; boxes are
half-open pixel boxes `x0, y0, x1, y1`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

IGNORE_INDEX = 255

Image = NDArray[np.uint8]
ClassMap = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Contrast = Literal["as_is", "stretched"]  # see `dataset/contrast.py`


@dataclass(frozen=True, slots=True)
class ClassInfo:
    """One class. `id` is the value in class maps (1..K), `name` the user's word, `isthing` whether it is countable."""

    id: int
    name: str
    isthing: bool


@dataclass(frozen=True, slots=True, eq=False)
class Objects:
    """N objects of one image; masks are kept as crops of their boxes, so overlaps are allowed and memory stays small.

    Attributes:
        size: (H, W) of the image, pixels.
        class_ids: int64 (N,), values 1..K.
        scores: float32 (N,), in [0, 1]; 1 for labels.
        boxes_xyxy: int32 (N, 4), half-open, tight around the mask.
        crops: N masks, each bool (y1 - y0, x1 - x0).
        is_crowd: bool (N,), regions of uncounted objects in labels; all False in predictions.
    """

    size: tuple[int, int]
    class_ids: NDArray[np.int64]
    scores: NDArray[np.float32]
    boxes_xyxy: NDArray[np.int32]
    crops: tuple[Mask, ...]
    is_crowd: NDArray[np.bool_]

    def __post_init__(self) -> None:
        n = len(self.crops)
        shapes = (self.class_ids.shape, self.scores.shape, self.is_crowd.shape, self.boxes_xyxy.shape)
        if shapes != ((n,), (n,), (n,), (n, 4)):
            raise ValueError(f"{n} crops, but class_ids, scores, is_crowd, boxes_xyxy have shapes {shapes}")

    def __len__(self) -> int:
        return len(self.crops)

    @property
    def areas_px(self) -> NDArray[np.int64]:
        """Mask area of each object, pixels, int64 (N,)."""
        return np.array([int(np.count_nonzero(crop)) for crop in self.crops], dtype=np.int64)

    def masks(self) -> Mask:
        """All masks at image size, bool (N, H, W). Large: prefer crops."""
        out = np.zeros((len(self), *self.size), dtype=bool)
        for mask, (x0, y0, x1, y1), crop in zip(out, self.boxes_xyxy, self.crops, strict=True):
            mask[y0:y1, x0:x1] = crop
        return out

    def rles(self) -> list[dict[str, Any]]:
        """COCO compressed RLE of each mask: `{"size": [H, W], "counts": bytes}`."""
        from pycocotools import mask as coco_mask

        canvas = np.zeros(self.size, dtype=np.uint8, order="F")
        out = []
        for (x0, y0, x1, y1), crop in zip(self.boxes_xyxy, self.crops, strict=True):
            canvas[y0:y1, x0:x1] = crop
            out.append(coco_mask.encode(canvas))
            canvas[y0:y1, x0:x1] = 0
        return out

    def select(self, keep: NDArray[Any]) -> Objects:
        """The objects at `keep` (bool mask or indices), in that order."""
        index = np.flatnonzero(keep) if keep.dtype == bool else keep
        return Objects(
            self.size,
            self.class_ids[index],
            self.scores[index],
            self.boxes_xyxy[index],
            tuple(self.crops[i] for i in index),
            self.is_crowd[index],
        )

    @classmethod
    def from_masks(
        cls,
        masks: Sequence[Mask],
        class_ids: Sequence[int],
        scores: Sequence[float],
        size: tuple[int, int],
        is_crowd: Sequence[bool] | None = None,
    ) -> Objects:
        """From full-size masks, each bool (H, W). Empty masks are dropped."""
        boxes, crops, kept = [], [], []
        for index, mask in enumerate(masks):
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            if rows.size:
                x0, y0, x1, y1 = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
                boxes.append((x0, y0, x1, y1))
                crops.append(np.ascontiguousarray(mask[y0:y1, x0:x1]))
                kept.append(index)
        crowd = [False] * len(masks) if is_crowd is None else is_crowd
        return cls(
            size,
            np.array([class_ids[i] for i in kept], dtype=np.int64),
            np.array([scores[i] for i in kept], dtype=np.float32),
            np.array(boxes, dtype=np.int32).reshape(-1, 4),
            tuple(crops),
            np.array([crowd[i] for i in kept], dtype=bool),
        )

    @classmethod
    def from_label_map(cls, labels: NDArray[np.int32], class_ids: Sequence[int], scores: Sequence[float]) -> Objects:
        """From a map of non-overlapping objects, int32 (H, W), 0 = none, i = object i - 1. Absent ids are dropped."""
        from scipy.ndimage import find_objects

        boxes, crops, kept = [], [], []
        for index, window in enumerate(find_objects(labels, max_label=len(class_ids))):
            if window is not None:
                rows, columns = window
                boxes.append((columns.start, rows.start, columns.stop, rows.stop))
                crops.append(labels[window] == index + 1)
                kept.append(index)
        height, width = labels.shape
        return cls(
            (height, width),
            np.array([class_ids[i] for i in kept], dtype=np.int64),
            np.array([scores[i] for i in kept], dtype=np.float32),
            np.array(boxes, dtype=np.int32).reshape(-1, 4),
            tuple(crops),
            np.zeros(len(kept), dtype=bool),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What every approach answers for one image.

    Attributes:
        class_map: uint8 (H, W), 0 = background, 1..K.
        objects: the things found, best score first. Their pixels may differ from the class map's: an operating point
            may count best with other pixels than it covers best (docs/decisions/0006).
        escalated: whether a cascade asked its instance model; False for every other approach.
    """

    class_map: ClassMap
    objects: Objects
    escalated: bool = False

    def __post_init__(self) -> None:
        if self.class_map.shape != self.objects.size:
            raise ValueError(f"class_map {self.class_map.shape} and objects {self.objects.size} differ in size")

    def counts(self, classes: Sequence[ClassInfo]) -> dict[str, int]:
        """Objects per thing class."""
        return {c.name: int(np.count_nonzero(self.objects.class_ids == c.id)) for c in classes if c.isthing}

    def coverage(self, classes: Sequence[ClassInfo]) -> dict[str, float]:
        """Fraction of the image's pixels per class, in [0, 1]."""
        pixels = np.bincount(self.class_map.ravel(), minlength=len(classes) + 1)
        return {c.name: float(pixels[c.id] / self.class_map.size) for c in classes}
