"""Which pixels a finding is about. Pure.

The kind of a check is read from the words of its name, so that a new check is shown sensibly before anybody teaches
this module about it: without a known word it is about the whole object.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from segwise.types import Mask, Objects

OTHERS = re.compile(r"\bobjects? ((?:\d+(?:, | and )?)+)")  # "object 3", "objects 3, 4 and 5" in a finding's words
Window = tuple[int, int, int, int]  # x0, y0, x1, y1, half-open, pixels of the image

_KINDS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("duplicate",), "mask"),
    (("conflict",), "conflict"),
    (("overlap", "shared"), "shared"),
    (("touch", "contact", "cut"), "contact"),
    (("fragment", "stray pixels"), "lesser parts"),
    (("merged",), "dents"),
)


def kind(check: str) -> str:
    """What is marked for a check: mask, shared, conflict, contact, lesser parts or dents."""
    return next((what for words, what in _KINDS if any(word in check for word in words)), "mask")


def named_objects(came: str) -> tuple[str, ...]:
    """The ids of the other objects that a finding's words name."""
    return tuple(number for match in OTHERS.finditer(came) for number in re.findall(r"\d+", match[1]))


def offending(check: str, things: Objects, index: int, partners: Sequence[int], window: Window) -> Mask:
    """The pixels of an object that are in question, within `window`, bool (h, w).

    Args:
        index: position of the object in `things`.
        partners: positions of the objects that the finding names beside it.
    """
    own, what = cropped(things, index, window), kind(check)
    if what in _OF_PAIR:
        return _OF_PAIR[what](own, _others(things, index, partners, window))
    return _OF_OBJECT[what](own) if what in _OF_OBJECT else own


def offending_in_image(check: str, things: Objects, stuff: Collection[int]) -> Mask:
    """The pixels in question of a finding about a whole image, bool (H, W): those of two objects of one class, or of
    two classes of `stuff`; none for other checks."""
    classes, what = set(things.class_ids.tolist()), kind(check)
    if what == "conflict":
        owned = [_count(things, class_id) > 0 for class_id in sorted(classes & set(stuff))]
        return np.asarray(np.sum(owned, axis=0) > 1) if owned else np.zeros(things.size, dtype=bool)
    out = np.zeros(things.size, dtype=bool)
    if what == "shared":
        for class_id in sorted(classes):
            out |= _count(things, class_id) > 1
    return out


def cropped(things: Objects, index: int, window: Window) -> Mask:
    """An object's mask within `window`, bool (h, w)."""
    left, top, right, bottom = window
    out = np.zeros((bottom - top, right - left), dtype=bool)
    x0, y0, x1, y1 = (int(v) for v in things.boxes_xyxy[index])
    low_x, low_y, high_x, high_y = max(x0, left), max(y0, top), min(x1, right), min(y1, bottom)
    if low_x < high_x and low_y < high_y:
        part = things.crops[index][low_y - y0 : high_y - y0, low_x - x0 : high_x - x0]
        out[low_y - top : high_y - top, low_x - left : high_x - left] = part
    return out


def in_window(things: Objects, window: Window) -> NDArray[np.int64]:
    """Positions of the objects whose boxes reach into `window`, int64."""
    boxes = things.boxes_xyxy
    is_in = (boxes[:, 0] < window[2]) & (boxes[:, 1] < window[3])
    return np.flatnonzero(is_in & (boxes[:, 2] > window[0]) & (boxes[:, 3] > window[1])).astype(np.int64)


def _others(things: Objects, index: int, partners: Sequence[int], window: Window) -> Mask:
    """The pixels of the partners; where none is named, of every other object of the class."""
    alike = (things.class_ids == things.class_ids[index]) & ~things.is_crowd
    chosen = partners or [i for i in in_window(things, window).tolist() if i != index and alike[i]]
    out = np.zeros((window[3] - window[1], window[2] - window[0]), dtype=bool)
    for other in chosen:
        out |= cropped(things, other, window)
    return out


def _count(things: Objects, class_id: int) -> NDArray[np.int32]:
    """How many objects of a class own each pixel, int32 (H, W)."""
    out = np.zeros(things.size, dtype=np.int32)
    for index in np.flatnonzero((things.class_ids == class_id) & ~things.is_crowd):
        x0, y0, x1, y1 = things.boxes_xyxy[index]
        out[y0:y1, x0:x1] += things.crops[index]
    return out


def _shared(own: Mask, others: Mask) -> Mask:
    return own & others


def _contact(own: Mask, others: Mask) -> Mask:
    """The pixels of either side that lie against the other."""
    return (own & _grown(others)) | (others & _grown(own))


def _lesser_parts(own: Mask) -> Mask:
    """Everything but the largest connected part."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(own.astype(np.uint8), connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    return own & (labels != 1 + int(np.argmax(areas))) if len(areas) > 1 else own


def _dents(own: Mask) -> Mask:
    """What lies within the convex hull but not within the mask."""
    rows, columns = np.nonzero(own)
    if not rows.size:
        return own
    hull = cv2.convexHull(np.stack([columns, rows], axis=1).astype(np.int32))
    dents: Mask = (cv2.fillConvexPoly(np.zeros(own.shape, dtype=np.uint8), hull, 1) > 0) & ~own
    return dents if dents.any() else own


def _grown(mask: Mask) -> Mask:
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), dtype=np.uint8)) > 0, dtype=bool)


_OF_PAIR: dict[str, Callable[[Mask, Mask], Mask]] = {"shared": _shared, "contact": _contact}
_OF_OBJECT: dict[str, Callable[[Mask], Mask]] = {"lesser parts": _lesser_parts, "dents": _dents}
