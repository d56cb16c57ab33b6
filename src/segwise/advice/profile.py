"""The profile of a data set: what its images and objects are like, in numbers. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwise.dataset.coco import Dataset, ImageRecord
from segwise.dataset.params import ProfileParams
from segwise.dataset.targets import objects, paint
from segwise.types import ClassInfo, Objects

MAX_VALUES = 50  # an attribute with more values than this names images, not kinds


def profile(dataset: Dataset, params: ProfileParams) -> dict[str, Any]:
    """Sum up the data set; JSON-able.

    Diameters (of a disc of the same area) are pixels, coverage and fractions lie in [0, 1]. Crowds are not counted as
    objects. An object touches when another one's mask is at most `touch_distance_px` pixels away (diagonals count).
    """
    measured = [_measure(record, dataset.classes, params.touch_distance_px) for record in dataset.images]
    diameters = np.concatenate([m["diameters"] for m in measured]) if measured else np.zeros(0)
    touching = np.concatenate([m["touching"] for m in measured]) if measured else np.zeros(0, dtype=bool)
    coverage = np.array([m["coverage"] for m in measured])
    counts = np.array([len(m["diameters"]) for m in measured])
    groups = Counter(record.group for record in dataset.images)
    sizes = Counter(f"{record.width}x{record.height}" for record in dataset.images)
    return {
        "num_images": len(dataset.images),
        "num_objects": int(counts.sum()),
        "num_groups": len(groups),
        "largest_group_images": max(groups.values(), default=0),
        "image_sizes": dict(sorted(sizes.items(), key=lambda item: (-item[1], item[0]))),
        "objects_per_image": quantiles(counts, params.quantiles),
        "diameter_px": quantiles(diameters, params.quantiles),
        "coverage": quantiles(coverage, params.quantiles),
        "touching_fraction": round(float(touching.mean()), 6) if touching.size else 0.0,
        "classes": _per_class(dataset, measured),
        "attributes": _per_attribute(dataset, measured),
        "splits": dict(sorted(Counter(record.split or "none" for record in dataset.images).items())),
    }


def quantiles(values: NDArray[Any], levels: Sequence[float]) -> dict[str, float]:
    """The quantiles (`q05` for 0.05) and the mean of values (N,); nothing for no values."""
    if not values.size:
        return {}
    found = zip(levels, np.quantile(values, levels), strict=True)
    return {f"q{round(100 * q):02}": round(float(v), 4) for q, v in found} | {"mean": round(float(values.mean()), 4)}


def touching_objects(things: Objects, distance_px: int) -> NDArray[np.bool_]:
    """Which objects come within `distance_px` of another one, bool (N,). Overlapping objects touch."""
    import cv2  # no other part of this package needs it

    touches = np.zeros(len(things), dtype=bool)
    owner = np.full(things.size, -1, dtype=np.int32)
    for index, ((x0, y0, x1, y1), crop) in enumerate(zip(things.boxes_xyxy, things.crops, strict=True)):
        covered = owner[y0:y1, x0:x1][crop]
        touches[covered[covered >= 0]] = True
        touches[index] = bool((covered >= 0).any())
        owner[y0:y1, x0:x1][crop] = index
    kernel = np.ones((2 * distance_px + 1, 2 * distance_px + 1), dtype=np.uint8)
    for index, ((x0, y0, x1, y1), crop) in enumerate(zip(things.boxes_xyxy, things.crops, strict=True)):
        if not touches[index]:
            window = owner[max(y0 - distance_px, 0) : y1 + distance_px, max(x0 - distance_px, 0) : x1 + distance_px]
            top, left = y0 - max(y0 - distance_px, 0), x0 - max(x0 - distance_px, 0)
            canvas = np.zeros(window.shape, dtype=np.uint8)
            canvas[top : top + y1 - y0, left : left + x1 - x0] = crop
            near = window[cv2.dilate(canvas, kernel).astype(bool)]
            touches[index] = bool(((near >= 0) & (near != index)).any())
    return touches


def _measure(record: ImageRecord, classes: Sequence[ClassInfo], distance_px: int) -> dict[str, Any]:
    everything = objects(record)
    class_map = paint(everything, classes)
    things = everything.select(~everything.is_crowd)
    pixels = np.bincount(class_map.ravel(), minlength=256)
    known = {c.id: int(pixels[c.id]) for c in classes}
    return {
        "class_ids": things.class_ids,
        "diameters": 2 * np.sqrt(things.areas_px / np.pi),
        "touching": touching_objects(things, distance_px),
        "pixels": known,
        "size": class_map.size,
        "coverage": sum(known.values()) / class_map.size,
    }


def _per_class(dataset: Dataset, measured: Sequence[dict[str, Any]]) -> dict[str, Any]:
    total = sum(m["size"] for m in measured)
    out = {}
    for c in dataset.classes:
        per_image = [int(np.count_nonzero(m["class_ids"] == c.id)) for m in measured]
        covered = sum(m["pixels"][c.id] for m in measured)
        out[c.name] = {
            "isthing": c.isthing,
            "num_objects": sum(per_image),
            "num_images": sum(n > 0 for n in per_image),
            "coverage": round(covered / total, 6) if total else 0.0,
        }
    return out


def _per_attribute(dataset: Dataset, measured: Sequence[dict[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name in sorted({key for record in dataset.images for key in record.attributes}):
        values = [record.attributes.get(name, "") for record in dataset.images]
        if len(set(values)) > MAX_VALUES:
            continue
        out[name] = {value: _slice(value, values, measured) for value in sorted(set(values))}
    return out


def _slice(value: str, values: Sequence[str], measured: Sequence[dict[str, Any]]) -> dict[str, Any]:
    chosen = [m for m, v in zip(measured, values, strict=True) if v == value]
    diameters = np.concatenate([m["diameters"] for m in chosen])
    return {
        "num_images": len(chosen),
        "num_objects": int(diameters.size),
        "median_diameter_px": round(float(np.median(diameters)), 2) if diameters.size else None,
        "coverage": round(float(np.mean([m["coverage"] for m in chosen])), 6),
    }
