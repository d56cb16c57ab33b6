"""Polygons, masks and run lengths of other tools → COCO's compressed RLE with text. Pure.

Everything is checked here before pycocotools sees it: it crashes on numbers that are not finite, accepts run lengths
that do not fit, and loops over coordinates that lie far outside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from segwise.dataset.finding import Effect
from segwise.dataset.geometry import OUTSIDE_PX, is_number, rle_problems, short
from segwise.dataset.images import turn
from segwise.types import Mask

Rle = dict[str, Any]
Points = NDArray[np.float64]
HUGE = 1e15  # as geometry.is_number
_ARE_NUMBERS = frozenset((int, float))
CROSSING_PX = 0.15  # edges that pass each other by less are rounding, and change no pixel
ROWS = 256  # segments held against all others at a time: bounds the memory
MAX_OUTLINE_PX = 10_000_000  # a longer one needs gigabytes in pycocotools, whose counters are 32-bit


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one polygon; without an `effect` it is an error."""

    check: str
    came: str
    remedy: str
    effect: Effect = ""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Polygons that are safe to rasterise, each flat and of at least 3 points, and what was found on the way."""

    polygons: list[list[float]]
    problems: tuple[Problem, ...] = ()


def clean(points: Sequence[float], width: int, height: int) -> Cleaned:
    """Check one polygon, flat `[x1, y1, …]` in pixels of an image of this size; what leaves the image is cut off."""
    xy, fault = _points(points)
    if fault is not None:
        return Cleaned([], (fault,))
    problems: list[Problem] = []
    if crosses_itself(xy):
        came = "the outline crosses itself; what it winds around an even number of times is left out"
        problems.append(Problem("self-intersection", came, "draw it without a crossing", "approximated"))
    low, high, sides = xy.min(axis=0), xy.max(axis=0), np.array([width, height])
    if (low < -OUTSIDE_PX).any() or (high > sides + OUTSIDE_PX).any():
        came = f"x {low[0]:g}..{high[0]:g}, y {low[1]:g}..{high[1]:g} in {width} × {height}"
        problems.append(Problem("outside the image", came, "it is cut off at the image's edge", "repaired"))
        if (low < -sides).any() or (high > 2 * sides).any():  # nearer ones COCO's rasteriser cuts off itself
            xy = _clipped(xy, -sides, 2 * sides)
    if len(xy) * 3 * (width + height) > MAX_OUTLINE_PX < np.abs(np.diff(xy, axis=0)).sum():
        came = f"an outline of {len(xy)} points that is over {MAX_OUTLINE_PX:,} pixels long"
        return Cleaned([], (Problem("structure", came, "draw it again"),))
    return Cleaned([xy.ravel().tolist()] if len(xy) > 2 else [], tuple(problems))


def _points(points: Any) -> tuple[Points, Problem | None]:
    """The points, float (N, 2), or what makes them no polygon at all."""
    none = np.empty((0, 2))
    if not isinstance(points, list | tuple) or not (
        _ARE_NUMBERS.issuperset(map(type, points)) or all(map(_is_real, points))
    ):
        return none, Problem("structure", f"polygon {short(points)}", "write it as [x1, y1, x2, y2, …]")
    try:
        values = np.array(points, dtype=np.float64)
    except OverflowError:
        values = np.array([np.inf])
    if not np.all(np.abs(values) < HUGE):  # NaN is not less than anything
        return none, Problem("not finite", "a polygon with NaN, Infinity or a huge number", "draw it again")
    if len(points) % 2:
        return none, Problem("odd polygon", f"a polygon of {len(points)} numbers", "write x and y of each point")
    if len(points) < 6:
        came = f"a polygon of {len(points) // 2} points"
        return none, Problem("few points", came, "draw at least 3 points", "dropped")
    return values.reshape(-1, 2), None


def _is_real(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def crosses_itself(xy: Points) -> bool:
    """Whether a ring, float (N, 2), N ≥ 3, crosses itself, deeper than 0.15 px. To touch itself is none.

    Rings of more than 10,000 points that are not simple count as crossing without a closer look.
    """
    if len(xy) < 4 or bool(shapely.is_simple(shapely.linearrings(xy))):
        return False
    start, end = _walked_once(xy, np.roll(xy, -1, axis=0))
    low, high = np.minimum(start, end), np.maximum(start, end)
    return len(start) > 10_000 or any(
        _any_crosses(start, end, low, high, slice(i, i + ROWS)) for i in range(0, len(start), ROWS)
    )


def _walked_once(start: Points, end: Points) -> tuple[Points, Points]:
    """Without the segments walked there and back: such bridges between parts add nothing, whatever they cross."""
    segments = [tuple(row) for row in np.hstack([start, end]).tolist()]
    held = set(segments)
    once = np.array([(c, d, a, b) not in held for a, b, c, d in segments])
    return start[once], end[once]


def _any_crosses(start: Points, end: Points, low: Points, high: Points, rows: slice) -> bool:
    """Whether one of these segments runs through another: each has its ends on both sides of the other."""
    near = np.ones((len(start[rows]), len(start)), dtype=bool)
    for axis in (0, 1):
        near &= low[rows, axis, None] <= high[None, :, axis]
        near &= low[None, :, axis] <= high[rows, axis, None]
    i, j = np.nonzero(near)
    a, b, c, d = start[rows][i], end[rows][i], start[j], end[j]
    ends = np.stack([_apart(a, b, c), _apart(a, b, d), _apart(c, d, a), _apart(c, d, b)])
    is_deep = np.abs(ends).min(axis=0, initial=np.inf) > CROSSING_PX
    return bool(np.any((ends[0] * ends[1] < 0) & (ends[2] * ends[3] < 0) & is_deep))


def _apart(a: Points, b: Points, c: Points) -> Points:
    """How far `c` lies from the line through `a` and `b`, pixels, with the sign of its side."""
    along, across = b - a, c - a
    length = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-12)
    return np.asarray((along[:, 0] * across[:, 1] - along[:, 1] * across[:, 0]) / length)


def _clipped(xy: Points, low: Points, high: Points) -> Points:
    """The ring cut to a window by Sutherland and Hodgman's way: one ring, with edges along the window's sides."""
    for axis, bound, sign in ((0, low[0], 1), (0, high[0], -1), (1, low[1], 1), (1, high[1], -1)):
        kept: list[Points] = []
        for a, b in zip(np.roll(xy, 1, axis=0), xy, strict=True):
            inside, was_inside = (b[axis] - bound) * sign >= 0, (a[axis] - bound) * sign >= 0
            if inside != was_inside:
                kept.append(a + (b - a) * ((bound - a[axis]) / (b[axis] - a[axis])))
            if inside:
                kept.append(b)
        xy = np.array(kept).reshape(-1, 2)
    return xy


def rectangle(left: float, top: float, right: float, bottom: float, degrees: float = 0) -> list[float]:
    """A box as a flat polygon, turned clockwise on the screen about its centre; not finite where a number is not."""
    if not all(is_number(v) for v in (left, top, right, bottom, degrees)):
        return [float("nan")] * 6
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], dtype=np.float64)
    return _turned_about(corners, corners.mean(axis=0), degrees)


def ellipse(cx: float, cy: float, rx: float, ry: float, degrees: float = 0) -> list[float]:
    """An ellipse as a flat polygon at most 0.05 px inside it, turned as a `rectangle` is."""
    if not all(is_number(v) for v in (cx, cy, rx, ry, degrees)):
        return [float("nan")] * 6
    number = int(np.clip(np.pi / np.sqrt(2 * 0.05 / max(abs(rx), abs(ry), 1)), 12, 2000))
    angles = np.linspace(0, 2 * np.pi, number, endpoint=False)
    points = np.array([cx, cy]) + np.stack([rx * np.cos(angles), ry * np.sin(angles)], axis=1)
    return _turned_about(points, np.array([cx, cy]), degrees)


def _turned_about(points: Points, centre: Points, degrees: float) -> list[float]:
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turned_points = (points - centre) @ np.array([[cosine, sine], [-sine, cosine]]) + centre if degrees else points
    return [float(v) for v in turned_points.ravel()]


def rasterise(parts: Sequence[Sequence[float]], holes: Sequence[Sequence[float]], size: tuple[int, int]) -> Rle:
    """The union of `parts` less `holes` in an image of `size` (height, width), as COCO rasterises polygons."""
    outer = coco_mask.merge(coco_mask.frPyObjects([list(p) for p in parts], *size))
    if holes:
        inner = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects([list(p) for p in holes], *size)))
        outer = coco_mask.encode(np.asfortranarray(coco_mask.decode(outer) & (1 - inner)))
    return as_text(outer)


def encode(mask: Mask) -> Rle:
    """The RLE of a mask, bool (H, W)."""
    return as_text(coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8)))


def decode(rle: Mapping[str, Any]) -> Mask:
    """The mask of an RLE, bool (H, W)."""
    return np.asarray(coco_mask.decode({**rle, "counts": str(rle["counts"]).encode("ascii")}), dtype=bool)


def as_text(rle: Mapping[str, Any]) -> Rle:
    """pycocotools' own form with its counts as text."""
    return {"size": [int(side) for side in rle["size"]], "counts": bytes(rle["counts"]).decode("ascii")}


def area_px(rle: Mapping[str, Any]) -> int:
    """The mask's pixels."""
    return int(coco_mask.area({**rle, "counts": str(rle["counts"]).encode("ascii")}))


def box_xywh(rle: Mapping[str, Any]) -> list[float]:
    """The mask's tight box, pixels."""
    return [float(v) for v in coco_mask.toBbox({**rle, "counts": str(rle["counts"]).encode("ascii")})]


def iou(first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
    """Intersection over union of each pair of masks of one image, float64 (N, M)."""
    packed = [[{**rle, "counts": str(rle["counts"]).encode("ascii")} for rle in side] for side in (first, second)]
    return np.asarray(coco_mask.iou(*packed, [0] * len(second)), dtype=np.float64).reshape(len(first), len(second))


def is_empty(rle: Mapping[str, Any]) -> bool:
    """Whether the mask has no pixels."""
    return area_px(rle) == 0


def checked_rle(rle: Mapping[str, Any], height: int, width: int) -> Rle | tuple[str, str, str]:
    """The RLE in compressed form, or the check it fails, what came and what to do. Empty masks pass."""
    shape = dict(rle)
    problem = next((p for p in rle_problems(shape, width, height) if p[0] != "zero area"), None)
    if problem is not None:
        return problem
    if isinstance(shape["counts"], list):
        return as_text(coco_mask.frPyObjects(shape, height, width))
    return {"size": [height, width], "counts": shape["counts"]}


def turned(rle: Mapping[str, Any], orientation: int) -> Rle:
    """A mask of the stored image, upright (EXIF orientation 2 to 8)."""
    return encode(turn(decode(rle), orientation))
