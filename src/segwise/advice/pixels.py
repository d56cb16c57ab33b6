"""What an image looks like, in numbers: light, contrast, sharpness, noise, colour. Pure.

All of it is measured on the 8-bit RGB pixels that the networks see.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from segwise.types import Image, Mask

GREY_TOLERANCE = 1.0  # mean difference of channels, grey levels: JPEG stores a grey picture with about this much colour
_NOISE_KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Appearance:
    """One image. Levels are 0 to 255.

    Attributes:
        brightness: mean grey level.
        contrast: 99th − 1st percentile of the grey levels.
        sharpness: root mean square of the Laplacian over the standard deviation of the grey levels; 0 = flat. Bare of
            contrast, so that a dark and a bright image of the same focus agree; noise raises it.
        noise: standard deviation of the noise, levels (Immerkær 1996, Fast Noise Variance Estimation).
        levels: number of grey levels that occur.
        is_grey: red, green and blue agree.
        object_contrast: mean level of labelled objects − mean level of unlabelled pixels; NaN where one is missing.
        background_spread: standard deviation of the unlabelled pixels' levels; NaN where there are none.
    """

    brightness: float
    contrast: float
    sharpness: float
    noise: float
    levels: int
    is_grey: bool
    object_contrast: float
    background_spread: float


def look(image: Image, grey: NDArray[np.uint8], is_object: Mask, is_unlabelled: Mask) -> Appearance:
    """Measure one image, uint8 (H, W, 3) and in grey (H, W), with its objects' and unlabelled pixels, bool (H, W)."""
    histogram = np.bincount(grey.ravel(), minlength=256)
    low, high = np.searchsorted(histogram.cumsum(), np.array([0.01, 0.99]) * grey.size)
    inside, outside = grey[is_object], grey[is_unlabelled]
    return Appearance(
        brightness=float(grey.mean()),
        contrast=float(high - low),
        sharpness=sharpness(grey),
        noise=noise(grey),
        levels=int(np.count_nonzero(histogram)),
        is_grey=is_grey(image),
        object_contrast=float(inside.mean() - outside.mean()) if inside.size and outside.size else math.nan,
        background_spread=float(outside.std()) if outside.size else math.nan,
    )


def sharpness(grey: NDArray[np.uint8]) -> float:
    """Root mean square of the Laplacian over the standard deviation; 0 for a flat image."""
    spread = float(grey.std())
    edges = np.asarray(cv2.Laplacian(grey, cv2.CV_32F))
    return float(np.sqrt(np.square(edges).mean())) / spread if spread > 0 else 0.0


def noise(grey: NDArray[np.uint8]) -> float:
    """Standard deviation of the noise in grey levels: √(π/2) / 6 · mean |image ∗ kernel| (Immerkær 1996)."""
    answer = np.asarray(cv2.filter2D(grey, cv2.CV_32F, _NOISE_KERNEL))[1:-1, 1:-1]
    return float(math.sqrt(math.pi / 2) / 6 * np.abs(answer).mean()) if answer.size else 0.0


def is_grey(image: Image) -> bool:
    """Whether the channels agree but for compression."""
    red, *others = cv2.split(image)
    return all(cv2.mean(cv2.absdiff(red, other))[0] <= GREY_TOLERANCE for other in others)
