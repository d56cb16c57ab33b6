"""Masks become polygons that run along the edges of pixels, so that the polygons give the mask back. Pure.

Corners have whole coordinates; (0, 0) is the corner of the first pixel, not its centre. Pixels that meet at a corner
only are not connected (4-connected parts, 8-connected holes); a ring never touches itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwise.types import Mask

Ring = NDArray[Any]
"""A closed ring, int64 or float64 (N, 2): x, y of its corners in pixels; the last one is joined to the first."""

INSET_PX = 0.05
"""How far `inset` moves. COCO's rasteriser rounds to a fifth of a pixel and does not see it; rasterisers that take the
pixel of every corner into the polygon (cv2.fillPoly, Pillow's polygon) need it to stay inside."""

_CODES = np.arange(16)
_TURNS = np.array([(0, 1)[bin(code).count("1") % 2] for code in _CODES], dtype=np.int64)
_FALLING, _RISING = 9, 6  # the two ways of two pixels to meet at a corner: upper left + lower right, and the other two
_TURNS[[_FALLING, _RISING]] = 2


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One connected piece of a mask: its outer ring, clockwise on the screen, and its holes, the other way round."""

    outer: Ring
    holes: tuple[Ring, ...] = ()


def parts(crop: Mask, x0: int = 0, y0: int = 0, tolerance_px: float = 0) -> tuple[Part, ...]:
    """The outline of a mask, bool (h, w), whose first pixel lies at x0, y0; from top to bottom, then left to right.

    Args:
        tolerance_px: how far a simplified outline may run from the exact one, pixels; 0 keeps every corner.
    """
    rings, first = _rings(crop), np.array([x0, y0])
    outer = [ring for ring in rings if crop[ring[0, 1], ring[0, 0]]]
    holes: list[list[Ring]] = [[] for _ in outer]
    if len(outer) < len(rings):
        owner = _owner(crop, outer)
        for ring in rings:
            x, y = ring[0]
            if not crop[y, x]:  # above the first corner of a hole lies the part around it
                holes[owner[y - 1, x]].append(np.roll(ring[::-1], 1, axis=0) + first)
    exact = (Part(ring + first, tuple(inner)) for ring, inner in zip(outer, holes, strict=True))
    return tuple(_simplified(part, tolerance_px) if tolerance_px > 0 else part for part in exact)


def inset(part: Part) -> Part:
    """The part with every edge moved into the mask by INSET_PX, so that each corner lies in a pixel of the mask."""
    return Part(_moved(part.outer), tuple(_moved(hole) for hole in part.holes))


def _moved(ring: Ring) -> Ring:
    step = np.roll(ring, -1, axis=0) - ring
    step = step / np.hypot(step[:, 0], step[:, 1])[:, None]
    right = np.stack([-step[:, 1], step[:, 0]], axis=1)  # the mask lies on the right of every edge
    moved: Ring = np.round(ring + INSET_PX * (right + np.roll(right, 1, axis=0)), 3)
    return moved


def joined(pieces: Sequence[Part]) -> tuple[Ring, list[float]]:
    """All rings as one: each further ring hangs on the nearest corner of those before it, by a bridge of no width.

    Rasterised by the even-odd rule the ring gives the parts less their holes; the bridges, walked there and back, add
    nothing. Tools that draw the outline itself show them.

    Returns:
        the ring, and each bridge's length in pixels, for the rings after the first in the order part, its holes, next
        part; 0 (inset: nearly 0) where a ring touches one before it.
    """
    from scipy.spatial import cKDTree

    rings = [ring for part in pieces for ring in (part.outer, *part.holes)]
    path, lengths = rings[0], []
    for ring in rings[1:]:
        distances, corners = (np.atleast_1d(found) for found in cKDTree(ring).query(path))
        here = int(np.argmin(distances))
        lengths.append(float(distances[here]))
        loop = np.roll(ring, -int(corners[here]), axis=0)
        path = np.concatenate([path[: here + 1], loop, loop[:1], path[here:]])
    return path, lengths


def _rings(mask: Mask) -> list[Ring]:
    """All rings, each from its topmost, then leftmost corner to the right; ordered by that corner."""
    x, y, beside, above = _corners(mask)
    points = np.stack([x, y], axis=1)
    rings = []
    is_tangled = bool((beside >= 0).any())
    for ring in _cycles(above.tolist()):
        if is_tangled:
            rings += [points[loop] for loop in _untangled(ring, beside)]
        else:
            rings.append(points[ring])
    if is_tangled:
        rings = sorted((_from_top(ring) for ring in rings), key=lambda r: (int(r[0, 1]), int(r[0, 0])))
    return rings


def _corners(mask: Mask) -> tuple[Ring, Ring, Ring, Ring]:
    """The corners of all rings in the order of y, then x; where two pixels meet at a corner it is there twice.

    Corner i is joined horizontally to corner i ^ 1 (the corners of one line of pixel edges pair off from the left).

    Returns:
        x, y; the first index of a corner that is there twice, else -1; the corner that each is joined to vertically.
    """
    padded = np.zeros((mask.shape[0] + 2, mask.shape[1] + 2), dtype=np.uint8)
    padded[1:-1, 1:-1] = mask
    code = padded[:-1, :-1] | padded[:-1, 1:] << 1 | padded[1:, :-1] << 2 | padded[1:, 1:] << 3
    y, x = np.nonzero(_TURNS[code])
    code = code[y, x]
    times = _TURNS[code]
    first = np.cumsum(times) - times
    index = np.repeat(np.arange(len(x)), times)
    copy = np.arange(len(index)) - first[index]
    # the first copy ends the edge on the left, the second begins the one on the right; in a column the edge above
    # comes first: the order below turns each of the two around its own pixel
    order = np.where(code[index] == _RISING, 1 - copy, copy)
    by_column = np.lexsort((order, y[index], x[index]))
    above = np.empty(len(index), dtype=np.int64)
    above[by_column[0::2]], above[by_column[1::2]] = by_column[1::2], by_column[0::2]
    return x[index], y[index], np.where(times[index] == 2, first[index], -1), above


def _cycles(above: list[int]) -> list[list[int]]:
    """Follow the corners: along a row, along a column, and so on until the first one comes again."""
    seen = bytearray(len(above))
    cycles = []
    for start in range(0, len(above), 2):
        if not seen[start]:
            cycle: list[int] = []
            here = start
            while not seen[here]:
                beside = here ^ 1
                seen[here] = seen[beside] = 1
                cycle += (here, beside)
                here = above[beside]
            cycles.append(cycle)
    return cycles


def _untangled(ring: list[int], twice: Ring) -> list[list[int]]:
    """Cut a ring that comes twice through one corner into rings that do not."""
    loops: list[list[int]] = []
    path: list[int] = []
    place: dict[int, int] = {}
    for corner in ring:
        name = int(twice[corner])
        if name >= 0 and name in place:
            start = place[name]
            loops.append(path[start:])
            for cut in path[start:]:
                place.pop(int(twice[cut]), None)
            del path[start:]
        if name >= 0:
            place[name] = len(path)
        path.append(corner)
    return [*loops, path]


def _from_top(ring: Ring) -> Ring:
    """The same ring from its topmost, then leftmost corner to the right."""
    start = int(np.lexsort((ring[:, 0], ring[:, 1]))[0])
    ring = np.roll(ring, -start, axis=0)
    return ring if ring[1, 1] == ring[0, 1] else np.roll(ring[::-1], 1, axis=0)


def _owner(mask: Mask, outer: list[Ring]) -> NDArray[np.int64]:
    """The index of the outer ring that each pixel of the mask belongs to, int64 (h, w)."""
    from scipy.ndimage import label

    labels, count = label(mask)
    number = np.zeros(count + 1, dtype=np.int64)
    for index, ring in enumerate(outer):
        number[labels[ring[0, 1], ring[0, 0]]] = index
    return number[labels]


def _simplified(part: Part, tolerance_px: float) -> Part:
    """Douglas and Peucker's simplification, in GEOS's form that keeps holes inside and rings apart."""
    import shapely

    shape = shapely.Polygon(part.outer, part.holes).simplify(tolerance_px, preserve_topology=True)
    rings = [shapely.get_coordinates(ring)[:-1].round().astype(np.int64) for ring in (shape.exterior, *shape.interiors)]
    return Part(rings[0], tuple(rings[1:]))
