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
from pycocotools import mask as coco_mask

from segwise.dataset.finding import Effect
from segwise.dataset.geometry import OUTSIDE_PX, is_number, rle_problems, short
from segwise.types import Mask

Rle = dict[str, Any]
TURNED = {2: (0, True), 3: (2, False), 4: (2, True), 5: (3, True), 6: (3, False), 7: (1, True), 8: (1, False)}


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
    if not isinstance(points, list | tuple) or not all(
        isinstance(v, int | float) and not isinstance(v, bool) for v in points
    ):
        return Cleaned([], (Problem("structure", f"polygon {short(points)}", "write it as [x1, y1, x2, y2, …]"),))
    if not all(is_number(v) for v in points):
        return Cleaned([], (Problem("not finite", "a polygon with NaN, Infinity or a huge number", "draw it again"),))
    if len(points) % 2:
        came = f"a polygon of {len(points)} numbers"
        return Cleaned([], (Problem("odd polygon", came, "write x and y of each point"),))
    if len(points) < 6:
        came = f"a polygon of {len(points) // 2} points"
        return Cleaned([], (Problem("few points", came, "draw at least 3 points", "dropped"),))
    problems: list[Problem] = []
    polygon = [float(v) for v in points]
    xy = np.asarray(polygon).reshape(-1, 2)
    low, high = xy.min(axis=0), xy.max(axis=0)
    if crosses_itself(xy):
        came = "the outline crosses itself; what it winds around an even number of times is left out"
        problems.append(Problem("self-intersection", came, "draw it without a crossing", "approximated"))
    if (low < -OUTSIDE_PX).any() or (high > np.array([width, height]) + OUTSIDE_PX).any():
        came = f"x {low[0]:g}..{high[0]:g}, y {low[1]:g}..{high[1]:g} in {width} × {height}"
        problems.append(Problem("outside the image", came, "it is cut off at the image's edge", "repaired"))
        return Cleaned(_clipped(xy, width, height), tuple(problems))
    return Cleaned([polygon], tuple(problems))


def crosses_itself(xy: Any) -> bool:
    """Whether a ring, float (N, 2), N ≥ 3, crosses or touches itself."""
    return len(xy) > 3 and not bool(shapely.is_simple(shapely.linearrings(xy)))


def _clipped(xy: Any, width: int, height: int) -> list[list[float]]:
    shape = shapely.make_valid(shapely.polygons(np.clip(xy, -1e7, 1e7)))
    cut = shapely.get_parts(shapely.clip_by_rect(shape, 0, 0, width, height))
    rings = [shapely.get_coordinates(shapely.get_exterior_ring(p)) for p in cut if p.geom_type == "Polygon"]
    return [ring[:-1].ravel().tolist() for ring in rings if len(ring) > 3]


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


def turn(pixels: Any, orientation: int) -> Any:
    """Pixels as stored, (H, W, …), set upright: EXIF orientation 1 to 8."""
    if orientation == 1:
        return pixels
    quarters, is_mirrored = TURNED[orientation]
    turned_pixels = np.rot90(pixels, quarters)
    return np.ascontiguousarray(np.fliplr(turned_pixels) if is_mirrored else turned_pixels)
