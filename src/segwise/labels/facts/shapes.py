"""Facts of each object's own shape: parts, gaps between them, holes, convexity, thinness. Pure."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from segwise.types import Mask, Objects

COLUMNS: dict[str, Any] = {
    "outline_px": np.int64,
    "num_parts": np.int64,
    "num_holes": np.int64,
    "solidity": float,
    "open_concavity": float,
    "num_specks": np.int64,
    "thin_px": np.int64,
    "gap_px": float,
    "gap_ratio": float,
    "is_gap_covered": bool,
}
SPECK_PX = 4
_NEARLY_CONVEX = 0.9
_SQUARE = np.ones((3, 3), dtype=np.uint8)
_STEPS = np.linspace(0, 1, 33)


def shapes(things: Objects, owners: NDArray[np.uint16]) -> dict[str, NDArray[Any]]:
    """The columns of COLUMNS, each (N,).

    outline_px: sides of pixels that the mask does not continue over, those at the image's edge among them.
    num_parts, num_holes: parts hold together over corners, holes over sides.
    solidity: area over the number of pixels in the convex hull, in (0, 1].
    open_concavity: share of the convex hull that neither the object nor another one owns; 0 where solidity > 0.9.
    num_specks: parts of at most SPECK_PX pixels beside the object's largest part.
    thin_px: pixels of the parts that are nowhere 3 pixels wide.
    gap_px: largest distance from a part to the object's largest one, 0 for one part; gap_ratio: the same over the
        diameter of a disc of the largest part's area; is_gap_covered: mostly other objects lie between the two.

    Args:
        owners: how many objects own each pixel, (H, W); crowds do not count.
    """
    rows = [
        _shape(crop, tuple(int(v) for v in box), things.size, owners)
        for crop, box in zip(things.crops, things.boxes_xyxy, strict=True)
    ]
    return {name: np.array([row[i] for row in rows], dtype=kind) for i, (name, kind) in enumerate(COLUMNS.items())}


def _shape(crop: Mask, box: tuple[int, ...], size: tuple[int, int], owners: NDArray[np.uint16]) -> tuple[Any, ...]:
    pixels, around = crop.view(np.uint8), owners[box[1] : box[3], box[0] : box[2]]
    contours, tree = cv2.findContours(pixels, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    is_outer = [int(node[3]) < 0 for node in np.asarray(tree)[0]]
    num_parts = sum(is_outer)
    corners = np.concatenate([c for c, outer in zip(contours, is_outer, strict=True) if outer])
    hull = np.asarray(cv2.convexHull(corners), dtype=np.int32)
    area = int(np.count_nonzero(crop))
    solidity = area / lattice_points(hull[:, 0])
    concavity = 0.0 if solidity > _NEARLY_CONVEX else _open_concavity(hull, crop, around)
    wide = _wide(pixels, box, size)
    parts: tuple[Any, ...] = (0, 0 if wide.any() else area, 0.0, 0.0, False)
    if num_parts > 1:
        parts = _parts(pixels, wide, around)
    return outline(crop), num_parts, len(contours) - num_parts, solidity, concavity, *parts


def _open_concavity(hull: NDArray[np.int32], crop: Mask, owners: NDArray[np.uint16]) -> float:
    inside = np.asarray(cv2.fillConvexPoly(np.zeros(crop.shape, dtype=np.uint8), hull, 1), dtype=bool)
    return float(np.count_nonzero(inside & ~crop & (owners == 0)) / np.count_nonzero(inside))


def outline(crop: Mask) -> int:
    """Sides of pixels that the mask, bool (H, W), does not continue over."""
    inner = np.count_nonzero(crop[1:] != crop[:-1]) + np.count_nonzero(crop[:, 1:] != crop[:, :-1])
    return int(inner + sum(np.count_nonzero(edge) for edge in (crop[0], crop[-1], crop[:, 0], crop[:, -1])))


def lattice_points(hull: NDArray[np.int32]) -> float:
    """Whole-numbered points in a convex polygon (N, 2) and on its border: A + B / 2 + 1 (Pick's theorem)."""
    steps = np.abs(np.diff(hull, axis=0, append=hull[:1]))
    border = int(np.gcd(steps[:, 0], steps[:, 1]).sum())
    return float(cv2.contourArea(hull)) + border / 2 + 1


def _wide(pixels: NDArray[np.uint8], box: tuple[int, ...], size: tuple[int, int]) -> Mask:
    """Centres of 3 × 3 squares inside the mask, which may go on beyond the image's edge; bool, as large as the crop."""
    around = cv2.copyMakeBorder(pixels, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    if box[0] == 0:
        around[:, 0] = around[:, 1]
    if box[2] == size[1]:
        around[:, -1] = around[:, -2]
    if box[1] == 0:
        around[0] = around[1]
    if box[3] == size[0]:
        around[-1] = around[-2]
    return np.asarray(cv2.erode(around, _SQUARE), dtype=bool)[1:-1, 1:-1]


def _parts(pixels: NDArray[np.uint8], wide: Mask, owners: NDArray[np.uint16]) -> tuple[int, int, float, float, bool]:
    number, found, stats, _ = cv2.connectedComponentsWithStats(pixels, connectivity=8)
    labels = np.asarray(found, dtype=np.int32)
    areas = np.asarray(stats)[:, cv2.CC_STAT_AREA]
    is_thin = np.ones(number, dtype=bool)
    is_thin[0] = False
    is_thin[labels[wide]] = False
    largest = 1 + int(areas[1:].argmax())
    distance = np.asarray(cv2.distanceTransform((labels != largest).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE))
    nearest = np.full(number, np.inf)
    np.minimum.at(nearest, labels.ravel(), distance.ravel())
    nearest[[0, largest]] = 0
    far = int(nearest.argmax())
    gap = float(nearest[far])
    ratio = gap / float(2 * np.sqrt(areas[largest] / np.pi))
    covered = _is_covered(labels, distance, far, largest, owners)
    specks = int((np.delete(areas, [0, largest]) <= SPECK_PX).sum())
    return specks, int(areas[is_thin].sum()), gap, ratio, covered


def _is_covered(
    labels: NDArray[np.int32], distance: NDArray[np.float32], far: int, largest: int, owners: NDArray[np.uint16]
) -> bool:
    """Whether most of the straight line between two parts, at their closest, belongs to other objects."""
    rows, columns = np.nonzero(labels == far)
    closest = int(distance[rows, columns].argmin())
    start = np.array((rows[closest], columns[closest]))
    ends = np.argwhere(labels == largest)
    end = ends[((ends - start) ** 2).sum(axis=1).argmin()]
    y, x = np.rint(start + _STEPS[:, None] * (end - start)).astype(np.int64).T
    between = labels[y, x] == 0
    return bool(between.any() and (owners[y, x][between] > 0).mean() > 0.5)
