"""A data set without a single finding: discs and squares that keep apart, between a sky and a ground."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.factory import annotation, write_labels

HEIGHT, WIDTH, NUM_IMAGES = 96, 128, 12
DISC, SQUARE, SKY, GROUND = 1, 2, 3, 4
SKY_ROWS, GROUND_ROWS = 18, 78
Mask = NDArray[np.bool_]
Document = dict[str, Any]


def make_clean(root: Path) -> Path:
    """Write it into `root`: 12 images of 6 groups, with 4 discs and 4 squares each; their class maps in semantic/."""
    rng = np.random.default_rng(7)
    for folder in ("images", "semantic"):
        (root / folder).mkdir(parents=True)
    document: Document = {
        "images": [],
        "annotations": [],
        "categories": [
            {"id": number, "name": name, "isthing": int(number < SKY)}
            for number, name in ((DISC, "disc"), (SQUARE, "square"), (SKY, "sky"), (GROUND, "ground"))
        ],
    }
    for index in range(NUM_IMAGES):
        name = f"image_{index:03}"
        document["images"].append(
            {"id": index + 1, "file_name": f"{name}.png", "width": WIDTH, "height": HEIGHT, "group": f"g{index // 2}",
             "split": ("train", "train", "train", "train", "val", "test")[index // 2]}
        )  # fmt: skip
        semantic = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
        for category, mask in regions(rng):
            document["annotations"].append(annotation(mask, len(document["annotations"]) + 1, index + 1, category))
            semantic[mask] = category
        Image.fromarray(semantic).save(root / "semantic" / f"{name}.png")
        Image.fromarray(texture(rng)).save(root / "images" / f"{name}.png")
    write_labels(root, document)
    return root


def regions(rng: np.random.Generator) -> list[tuple[int, Mask]]:
    """The class and mask of each region of one image."""
    rows = np.arange(HEIGHT)[:, None] * np.ones((1, WIDTH), dtype=int)
    out = [(SKY, rows < SKY_ROWS), (GROUND, rows >= GROUND_ROWS)]
    for place in range(8):
        y = 34 + 27 * (place // 4) + int(rng.integers(-2, 3))
        x = 16 + 32 * (place % 4) + int(rng.integers(-3, 4))
        size = int(rng.integers(6, 10))
        out.append((DISC, disc(y, x, size)) if place % 4 < 2 else (SQUARE, block(y - size, x - size, 2 * size)))
    return out


def texture(rng: np.random.Generator) -> NDArray[np.uint8]:
    """A picture unlike any other, uint8 (H, W, 3)."""
    coarse = rng.uniform(0, 255, size=(6, 8, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC))


def block(y: int, x: int, height: int, width: int = 0) -> Mask:
    """A rectangle, bool (H, W); a square by default."""
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[y : y + height, x : x + (width or height)] = True
    return mask


def disc(y: float, x: float, radius: float) -> Mask:
    """A disc, bool (H, W)."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return np.asarray((rows - y) ** 2 + (columns - x) ** 2 <= radius**2)
