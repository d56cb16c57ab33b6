"""What shapes alone say of the objects found: convexity, contact, the image's edge, how many parts there seem to be.

All in image pixels.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from segwise.predict.maps import components
from segwise.types import Objects

CORE_PX = 1.5  # a part's middle is at least this far from its outline
APART = 5  # side of the window in which only one middle can lie, pixels


def solidity(objects: Objects) -> NDArray[np.float64]:
    """Pixels over the pixels in the convex hull, float64 (N,), in (0, 1]: 1 for a disc, .88 for two that touch.

    Pixels in a hull of area A with B pixels on its border: A + B / 2 + 1 (Pick's theorem).
    """
    out = np.ones(len(objects))
    for index, crop in enumerate(objects.crops):
        contours, _ = cv2.findContours(crop.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        hull = np.asarray(cv2.convexHull(np.concatenate(contours)), dtype=np.int32)
        steps = np.abs(np.diff(hull[:, 0], axis=0, append=hull[:1, 0]))
        border = int(np.gcd(steps[:, 0], steps[:, 1]).sum())
        out[index] = np.count_nonzero(crop) / (float(cv2.contourArea(hull)) + border / 2 + 1)
    return out


def at_edge(objects: Objects) -> NDArray[np.bool_]:
    """Which objects reach the image's edge, bool (N,)."""
    boxes, (height, width) = objects.boxes_xyxy, objects.size
    return np.asarray((boxes[:, :2] == 0).any(axis=1) | (boxes[:, 2] == width) | (boxes[:, 3] == height), dtype=bool)


def union(objects: Objects) -> NDArray[np.uint8]:
    """1 where any object lies, uint8 (H, W)."""
    out = np.zeros(objects.size, dtype=np.uint8)
    for (x0, y0, x1, y1), crop in zip(objects.boxes_xyxy, objects.crops, strict=True):
        out[y0:y1, x0:x1] |= crop.view(np.uint8)
    return out


def num_parts(mask: NDArray[np.uint8]) -> int:
    """How many parts the mask, uint8 (H, W), seems to have: the peaks of the distance to its outline.

    A component too thin for a peak counts as one part.
    """
    whole, labels = components(mask)
    depth = np.asarray(cv2.distanceTransform(np.pad(mask, 1), cv2.DIST_L2, cv2.DIST_MASK_3), dtype=np.float32)
    depth = depth[1:-1, 1:-1]
    highest = cv2.dilate(depth, np.ones((APART, APART), dtype=np.uint8))
    peaks, _ = components(((depth >= highest) & (depth >= CORE_PX)).view(np.uint8))
    deep = np.unique(labels[depth >= CORE_PX])
    return peaks + whole - int(np.count_nonzero(deep))
