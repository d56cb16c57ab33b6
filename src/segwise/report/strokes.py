"""Drawing on a small picture: outlines along pixel edges, tinted pixels, points, rings. Pure."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from segwise.types import Image, Mask

OBJECT, PARTNER, OTHERS, MARK = (0, 225, 160), (255, 176, 0), (235, 240, 245), (255, 0, 110)  # RGB
MARK_FILL = 0.55
SMALL_PX = 40  # marked pixels that spread less on the picture get a ring

Colour = tuple[int, int, int]


def scaled(image: Image, zoom: float) -> Image:
    """The image `zoom` times as large; much enlarged ones keep their pixels square."""
    size = (max(round(image.shape[1] * zoom), 1), max(round(image.shape[0] * zoom), 1))
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_NEAREST if zoom >= 4 else cv2.INTER_CUBIC
    return np.ascontiguousarray(cv2.resize(image, size, interpolation=how), dtype=np.uint8)


def tinted(canvas: Image, mark: Mask) -> Image:
    """The canvas with the marked pixels (bool, at the size before scaling) tinted, however small they become."""
    size = (canvas.shape[1], canvas.shape[0])
    how = cv2.INTER_AREA if canvas.shape[0] < mark.shape[0] else cv2.INTER_NEAREST
    share = cv2.resize(mark.astype(np.float32), size, interpolation=how)
    alpha = MARK_FILL * np.minimum(share * 3, 1)[..., None]
    return np.rint(canvas * (1 - alpha) + np.array(MARK) * alpha).astype(np.uint8)


def outline(canvas: Image, mask: Mask, zoom: float, colour: Colour, thickness: int) -> None:
    """Draw the outline of a mask (at the size before scaling) along the edges of its pixels, holes too."""
    step = max(round(zoom), 1)  # whole steps keep pixel edges where they are
    grown = np.pad(np.repeat(np.repeat(mask, step, axis=0), step, axis=1), 1).astype(np.uint8)
    contours, _ = cv2.findContours(grown, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    for contour in contours:
        points = np.rint((contour.astype(np.float64) - 0.5) * (zoom / step) * 16 - 8).astype(np.int32)
        cv2.polylines(canvas, [points], True, colour, thickness, cv2.LINE_AA, shift=4)


def path(canvas: Image, points: NDArray[np.float64], zoom: float) -> None:
    """Draw the points (x, y) of a shape, joined in their order; single points are dots where they are few."""
    placed = np.rint(np.clip(points * zoom, -4000, 4000)).astype(np.int32)
    cv2.polylines(canvas, [placed.reshape(-1, 1, 2)], True, MARK, 1, cv2.LINE_AA)
    for x, y in placed.tolist() if len(placed) <= 12 else []:
        cv2.circle(canvas, (x, y), 3, MARK, cv2.FILLED, cv2.LINE_AA)


def ring(canvas: Image, mark: Mask, zoom: float) -> None:
    """Draw a ring around marked pixels that are too few to catch the eye."""
    rows, columns = np.nonzero(mark)
    spread = max(np.ptp(rows), np.ptp(columns)) + 1 if rows.size else SMALL_PX
    if spread * zoom < SMALL_PX:
        centre = (round((columns.mean() + 0.5) * zoom), round((rows.mean() + 0.5) * zoom))
        cv2.circle(canvas, centre, round(spread * zoom * 0.7) + 12, MARK, 2, cv2.LINE_AA)
