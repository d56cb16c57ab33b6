"""Pictures with structure everywhere, so that edges and corners say where they come from."""

from __future__ import annotations

import cv2
import numpy as np

from segwise.types import Image


def texture(seed: int, size: tuple[int, int] = (192, 256), grain_px: int = 8, noise: float = 2.0) -> Image:
    """Blotches of about `grain_px` pixels with camera noise, uint8 (H, W, 3)."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(30, 220, (size[0] // grain_px + 2, size[1] // grain_px + 2, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(smooth + rng.normal(0, noise, smooth.shape), 0, 255), np.uint8)


def quarters(image: Image) -> list[Image]:
    """Top left, top right, bottom left, bottom right."""
    h, w = image.shape[0] // 2, image.shape[1] // 2
    return [np.ascontiguousarray(image[y : y + h, x : x + w]) for y in (0, h) for x in (0, w)]
