"""Does colour tell the classes apart? Pure."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from segwise.types import Image, Objects


def chroma(image: Image, things: Objects) -> NDArray[np.float64]:
    """Mean (a*, b*) of CIE L*a*b* of each object, float (N, 2): its colour without its lightness."""
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    out = np.zeros((len(things), 2))
    for index, ((x0, y0, x1, y1), crop) in enumerate(zip(things.boxes_xyxy, things.crops, strict=True)):
        out[index] = cv2.mean(lab[y0:y1, x0:x1], crop.view(np.uint8))[1:3]
    return out - 128


def told_by_colour(colours: NDArray[np.float64], class_ids: NDArray[np.int64], groups: NDArray[np.int64]) -> float:
    """How well an object's mean colour alone names its class: 0 = as guessing, 1 = always.

    (accuracy − 1/K) / (1 − 1/K), accuracy = mean over the K classes of the share named rightly by the nearest class
    mean, which is taken from the other half of the groups. NaN for fewer than two classes in both halves.

    Args:
        colours: float (N, 2). class_ids, groups: int (N,).
    """
    half = np.unique(groups, return_inverse=True)[1] % 2
    classes = [c for c in np.unique(class_ids) if set(half[class_ids == c]) == {0, 1}]
    if len(classes) < 2:
        return math.nan
    right = np.zeros(len(class_ids), dtype=bool)
    for part in (0, 1):
        means = np.array([colours[(half != part) & (class_ids == c)].mean(axis=0) for c in classes])
        nearest = np.square(colours[:, None] - means).sum(axis=2).argmin(axis=1)
        right[half == part] = (np.array(classes)[nearest] == class_ids)[half == part]
    accuracy = float(np.mean([right[class_ids == c].mean() for c in classes]))
    return max((accuracy - 1 / len(classes)) / (1 - 1 / len(classes)), 0.0)
