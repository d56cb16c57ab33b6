"""Small data sets of given masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.factory import annotation, write_labels


@dataclass(frozen=True)
class Labelled:
    """One object: mask bool (H, W), category id, and whether it is an ignore region."""

    mask: np.ndarray
    category_id: int = 1
    is_crowd: bool = False


CATEGORIES = ({"id": 1, "name": "cell"}, {"id": 4, "name": "street: wet", "isthing": 0}, {"id": 9, "name": "window"})
NAMES = {1: "cell", 4: "street: wet", 9: "window"}


def make_set(
    root: Path,
    images: dict[str, Sequence[Labelled]],
    size: tuple[int, int] = (24, 30),
    categories: Sequence[dict[str, Any]] = CATEGORIES,
    **extra: Any,
) -> Path:
    """Write a data set of these images, each `size` (height, width), with `extra` keys in every image's entry."""
    annotations: list[dict[str, Any]] = []
    entries = []
    for number, (name, objects) in enumerate(images.items(), start=1):
        path = root / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((*size, 3), number % 256, dtype=np.uint8)).save(path)
        entries.append({"id": number, "file_name": name, "width": size[1], "height": size[0], **extra})
        for labelled in objects:
            entry = annotation(labelled.mask, len(annotations) + 1, number, labelled.category_id)
            annotations.append(entry | {"iscrowd": int(labelled.is_crowd)})
    write_labels(root, {"images": entries, "annotations": annotations, "categories": list(categories)})
    return root


def box(y0: int, x0: int, y1: int, x1: int, size: tuple[int, int] = (24, 30)) -> np.ndarray:
    """A rectangle, half-open, bool (H, W)."""
    out = np.zeros(size, dtype=bool)
    out[y0:y1, x0:x1] = True
    return out
