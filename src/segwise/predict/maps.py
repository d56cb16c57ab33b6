"""What the dense approaches share: network maps at image size, class maps, and objects cut from a label map."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from segwise.types import ClassInfo, ClassMap, Objects

Map = NDArray[np.float32]
Labels = NDArray[np.int32]


def at_size(plane: Map, size: tuple[int, int]) -> Map:
    """One network map, float32 (h, w), bilinearly resampled to `size` (H, W)."""
    if plane.shape == size:
        return plane
    return np.asarray(cv2.resize(plane, size[::-1], interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def class_probabilities(logits: Map, size: tuple[int, int]) -> Map:
    """Probabilities of the classes 1..K at image size, float32 (K, H, W), from logits (1, K + 1, h, w).

    Two classes need one plane only: the softmax of two logits is the sigmoid of their difference.
    """
    if logits.shape[1] == 2:
        difference = at_size(np.ascontiguousarray(logits[0, 1] - logits[0, 0]), size)
        sigmoid = 1.0 / (1.0 + np.exp(-np.clip(difference, -40, 40)))
        return np.asarray(sigmoid, dtype=np.float32)[None]
    planes = np.stack([at_size(np.ascontiguousarray(plane), size) for plane in logits[0]])
    planes = np.exp(planes - planes.max(axis=0))
    return np.asarray(planes[1:] / planes.sum(axis=0), dtype=np.float32)


def class_map_of(probabilities: Map, foreground: float) -> tuple[ClassMap, Map]:
    """The class map and the foreground probability, float32 (H, W).

    A pixel is foreground where the classes 1..K together reach `foreground`; it takes the likeliest of them.
    """
    if len(probabilities) == 1:
        total = probabilities[0]
        return (total >= foreground).astype(np.uint8), total
    total = probabilities.sum(axis=0)
    best = probabilities.argmax(axis=0).astype(np.uint8) + np.uint8(1)
    return np.where(total >= foreground, best, np.uint8(0)).astype(np.uint8, copy=False), total


def thing_mask(class_map: ClassMap, classes: Sequence[ClassInfo]) -> NDArray[np.uint8]:
    """1 where the pixel's class is countable, uint8 (H, W)."""
    table = np.zeros(256, dtype=np.uint8)
    table[[c.id for c in classes if c.isthing]] = 1
    return table[class_map]


def components(mask: NDArray[np.uint8]) -> tuple[int, Labels]:
    """8-connected components: their number and a map int32 (H, W), 0 = none, 1..n."""
    count, labels = cv2.connectedComponents(mask, connectivity=8, ltype=cv2.CV_32S)
    return count - 1, np.asarray(labels, dtype=np.int32)


def objects_from_labels(
    labels: Labels, num_labels: int, class_map: ClassMap, probability: Map, min_area_px: float, peak: Map | None = None
) -> Objects:
    """Objects of a label map, best score first, those under `min_area_px` dropped.

    Score = mean foreground probability, times the object's highest value of `peak` where one is given.
    Class = the commonest among its pixels.
    """
    inside = np.flatnonzero(labels)
    owner = labels.ravel()[inside]
    area = np.bincount(owner, minlength=num_labels + 1)
    score = np.bincount(owner, probability.ravel()[inside], num_labels + 1) / np.maximum(area, 1)
    if peak is not None:
        highest = np.zeros(num_labels + 1, dtype=np.float32)
        np.maximum.at(highest, owner, peak.ravel()[inside])
        score = score * highest
    objects = Objects.from_label_map(
        labels, _majority(owner, class_map.ravel()[inside], num_labels), score[1:].tolist()
    )
    present = np.flatnonzero(area[1:] > 0)  # from_label_map dropped the others
    order = np.lexsort((present, -objects.scores))
    return objects.select(order[area[1:][present][order] >= min_area_px])


def _majority(owner: NDArray[np.int32], values: ClassMap, num_labels: int) -> list[int]:
    num_values = int(values.max(initial=0)) + 1
    table = np.bincount(owner.astype(np.int64) * num_values + values, minlength=(num_labels + 1) * num_values)
    return [int(v) for v in table.reshape(num_labels + 1, num_values).argmax(axis=1)[1:]]
