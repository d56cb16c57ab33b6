"""Perfect network outputs made from labels, and pictures of touching discs. Seeded, tiny."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from segwise.spec import ClassSpec, ModelSpec
from segwise.types import Objects


def discs(
    size: tuple[int, int], num: int, seed: int, num_classes: int = 1, radius: tuple[int, int] = (6, 11)
) -> Objects:
    """Discs that may touch but never overlap, classes in turn."""
    random = np.random.default_rng(seed)
    labels, classes = np.zeros(size, dtype=np.int32), []
    rows, columns = np.mgrid[: size[0], : size[1]]
    for _ in range(50 * num):
        if len(classes) == num:
            break
        r = int(random.integers(*radius))
        y, x = int(random.integers(r, size[0] - r)), int(random.integers(r, size[1] - r))
        disc = (rows - y) ** 2 + (columns - x) ** 2 < r * r
        if not labels[disc].any():
            labels[disc] = len(classes) + 1
            classes.append(len(classes) % num_classes + 1)
    return Objects.from_label_map(labels, classes, [1.0] * len(classes))


def label_map(objects: Objects) -> NDArray[np.int32]:
    out = np.zeros(objects.size, dtype=np.int32)
    for index, ((x0, y0, x1, y1), crop) in enumerate(zip(objects.boxes_xyxy, objects.crops, strict=True)):
        out[y0:y1, x0:x1][crop] = index + 1
    return out


def dense_outputs(objects: Objects, num_classes: int, zoom: float) -> dict[str, NDArray[np.float32]]:
    """What perfect semantic and hybrid heads answer at stride 2 of the zoomed image."""
    height, width = (2 * round(side * zoom / 2) for side in objects.size)
    size = (height // 2, width // 2)
    labels = label_map(objects)
    small = cv2.resize(labels.astype(np.float32), size[::-1], interpolation=cv2.INTER_NEAREST).astype(np.int32)
    classes = np.concatenate([[0], objects.class_ids])[small]
    logits = np.stack([np.where(classes == c, 6.0, -6.0) for c in range(num_classes + 1)])[None]
    centre, offset, distance = np.zeros(size), np.zeros((2, *size)), np.zeros(size)
    rows, columns = np.mgrid[: size[0], : size[1]]
    for index in range(1, len(objects) + 1):
        mask = small == index
        if mask.any():
            y, x = rows[mask].mean(), columns[mask].mean()
            centre = np.maximum(centre, np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 18))
            offset[:, mask] = 2 * np.stack([y - rows[mask], x - columns[mask]])
            depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
            distance[mask] = (depth / depth.max())[mask]
    out = {"logits": logits, "center": centre[None, None], "offset": offset[None], "distance": distance[None, None]}
    return {name: value.astype(np.float32) for name, value in out.items()}


def instance_outputs(objects: Objects, cells: int = 28) -> dict[str, NDArray[np.generic]]:
    """What a perfect instance head answers: masks resampled into their boxes, boxes in image pixels."""
    masks = [cv2.resize(c.astype(np.float32), (cells, cells), interpolation=cv2.INTER_LINEAR) for c in objects.crops]
    return {
        "boxes": objects.boxes_xyxy.astype(np.float32),
        "labels": objects.class_ids,
        "scores": np.linspace(0.99, 0.6, len(objects), dtype=np.float32),
        "masks": np.array(masks, dtype=np.float32).reshape(-1, cells, cells),
    }


def spec(approach: str, num_classes: int = 1, zoom: float = 1.0, digest: str = "0" * 64) -> ModelSpec:
    classes = tuple(ClassSpec(id=i, name=f"class{i}", isthing=True) for i in range(1, num_classes + 1))
    return ModelSpec(
        approach=approach, classes=classes, zoom=zoom, stride_px=32, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4),
        onnx_sha256=digest,
    )  # fmt: skip
