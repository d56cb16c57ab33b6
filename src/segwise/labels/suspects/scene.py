"""One image as its labels and a model see it, and how the two overlap: the ground that disputes are read from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from segwise.dataset.targets import owner_map
from segwise.types import IGNORE_INDEX, ClassInfo, ClassMap, Mask, Objects

Map = NDArray[np.float32]
Values = NDArray[np.float64]
PARTNER_IOU = 0.2  # two objects that are each other's best match by at least this much are taken for one thing
SAME_CLASS_BONUS = 0.05  # on the IoU: of two matches as good, the one of the same class is meant


@dataclass(frozen=True, eq=False)
class Scene:
    """One image.

    Attributes:
        labels: the labelled objects, things, stuff and crowds; object_ids: int64 (M,), their ids in the label file.
        predicted: the countable objects that the model would serve.
        shared: pixels shared by each pair, int64 (N, M), predictions by labels.
        probabilities: of background and the classes 1..K, float32 (K + 1, H, W).
        class_map: the labels painted, uint8 (H, W), with IGNORE_INDEX.
        is_trained: whether the model was trained on this image.
    """

    file_name: str
    labels: Objects
    object_ids: NDArray[np.int64]
    predicted: Objects
    shared: NDArray[np.int64]
    probabilities: Map
    class_map: ClassMap
    classes: tuple[ClassInfo, ...]
    is_trained: bool = False

    @cached_property
    def is_counted(self) -> NDArray[np.bool_]:
        """Whether each label is one countable object, bool (M,)."""
        things = [c.id for c in self.classes if c.isthing]
        return np.asarray(np.isin(self.labels.class_ids, things) & ~self.labels.is_crowd)

    @cached_property
    def same_class(self) -> NDArray[np.bool_]:
        """Whether prediction and counted label are of one class, bool (N, M)."""
        same = self.predicted.class_ids[:, None] == self.labels.class_ids[None, :]
        return np.asarray(same & self.is_counted[None, :])

    @cached_property
    def iou(self) -> Values:
        """Intersection over union of each prediction with each counted label, float64 (N, M)."""
        union = self.predicted.areas_px[:, None] + self.labels.areas_px[None, :] - self.shared
        return np.where(self.is_counted[None, :], self.shared / np.maximum(union, 1), 0.0)

    @cached_property
    def partner(self) -> NDArray[np.int64]:
        """The prediction that each label is matched with, int64 (M,), −1 = none: best of each other, IoU ≥ 0.2."""
        out = np.full(len(self.labels), -1, dtype=np.int64)
        if self.iou.size:
            wish = self.iou + SAME_CLASS_BONUS * self.same_class
            best_label, best_prediction = wish.argmax(axis=1), wish.argmax(axis=0)
            columns = np.arange(len(self.labels))
            mutual = best_label[best_prediction] == columns
            held = mutual & (self.iou[best_prediction, columns] >= PARTNER_IOU)
            out[held] = best_prediction[held]
        return out

    @cached_property
    def agreed(self) -> NDArray[np.int64]:
        """The labels matched with a prediction of their class at IoU ≥ 0.5, indices."""
        columns = np.flatnonzero(self.partner >= 0)
        rows = self.partner[columns]
        return columns[self.same_class[rows, columns] & (self.iou[rows, columns] >= 0.5)]

    @cached_property
    def labelled(self) -> Values:
        """The share of each prediction under labels of its class or under ignored regions, float64 (N,), at most 1."""
        counts = self.same_class | self.labels.is_crowd[None, :]
        share = np.where(counts, self.shared, 0).sum(axis=1) / np.maximum(self.predicted.areas_px, 1)
        return np.asarray(np.minimum(share, 1.0), dtype=np.float64)

    @cached_property
    def supported(self) -> Values:
        """The share of each label under predictions of its class, float64 (M,), at most 1."""
        share = np.where(self.same_class, self.shared, 0).sum(axis=0) / np.maximum(self.labels.areas_px, 1)
        return np.asarray(np.minimum(share, 1.0), dtype=np.float64)

    @cached_property
    def means(self) -> Values:
        """The mean probability of background and each class over each label's pixels, float64 (M, K + 1)."""
        rows = [self.mean_over(crop, box) for crop, box in zip(self.labels.crops, self.labels.boxes_xyxy, strict=True)]
        return np.array(rows, dtype=np.float64).reshape(-1, len(self.probabilities))

    @cached_property
    def predicted_map(self) -> ClassMap:
        """The class of the predicted object on each pixel, uint8 (H, W), 0 = none."""
        out = np.zeros(self.predicted.size, dtype=np.uint8)
        rows = zip(self.predicted.boxes_xyxy, self.predicted.crops, self.predicted.class_ids, strict=True)
        for (x0, y0, x1, y1), crop, class_id in reversed(list(rows)):
            out[y0:y1, x0:x1][crop] = class_id
        return out

    @cached_property
    def typical_px(self) -> float:
        """The median area of labelled and predicted objects, pixels."""
        areas = np.concatenate([self.labels.areas_px[self.is_counted], self.predicted.areas_px])
        return float(np.median(areas)) if areas.size else 1.0

    def mean_over(self, crop: Mask, box_xyxy: Sequence[int] | NDArray[np.int32]) -> Values:
        """The mean probabilities over the pixels of a crop, float64 (K + 1,)."""
        x0, y0, x1, y1 = box_xyxy
        return np.asarray(self.probabilities[:, y0:y1, x0:x1][:, crop].mean(axis=1), dtype=np.float64)


def shown(objects: Objects, ids: NDArray[np.int64], classes: Sequence[ClassInfo]) -> tuple[Objects, NDArray[np.int64]]:
    """What the objects show in a class map: of two on one pixel it belongs to the smaller, as `dataset.targets` paints.

    A model that gives each pixel one class cannot see more. Objects that are wholly covered are left out.
    """
    owner = owner_map(objects, classes)
    kept = np.unique(owner[owner >= 0])
    seen = Objects.from_label_map(owner + 1, objects.class_ids.tolist(), objects.scores.tolist())
    return replace(seen, is_crowd=objects.is_crowd[kept]), ids[kept]


def is_judged(class_map: ClassMap) -> NDArray[np.bool_]:
    """Where the label says something, bool (H, W)."""
    return np.asarray(class_map != IGNORE_INDEX)
