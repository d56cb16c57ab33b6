"""What the splits should have equal shares of: classes, objects, pixels, counts and attributes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from segwise.dataset.coco import ImageRecord
from segwise.types import ClassInfo

MAX_VALUES = 20  # an attribute with more values names images, it does not describe them
_IMAGES_WEIGHT = 3.0  # the number of images counts as much as three of the other families


@dataclass(frozen=True, slots=True, eq=False)
class Amounts:
    """What each image brings.

    Attributes:
        names: (kind, name) of each of the C columns; kinds are images, class_images, class_objects, class_pixels,
            objects_per_image and attribute.
        values: float64 (N, C), per image, at least 0.
        weights: float64 (C,); those of a kind (of an attribute) add up to 1.
    """

    names: tuple[tuple[str, str], ...]
    values: NDArray[np.float64]
    weights: NDArray[np.float64]


def amounts(records: Sequence[ImageRecord], classes: Sequence[ClassInfo]) -> Amounts:
    """Count what each image brings. Crowds are not counted; the size of the image is an attribute."""
    objects, pixels = np.zeros((2, len(records), len(classes)))
    for row, record in enumerate(records):
        for annotation in record.annotations:
            if not annotation.is_crowd:
                objects[row, annotation.class_id - 1] += 1
                pixels[row, annotation.class_id - 1] += int(coco_mask.area(annotation.rle))
    names = [c.name for c in classes]
    columns = [("images", ["all"], np.ones((len(records), 1)), _IMAGES_WEIGHT)]
    columns += [("class_images", names, (objects > 0).astype(float), 1.0)]
    columns += [("class_objects", names, objects, 1.0), ("class_pixels", names, pixels, 1.0)]
    columns += [("objects_per_image", *_one_hot([_bin(int(n)) for n in objects.sum(axis=1)]), 1.0)]
    columns += [("attribute", *_one_hot(values), 1.0) for values in _attributes(records)]
    used = [(kind, labels, values, weight / max(len(labels), 1)) for kind, labels, values, weight in columns]
    return Amounts(
        tuple((kind, label) for kind, labels, _, _ in used for label in labels),
        np.concatenate([values for _, _, values, _ in used], axis=1),
        np.concatenate([np.full(len(labels), weight) for _, labels, _, weight in used]),
    )


def table(found: Amounts, parts: Sequence[str | None], fractions: dict[str, float]) -> dict[str, Any]:
    """Each amount's sum in each split, its share of the whole, and how far that is from the fraction wanted.

    Args:
        parts: each image's split; None takes no part.

    Returns:
        rows: `{kind, name, <split>: {amount, share}, error}`; `error` is how far the worst share is from its fraction.
        max_error, mean_error: over all rows; images_error: of the number of images.
    """
    inside = {split: np.array([p == split for p in parts], bool) for split in fractions}
    sums = {split: found.values[mask].sum(axis=0) for split, mask in inside.items()}
    total = np.maximum(sum(sums.values(), np.zeros(len(found.names))), 1e-12)
    shares = {split: values / total for split, values in sums.items()}
    off = np.max([np.abs(shares[split] - fraction) for split, fraction in fractions.items()], axis=0)
    errors: list[float] = off.round(4).tolist()
    rows = []
    for column, (kind, name) in enumerate(found.names):
        cells = {s: {"amount": int(sums[s][column]), "share": round(float(shares[s][column]), 4)} for s in fractions}
        rows.append({"kind": kind, "name": name, **cells, "error": errors[column]})
    return {
        "rows": rows,
        "images_error": errors[0],
        "max_error": max(errors),
        "mean_error": round(float(np.mean(errors)), 4),
    }


def _attributes(records: Sequence[ImageRecord]) -> list[list[str]]:
    """The values of each attribute that describes images, as `name: value`."""
    keys = sorted({key for record in records for key in record.attributes})
    columns = [[f"{key}: {record.attributes.get(key, 'none')}" for record in records] for key in keys]
    columns.append([f"size: {record.width} × {record.height}" for record in records])
    return [values for values in columns if 1 < len(set(values)) <= min(MAX_VALUES, len(records) // 2)]


def _bin(count: int) -> str:
    """0, 1, 2-3, 4-7, 8-15 …: the same for every data set, so that more data changes no image's bin."""
    low = 1 << (count.bit_length() - 1) if count else 0
    return str(low) if low < 2 else f"{low}-{2 * low - 1}"


def _one_hot(values: Sequence[str]) -> tuple[list[str], NDArray[np.float64]]:
    labels = sorted(set(values))
    return labels, np.array([[value == label for label in labels] for value in values], float).reshape(len(values), -1)
