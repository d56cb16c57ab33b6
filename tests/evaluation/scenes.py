"""Random scenes of overlapping rectangles with predictions that are shifted, missing, doubled or invented."""

from __future__ import annotations

from typing import Any

import numpy as np

from segwise.types import Objects


def rectangles(
    random: np.random.Generator, size: tuple[int, int], num: int, num_classes: int, sides: tuple[int, int]
) -> tuple[list[np.ndarray], list[int]]:
    masks = []
    for _ in range(num):
        height, width = random.integers(*sides, 2)
        y, x = random.integers(0, size[0] - 4), random.integers(0, size[1] - 4)
        mask = np.zeros(size, dtype=bool)
        mask[y : y + height, x : x + width] = True
        masks.append(mask)
    return masks, random.integers(1, num_classes + 1, num).tolist()


def scene(seed: int, num_classes: int = 2, *, crowds: bool = True, tied: bool = False) -> tuple[Objects, Objects]:
    """(truth, predicted) of one image; scores may be tied, masks overlap, sides reach from small to large."""
    random = np.random.default_rng(seed)
    size = (140, 180)
    num = int(random.integers(0, 14))
    masks, classes = rectangles(random, size, num, num_classes, (4, 110 if seed % 3 else 40))
    is_crowd = [bool(crowds and random.random() < 0.15) for _ in masks]
    truth = Objects.from_masks(masks, classes, [1.0] * num, size, is_crowd)
    found, labels = rectangles(random, size, int(random.integers(0, 6)), num_classes, (4, 60))
    for mask, label in zip(masks, classes, strict=True):
        for _ in range(int(random.choice([0, 1, 1, 1, 2]))):
            found.append(np.roll(mask, random.integers(-4, 5, 2), axis=(0, 1)))
            labels.append(label)
    scores = random.random(len(found))
    return truth, Objects.from_masks(found, labels, np.round(scores, 1) if tied else scores, size)


def coco_documents(
    scenes: list[tuple[Objects, Objects]], num_classes: int
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The scenes as a COCO data set and COCO results."""
    images, annotations, results = [], [], []
    for image_id, (truth, predicted) in enumerate(scenes, start=1):
        images.append({"id": image_id, "height": truth.size[0], "width": truth.size[1]})
        for index, rle in enumerate(truth.rles()):
            annotations.append(
                {
                    "id": len(annotations) + 1, "image_id": image_id, "category_id": int(truth.class_ids[index]),
                    "iscrowd": int(truth.is_crowd[index]), "area": int(truth.areas_px[index]), "segmentation": rle,
                    "bbox": [0, 0, 1, 1],
                }
            )  # fmt: skip
        order = np.argsort(-predicted.scores, kind="stable")
        rles = predicted.rles()
        for index in order:
            results.append(
                {
                    "image_id": image_id, "category_id": int(predicted.class_ids[index]), "segmentation": rles[index],
                    "score": float(predicted.scores[index]),
                }
            )  # fmt: skip
    categories = [{"id": i, "name": str(i)} for i in range(1, num_classes + 1)]
    return {"images": images, "annotations": annotations, "categories": categories, "info": {}}, results
