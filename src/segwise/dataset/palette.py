"""The colours of Pascal VOC's label maps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def voc(size: int = 256) -> NDArray[np.uint8]:
    """VOC's colours, uint8 (size, 3): bit 3k + c of an index is bit 7 - k of channel c.

    Source: VOClabelcolormap of the VOC development kit.
    """
    index = np.arange(size)
    out = np.zeros((size, 3), dtype=np.uint8)
    for bit in range(8):
        for channel in range(3):
            out[:, channel] |= ((index >> (3 * bit + channel) & 1) << (7 - bit)).astype(np.uint8)
    return out
