"""Masks as SVG paths over a small WebP picture: sharp at any size, light, and to be hidden by the reader. Pure."""

from __future__ import annotations

import base64

import cv2
import numpy as np
from numpy.typing import NDArray

from segwise.types import Image, Mask, Objects

SHOWN_PX = 560  # longest side of a picture
QUALITY = 72  # of WebP


def webp_uri(image: Image) -> str:
    """An RGB picture, uint8 (H, W, 3), as a WebP data URI of at most SHOWN_PX on its longest side."""
    shrink = min(1.0, SHOWN_PX / max(image.shape[:2]))
    if shrink < 1:
        small = cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        image = np.asarray(small, dtype=np.uint8)
    data = cv2.imencode(".webp", image[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, QUALITY])[1]
    return f"data:image/webp;base64,{base64.b64encode(data.tobytes()).decode('ascii')}"


def outlines(objects: Objects, chosen: NDArray[np.int64], shrink: float) -> str:
    """The outlines of some objects, for a picture `shrink` times smaller than the image."""
    return "".join(
        _path(objects.crops[i], int(objects.boxes_xyxy[i, 0]), int(objects.boxes_xyxy[i, 1]), shrink)
        for i in chosen.tolist()
    )


def area(mask: Mask, shrink: float) -> str:
    """The outline of a mask, bool (H, W), without its specks."""
    if not mask.any():
        return ""
    side = 2 * round(shrink) + 1
    calm = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    return _path(np.asarray(calm, dtype=bool), 0, 0, 2 * shrink)


def _path(mask: Mask, x0: int, y0: int, shrink: float) -> str:
    """SVG path data of a mask's outline along its pixels' edges, in half pixels, to half a pixel of the picture."""
    doubled = np.pad(np.repeat(np.repeat(mask, 2, axis=0), 2, axis=1), 1).astype(np.uint8)
    contours, _ = cv2.findContours(doubled, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    out = []
    for contour in contours:
        points = cv2.approxPolyDP(contour, 1.0 * shrink, True)[:, 0] + (2 * x0 - 1, 2 * y0 - 1)
        if len(points) > 2:
            steps = np.diff(points, axis=0).ravel().tolist()
            out.append(f"M{points[0, 0]} {points[0, 1]}l{' '.join(map(str, steps))}z")
    return "".join(out)
