"""Check one raw annotation's area, box and shape (polygons or run lengths) against its image. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from segwise.dataset.rle import run_lengths

OUTSIDE_PX = 1.0  # how far a coordinate may lie outside its image: tools round to pixel centres or to edges

Problem = tuple[str, str, str]
"""The check, what was found, what to do."""


def geometry(record: dict[str, Any], width: int, height: int) -> Iterator[Problem]:
    """What is wrong with an annotation's area, box and shape in an image of this size, pixels."""
    area, box = record.get("area"), record.get("bbox")
    if area is not None and not (is_number(area) and area >= 0):
        yield "not finite", f"area {short(area)}", "write the mask's area in pixels, or leave it out"
    if box is not None:
        if not (isinstance(box, list) and len(box) == 4 and all(is_number(v) for v in box)):
            yield "not finite", f"bbox {short(box)}", "write [x, y, width, height] in pixels, or leave it out"
        elif box[2] < 0 or box[3] < 0:
            yield "structure", f"bbox {short(box)} with a negative side", "write [x, y, width, height]"
        elif _is_outside(box[0], box[0] + box[2], width) or _is_outside(box[1], box[1] + box[3], height):
            yield "outside the image", f"bbox {short(box)} in {width} × {height}", "clip it to the image"
    shape = record.get("segmentation")
    if isinstance(shape, dict):
        yield from rle_problems(shape, width, height)
    elif isinstance(shape, list) and shape:
        for polygon in shape:
            yield from _polygon(polygon, width, height)
    else:
        yield "structure", f"segmentation {short(shape)}", "write polygons or an RLE"


def rle_problems(shape: dict[str, Any], width: int, height: int) -> Iterator[Problem]:
    """What is wrong with run lengths (compressed text or a list) in an image of this size, pixels."""
    if shape.get("size") != [height, width]:
        came = f"RLE size {short(shape.get('size'))}, the image is {[height, width]}"
        yield "RLE size", came, "write the size as [height, width] of the image"
        return
    runs = run_lengths(shape.get("counts"))
    if runs is None:
        yield "RLE damaged", f"counts {short(shape.get('counts'))}", "export the mask again"
    elif sum(runs) != width * height:
        came = f"RLE of {sum(runs)} pixels, the image has {width * height}"
        yield "RLE size", came, "export the mask again at the image's size"
    elif not sum(runs[1::2]):
        yield "zero area", "a mask without pixels", "remove the object"


def _polygon(points: Any, width: int, height: int) -> Iterator[Problem]:
    if not isinstance(points, list) or not all(isinstance(v, int | float) and not isinstance(v, bool) for v in points):
        yield "structure", f"polygon {short(points)}", "write each polygon as [x1, y1, x2, y2, …]"
    elif not all(is_number(v) for v in points):
        yield "not finite", "a polygon with NaN or Infinity", "draw it again"
    elif len(points) % 2:
        yield "odd polygon", f"a polygon of {len(points)} numbers", "write x and y of each point"
    elif len(points) < 6:
        yield "few points", f"a polygon of {len(points) // 2} points", "draw at least 3 points, or remove it"
    else:
        left, right, top, bottom = min(points[::2]), max(points[::2]), min(points[1::2]), max(points[1::2])
        if _is_outside(left, right, width) or _is_outside(top, bottom, height):
            came = f"polygon x {left:g}..{right:g}, y {top:g}..{bottom:g} in {width} × {height}"
            yield "outside the image", came, "clip it to the image"


def _is_outside(low: float, high: float, side: int) -> bool:
    return low < -OUTSIDE_PX or high > side + OUTSIDE_PX


def is_number(value: Any) -> bool:
    """A finite number that float and int can both hold."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e15 < value < 1e15


def whole(value: Any) -> int | None:
    """The value as a whole number; None if it is none."""
    return int(value) if is_number(value) and value == int(value) else None


def short(value: Any) -> str:
    """The value as it was written, cut to 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
