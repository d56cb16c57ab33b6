"""The contrast of an image: what training and serving do to its pixel values before anything else. Pure."""

from __future__ import annotations

import cv2
import numpy as np

from segwise.types import Contrast, Image

DARK, BRIGHT = 0.005, 0.998  # shares of the values at or below black, and at or below white
MIN_RANGE = 16  # black to white is at least this, so that the noise of an empty image is not made to fill the range


def set_contrast(image: Image, contrast: Contrast) -> Image:
    """The image with its values as the networks are given them, uint8 (H, W, 3).

    `as_is` changes nothing. `stretched` scales each image's own range linearly to 0..255 and clips what lies outside:
    from the quantile 0.005 of all its values to the quantile 0.998, the channels together, so that colours keep their
    hue. (Cellpose scales by quantiles too, 0.01 to 0.99: Stringer et al. 2021, doi:10.1038/s41592-020-01018-x.)
    """
    if contrast == "as_is":
        return image
    share = np.cumsum(np.bincount(image.reshape(-1), minlength=256)) / image.size
    black, white = int(np.searchsorted(share, DARK)), int(np.searchsorted(share, BRIGHT))
    scaled = (np.arange(256) - black) * (255 / max(white - black, MIN_RANGE))
    table = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table), dtype=np.uint8)
