"""A mask cut at its necks: basins of its distance map, and how wide each neck is against the smaller side. Pure.

Every pixel climbs its distance map to a peak; the pixels of one peak are a basin. Basins are joined from the highest
pass down, the lower of two peaks giving way (persistence: Edelsbrunner, Letscher and Zomorodian 2002). The pass where a
peak gives way over its own height is the width of the neck over the width of the smaller side: whatever the scale,
0 = nothing joins them, 1 = no neck at all. One run over the pixels serves all thresholds.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int32]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Basins:
    """B basins of one mask.

    Attributes:
        labels: int32 (H, W), 0 = outside of the mask, 1..B.
        parent: int64 (B,), the basin that each one joins, by position; its own where it joins none.
        neck: float64 (B,), width of the neck to it over the width of the basin's peak, in [0, 1].
    """

    labels: Labels
    parent: Ints
    neck: NDArray[np.float64]

    def parts(self, neck: float) -> NDArray[np.bool_]:
        """The basins that are parts of their own when necks narrower than `neck` are cut, bool (B,)."""
        return np.asarray((self.neck < neck) | (self.parent == np.arange(len(self.parent))), dtype=bool)

    def cut(self, neck: float) -> tuple[int, Labels]:
        """Cut the necks that are narrower than `neck`: the number of parts, and a map int32 (H, W), 0 = none, 1..n."""
        is_part = self.parts(neck)
        owner = np.where(is_part, np.arange(len(self.parent)), self.parent)
        while not np.array_equal(further := owner[owner], owner):
            owner = further
        number = np.zeros(len(owner) + 1, dtype=np.int32)
        number[1:] = np.cumsum(is_part)[owner]
        return int(np.count_nonzero(is_part)), number[self.labels]


def basins(mask: NDArray[np.uint8], smoothing_px: float) -> Basins:
    """Basins of a mask, uint8 (H, W); its distance map is blurred by a Gaussian of `smoothing_px` first (0 = not)."""
    framed = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    height = cv2.distanceTransform(cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_REPLICATE), cv2.DIST_L2, 5)
    if smoothing_px:
        height = cv2.GaussianBlur(height, (0, 0), smoothing_px)
    height[framed == 0] = 0
    place, width = np.flatnonzero(framed), framed.shape[1]
    if not place.size:
        return Basins(np.zeros(mask.shape, np.int32), np.zeros(0, np.int64), np.zeros(0))
    flat = np.asarray(height, dtype=np.float32).ravel()
    peak_of, peaks = _climb(flat, place, width)
    labels = np.zeros(framed.size, dtype=np.int32)
    labels[place] = peak_of + 1
    passes = _passes(flat, labels, place, width)
    parent, neck = _join(flat[place[peaks]].astype(np.float64), *passes)
    return Basins(np.ascontiguousarray(labels.reshape(framed.shape)[1:-1, 1:-1]), parent, neck)


def _climb(flat: NDArray[np.float32], place: Ints, width: int) -> tuple[Ints, Ints]:
    """The peak of each pixel of `place`, 0..B − 1, and the position of each peak in `place`."""
    best, target = np.full(place.size, -1, dtype=np.float32), place
    for step in (width + 1, width, width - 1, 1, 0, -1, 1 - width, -width, -width - 1):  # of equals the last pixel
        value = flat[place + step]
        higher = value > best
        best, target = np.where(higher, value, best), np.where(higher, place + step, target)
    at = np.zeros(flat.size, dtype=np.int64)
    at[place] = np.arange(place.size)
    up = at[target]
    while not np.array_equal(further := up[up], up):
        up = further
    peaks = np.flatnonzero(up == np.arange(up.size))
    number = np.zeros(place.size, dtype=np.int64)
    number[peaks] = np.arange(peaks.size)
    return number[up], peaks


def _passes(
    flat: NDArray[np.float32], labels: Labels, place: Ints, width: int
) -> tuple[Ints, Ints, NDArray[np.float64]]:
    """The highest pass between each pair of basins that meet, highest first: both basins and the height."""
    firsts, seconds, heights = [], [], []
    for step in (1, width - 1, width, width + 1):
        here, there = labels[place], labels[place + step]
        meet = (there > 0) & (there != here)
        firsts.append(np.minimum(here[meet], there[meet]))
        seconds.append(np.maximum(here[meet], there[meet]))
        heights.append(np.minimum(flat[place[meet]], flat[place[meet] + step]))
    first, second, height = (np.concatenate(part) for part in (firsts, seconds, heights))
    order = np.lexsort((-height, second, first))
    first, second, height = first[order], second[order], height[order]
    is_new = np.ones(first.size, dtype=bool)
    is_new[1:] = (first[1:] != first[:-1]) | (second[1:] != second[:-1])
    first, second, height = first[is_new] - 1, second[is_new] - 1, height[is_new]
    order = np.argsort(-height, kind="stable")
    return first[order].astype(np.int64), second[order].astype(np.int64), height[order].astype(np.float64)


def _join(
    peak: NDArray[np.float64], first: Ints, second: Ints, height: NDArray[np.float64]
) -> tuple[Ints, NDArray[np.float64]]:
    """Join basins over the passes, highest first: `parent` and `neck` of `Basins`."""
    top, heights = list(range(len(peak))), peak.tolist()
    parent, neck = list(range(len(peak))), [0.0] * len(peak)

    def find(basin: int) -> int:
        while top[basin] != basin:
            top[basin] = top[top[basin]]
            basin = top[basin]
        return basin

    for a, b, level in zip(first.tolist(), second.tolist(), height.tolist(), strict=True):
        up, down, beside = find(a), find(b), a
        if up == down:
            continue
        if heights[up] < heights[down]:
            up, down, beside = down, up, b
        top[down], parent[down] = up, beside
        neck[down] = min(level / heights[down], 1.0)
    return np.array(parent, dtype=np.int64), np.array(neck)
