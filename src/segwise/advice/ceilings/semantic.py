"""Semantic at its best: the perfect class map; an object is a connected component of a countable class. Pure."""

from __future__ import annotations

import cv2
import numpy as np

from segwise.advice.ceilings.labelled import Labelled
from segwise.advice.ceilings.params import CeilingParams
from segwise.predict.maps import Map, at_size, components, objects_from_labels
from segwise.types import ClassMap, Objects, Prediction

WORDS = "perfect class map, connected components"
Point = dict[str, float]
MIN_AREAS_PX = (1.0, 16.0)
POINTS: tuple[Point, ...] = tuple({"min_area_px": area} for area in MIN_AREAS_PX)


def predictions(labels: Labelled, params: CeilingParams) -> list[Prediction]:  # noqa: ARG001  # one signature
    """What it answers at each of POINTS; equal ones are one value."""
    return of_map(labels, labels.class_map)


def of_map(labels: Labelled, class_map: ClassMap) -> list[Prediction]:
    """What a class map, uint8 (H, W), answers at each of POINTS; equal ones are one value."""
    return by_area(Prediction(class_map, _components(labels, class_map)))


def by_area(every: Prediction) -> list[Prediction]:
    """A prediction without its smallest objects, at each of MIN_AREAS_PX: the specks that masks drawn by hand have."""
    out = [every]
    for smallest in MIN_AREAS_PX[1:]:
        kept = every.objects.select(every.objects.areas_px >= smallest)
        out.append(every if len(kept) == len(every.objects) else Prediction(every.class_map, kept))
    return out


def _components(labels: Labelled, class_map: ClassMap) -> Objects:
    found, total = np.zeros(class_map.shape, dtype=np.int32), 0
    present = set(np.unique(class_map).tolist())
    for class_id in (i for i in labels.thing_ids if i in present):
        count, of_class = components((class_map == class_id).view(np.uint8))
        found += np.where(of_class > 0, of_class + total, 0).astype(np.int32, copy=False)
        total += count
    return objects_from_labels(found, total, class_map, np.ones(found.shape, np.float32), 1)


def at_stride(labels: Labelled, stride_px: float) -> ClassMap:
    """The best class map of a network whose output has one cell for `stride_px` image pixels, uint8 (H, W).

    Each cell holds the shares of the classes in it, what logits can say; they are interpolated, and the largest counts.
    """
    class_map = labels.class_map
    height, width = class_map.shape
    small = (max(1, round(width / stride_px)), max(1, round(height / stride_px)))
    best, out = np.zeros(class_map.shape, dtype=np.float32), np.zeros(class_map.shape, dtype=np.uint8)
    for value in np.unique(class_map):
        share = _resampled((class_map == value).astype(np.float32), small)
        out[share > best] = value
        best = np.maximum(best, share)
    return out


def _resampled(plane: Map, small: tuple[int, int]) -> Map:
    shrinks = small[0] <= plane.shape[1]
    coarse = cv2.resize(plane, small, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return at_size(np.asarray(coarse, dtype=np.float32), (plane.shape[0], plane.shape[1]))


def grown(labels: Labelled, band_px: int) -> ClassMap:
    """The class map with the borders of its labelled classes drawn `band_px` too far out, uint8 (H, W).

    Only background is taken: what is labelled stays.
    """
    class_map = labels.class_map
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * band_px + 1, 2 * band_px + 1))
    return np.where(class_map > 0, class_map, cv2.dilate(class_map, kernel)).astype(np.uint8, copy=False)
