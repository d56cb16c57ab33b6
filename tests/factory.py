"""Small synthetic data sets: discs of known places and sizes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask

SIZE = (96, 128)
SPLITS = ("train", "train", "val", "test")
COLOURS = {"fluorescence": ((20, 20, 25), (180, 185, 175)), "histology": ((225, 205, 220), (110, 70, 140))}
MODALITIES = tuple(COLOURS)


def make_dataset(root: Path, num_images: int = 12, seed: int = 0) -> Path:
    """Write a COCO data set of disc images 96 × 128 into `root` and return it.

    Bright discs on dark (fluorescence) and dark on bright (histology) in turn, 3 to 8 an image, some of them touching,
    none overlapping. Two images share a group; groups go to train, train, val, test in turn. One class, "disc".
    """
    rng = np.random.default_rng(seed)
    (root / "images").mkdir(parents=True, exist_ok=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for index in range(num_images):
        labels, modality = draw_discs(rng), MODALITIES[index % 2]
        name = f"image_{index:03}.png"
        Image.fromarray(paint_pixels(labels, modality, rng)).save(root / "images" / name)
        images.append(
            {"id": index + 1, "file_name": name, "width": SIZE[1], "height": SIZE[0], "modality": modality,
             "group": f"g{index // 2:02}", "split": SPLITS[index // 2 % len(SPLITS)]}
        )  # fmt: skip
        for value in range(1, int(labels.max()) + 1):
            annotations.append(annotation(labels == value, len(annotations) + 1, index + 1))
    document = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "disc", "isthing": 1}]}
    write_labels(root, document)
    return root


def annotation(mask: NDArray[np.bool_], number: int, image_id: int, category_id: int = 1) -> dict[str, Any]:
    """A COCO annotation of one mask, bool (H, W)."""
    rle = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {
        "id": number, "image_id": image_id, "category_id": category_id, "iscrowd": 0,
        "segmentation": {"size": list(rle["size"]), "counts": rle["counts"].decode("ascii")},
        "area": int(mask.sum()), "bbox": [float(v) for v in coco_mask.toBbox(rle)],
    }  # fmt: skip


def read_labels(root: Path) -> dict[str, Any]:
    """The label file of `root`."""
    return dict(json.loads((root / "instances.json").read_text(encoding="utf-8")))


def write_labels(root: Path, document: Any) -> None:
    """Write the label file of `root`."""
    (root / "instances.json").write_text(json.dumps(document), encoding="utf-8")


def draw_discs(rng: np.random.Generator, size: tuple[int, int] = SIZE) -> NDArray[np.int32]:
    """A label map of 3 to 8 discs, int32 (H, W); every third one touches the one before it."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    labels = np.zeros(size, dtype=np.int32)
    y, x, radius, found, wanted = 0.0, 0.0, 0.0, 0, int(rng.integers(3, 9))
    for attempt in range(200):
        if found == wanted:
            break
        new_radius = float(rng.uniform(5, 11))
        if found % 3 == 1 and attempt % 4:
            angle, distance = rng.uniform(0, 2 * np.pi), radius + new_radius
            new_y, new_x = y + distance * np.sin(angle), x + distance * np.cos(angle)
        else:
            new_y, new_x = rng.uniform(12, size[0] - 12), rng.uniform(12, size[1] - 12)
        disc = (rows - new_y) ** 2 + (columns - new_x) ** 2 <= new_radius**2
        inside = min(new_y, new_x, size[0] - new_y, size[1] - new_x) > new_radius
        if inside and np.count_nonzero(labels[disc]) <= 0.05 * disc.sum():
            found += 1
            labels[disc & (labels == 0)] = found
            y, x, radius = float(new_y), float(new_x), new_radius
    return labels


def paint_pixels(labels: NDArray[np.int32], modality: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    """An RGB image of the label map, uint8 (H, W, 3), with noise."""
    background, colour = COLOURS[modality]
    pixels = np.where(labels[..., None] > 0, colour, background).astype(np.float64)
    noise = rng.normal(0, 6, size=pixels.shape)
    return np.asarray(np.clip(pixels + noise, 0, 255), dtype=np.uint8)
