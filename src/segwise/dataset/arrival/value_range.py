"""The range of pixel values that a data set of deep images (more than 8 bits a channel) uses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from segwise.dataset.images import Range, deep_values

QUANTILES = (0.001, 0.999)  # a few hot or dead pixels must not decide the range of all
MAX_IMAGES, PIXELS_PER_IMAGE = 1000, 20_000


def measure(images: Sequence[Path | bytes]) -> Range:
    """The 0.1 % and 99.9 % quantiles of the pixel values of all images together.

    At most 1000 images are read, evenly spaced, and 20,000 evenly spaced values of each; the same images give the same
    range. A constant set gets a range of one above its value.

    Raises:
        DataInvalidError: an image cannot be decoded.
    """
    chosen = images[:: max(1, -(-len(images) // MAX_IMAGES))]
    values = np.concatenate([_some(deep_values(image).ravel()) for image in chosen])
    low, high = (float(v) for v in np.quantile(values.astype(np.float64), QUANTILES))
    return (low, high) if high > low else (low, low + 1.0)


def _some(values: np.ndarray) -> np.ndarray:
    return values[:: max(1, values.size // PIXELS_PER_IMAGE)]


def outside(known: Range, found: Range) -> bool:
    """Whether new images lie outside the known range by more than a tenth of it: they would be clipped."""
    margin = (known[1] - known[0]) / 10
    return found[0] < known[0] - margin or found[1] > known[1] + margin
