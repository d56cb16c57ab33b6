"""A small picture of the pixels that a finding is about, with what lies around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segwise.report import marks, strokes
from segwise.report.gallery import data_uri
from segwise.report.marks import Window
from segwise.types import Image, Mask, Objects

SIDE_PX = 340  # longest side of a picture
MAX_ZOOM = 12
CONTEXT = 0.7  # of the longer side of what is shown, on each side of it
MIN_CONTEXT_PX = 14

Points = NDArray[np.float64]  # (N, 2), x and y in pixels
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of image `name` as a data URI, what it shows in words, and its place in the image."""

    name: str
    source: str
    alt: str
    place: str


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """One image, what is labelled in it, and the objects' ids in the same order."""

    image: Image
    things: Objects
    numbers: list[str]


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What a picture is about: an object (its position, -1 = none), those it is held against, points of a record as it
    was written, or pixels of the whole image, bool (H, W)."""

    index: int = -1
    partners: Sequence[int] = ()
    points: Points | None = None
    mark: Mask | None = None


def draw(labelled: Labelled, subject: Subject, check: str, words: str, name: str) -> Picture:
    """Draw a subject with its surroundings."""
    window = _window(labelled, subject)
    left, top, right, bottom = window
    zoom = min(SIDE_PX / max(right - left, bottom - top), MAX_ZOOM)
    mark = _mark(labelled, subject, check, window)
    canvas = strokes.scaled(labelled.image[top:bottom, left:right], zoom)
    canvas = strokes.tinted(canvas, mark) if mark.any() and subject.points is None else canvas
    special = {subject.index: strokes.OBJECT, **dict.fromkeys(subject.partners, strokes.PARTNER)}
    around = marks.in_window(labelled.things, window).tolist()
    for index in sorted(around, key=lambda i: (i in special, i == subject.index)):
        mask = marks.cropped(labelled.things, index, window)
        strokes.outline(canvas, mask, zoom, special.get(index, strokes.OTHERS), 2 if index in special else 1)
    if subject.points is not None:
        strokes.path(canvas, subject.points - (left, top), zoom)
    elif mark.any():
        strokes.ring(canvas, mark, zoom)
    return Picture(name, data_uri(canvas, 80), words, _place(window, labelled.image))


def _mark(labelled: Labelled, subject: Subject, check: str, window: Window) -> Mask:
    left, top, right, bottom = window
    if subject.index >= 0:
        return marks.offending(check, labelled.things, subject.index, subject.partners, window)
    whole = subject.mark if subject.mark is not None else np.zeros(labelled.things.size, dtype=bool)
    return whole[top:bottom, left:right]


def _window(labelled: Labelled, subject: Subject) -> Window:
    """Around the subject, with context, square where the image allows; the whole image where there is none."""
    height, width = labelled.image.shape[:2]
    box = _box(labelled, subject)
    if box is None:
        return 0, 0, width, height
    side = max(box[2] - box[0], box[3] - box[1], 1)
    wanted = int(side + 2 * max(MIN_CONTEXT_PX, CONTEXT * side)) + 1
    left, right = _within((box[0] + box[2]) / 2, wanted, width)
    top, bottom = _within((box[1] + box[3]) / 2, wanted, height)
    return left, top, right, bottom


def _box(labelled: Labelled, subject: Subject) -> Box | None:
    if subject.index >= 0:
        return _around(labelled.things, subject)
    if subject.points is not None:
        return _bounds(subject.points)
    if subject.mark is not None and subject.mark.any():
        return _bounds(np.argwhere(subject.mark)[:, ::-1].astype(np.float64))
    return None


def _bounds(points: Points) -> Box:
    (x0, y0), (x1, y1) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return x0, y0, x1, y1


def _around(things: Objects, subject: Subject) -> Box:
    """The object's box, widened to partners that are not much larger than it, and to its points."""
    boxes = things.boxes_xyxy[[subject.index, *subject.partners]].astype(np.float64)
    sides = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    corners = boxes[sides <= 4 * sides[0]].reshape(-1, 2)
    return _bounds(corners if subject.points is None else np.concatenate([corners, subject.points]))


def _within(centre: float, wanted: int, side: int) -> tuple[int, int]:
    """A stretch of `wanted` pixels around `centre`, moved and if need be cut so that it lies in 0 to `side`."""
    length = min(wanted, side)
    low = min(max(int(centre - length / 2), 0), side - length)
    return low, low + length


def _place(window: Window, image: Image) -> str:
    height, width = image.shape[:2]
    if window == (0, 0, width, height):
        return f"whole image, {width} × {height} px"
    return f"x {window[0]} to {window[2]}, y {window[1]} to {window[3]} of {width} × {height} px"
