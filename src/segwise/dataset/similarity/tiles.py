"""Which images were cut from one picture side by side: their edges continue each other.

How sure a match is comes from the images themselves: every edge is also held against all others *mirrored*, where no
true neighbour can be, and every image is cut through the middle, where the true neighbour is known. The first says how
good a match chance can make, the second how many true seams would be recognised.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segwise.dataset.similarity.similar import Floats, correlation
from segwise.types import Image

MAX_EDGE_PX = 1024  # of a longer edge the middle is compared
MAX_FALSE = 0.01  # share of the links that the mirrored edges may reach too
SURE_SCORE = 1.5  # a correlation of 0.9 across an even seam; see `_threshold`
MIN_STEP = 0.1  # neighbouring lines are never equal: this is a mirrored copy
MIN_CORRELATION = 0.3  # of the pixels on both sides of a seam
MIN_SHARPNESS = 1.0  # shifting a seam must never fit better than not shifting it
STEP_QUANTILE = 0.98  # a seam may be as rough as this share of the cuts …
STEP_SLACK = 2.0  # … times this: tiles that were compressed one by one meet less evenly
_SHIFT_PX = 6
_BLOCK = 512
_NOISE = 1 / 6  # variance of rounding two grey values: the least a step can be

Strips = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """An image's rim.

    Attributes:
        size: (H, W), pixels.
        strips: for left-right and top-bottom neighbours uint8 (4, L, 3): the last line but one, the last, the first and
            the second.
        cuts: float32 (2, 3), step, correlation and sharpness (see `seam`) of the cut through the image's middle.
    """

    size: tuple[int, int]
    strips: tuple[Strips, Strips]
    cuts: Floats


@dataclass(frozen=True, slots=True, order=True)
class Seam:
    """Image `second` continues image `first` (indices) to the right (axis 0) or below (axis 1).

    Attributes:
        score: atanh(correlation) - ln(step).
    """

    first: int
    second: int
    axis: int
    score: float
    step: float
    correlation: float


@dataclass(frozen=True, slots=True)
class Tiling:
    """What was found. `near_misses` scored below `min_score`; `recall` is the share of the cuts that would be found."""

    seams: tuple[Seam, ...]
    near_misses: tuple[Seam, ...]
    min_score: float
    max_step: float
    recall: float


def edges(image: Image) -> Edges:
    """The rim of one image, uint8 (H, W, 3)."""
    turned = np.swapaxes(image, 0, 1)
    strips = (_lines(image, (-2, -1, 0, 1)), _lines(turned, (-2, -1, 0, 1)))
    cuts = [seam(_lines(a, range(a.shape[1] // 2 - 2, a.shape[1] // 2 + 2))) for a in (image, turned)]
    return Edges((image.shape[0], image.shape[1]), strips, np.array(cuts, np.float32))


def seam(lines: Strips) -> tuple[float, float, float]:
    """How well the four lines across a seam, uint8 (4, L, 3), belong together.

    Returns:
        step: mean squared difference across the seam over the mean squared difference beside it; about 1 if continuous.
        correlation: of the two lines at the seam.
        sharpness: the least squared difference with one side shifted along the seam over that without; above 1 if it
            fits best as it is.
    """
    before, last, first, after = lines.astype(np.float32)
    beside = (_difference(last, before) + _difference(after, first)) / 2 + _NOISE
    across = _difference(first, last)
    shifts = [k for k in range(-_SHIFT_PX, _SHIFT_PX + 1) if k and abs(k) < len(last)]
    shifted = [
        _difference(last[max(k, 0) :][: len(last) - abs(k)], first[max(-k, 0) :][: len(last) - abs(k)]) for k in shifts
    ]
    sharpness = min(shifted, default=0.0) / max(across, 1e-6)
    return across / beside, correlation(last, first), sharpness


def tiling(rims: Sequence[Edges]) -> Tiling:
    """The seams between these images, found as mutually best fits, with the threshold these images call for."""
    cuts = np.concatenate([rim.cuts for rim in rims]) if rims else np.zeros((0, 3), np.float32)
    rough = STEP_SLACK * float(np.quantile(cuts[:, 0], STEP_QUANTILE)) if len(cuts) else 0.0
    max_step = min(max(rough, 1.2), 8.0)
    targets, decoys = [list[Seam](), list[Seam]()]
    for axis in (0, 1):
        by_length: dict[int, list[int]] = defaultdict(list)
        for index, rim in enumerate(rims):
            by_length[rim.size[axis]].append(index)
        for members in by_length.values():
            strips = np.stack([rims[index].strips[axis] for index in members])
            targets += _fits(strips, members, axis, max_step)
            decoys += _fits(np.concatenate([strips[:, :2], strips[:, 2:, ::-1]], axis=1), members, axis, max_step)
    lowest = _threshold([s.score for s in targets], [s.score for s in decoys])
    found = [s for s in targets if s.score >= lowest]
    known = [_score(cut[0], cut[1]) for cut in cuts.tolist() if _is_possible(cut[0], cut[1], cut[2], max_step)]
    recall = sum(score >= lowest for score in known) / max(len(cuts), 1)
    misses = tuple(sorted(set(targets) - set(found)))
    return Tiling(tuple(sorted(found)), misses, round(lowest, 4), round(max_step, 4), round(recall, 4))


def _lines(image: Image, columns: Sequence[int]) -> Strips:
    start = max(0, (image.shape[0] - MAX_EDGE_PX) // 2)
    inside = [min(max(c, -image.shape[1]), image.shape[1] - 1) for c in columns]  # images one pixel wide
    return np.ascontiguousarray(np.swapaxes(image[start : start + MAX_EDGE_PX, inside], 0, 1))


def _difference(a: Floats, b: Floats) -> float:
    return float(np.square(a - b).mean())


def _score(step: float, correlation: float) -> float:
    return float(np.arctanh(min(correlation, 0.9999)) - np.log(max(step, 0.01)))


def _is_possible(step: float, correlation: float, sharpness: float, max_step: float) -> bool:
    return MIN_STEP <= step <= max_step and correlation >= MIN_CORRELATION and sharpness >= MIN_SHARPNESS


def _fits(strips: Strips, members: Sequence[int], axis: int, max_step: float) -> list[Seam]:
    """The mutually best fitting pairs that could be seams; strips uint8 (N, 4, L, 3)."""
    out = []
    for i, j in _mutually_best(strips):
        step, correlation, sharpness = seam(np.concatenate([strips[i, :2], strips[j, 2:]]))
        if _is_possible(step, correlation, sharpness, max_step):
            values = (round(v, 4) for v in (_score(step, correlation), step, correlation))
            out.append(Seam(members[i], members[j], axis, *values))
    return out


def _mutually_best(strips: Strips) -> list[tuple[int, int]]:
    """Pairs i ≠ j with the smallest step from i's last to j's first line, seen from i and from j."""
    number = len(strips)
    if number < 2:
        return []
    channels = 1 if (strips == strips[..., :1]).all() else 3  # grey images: a third of the work
    lines = (strips[..., :channels].astype(np.float32) - 127.5).reshape(number, 4, -1)
    beside = np.square(lines[:, [1, 3]] - lines[:, [0, 2]]).mean(axis=2) + _NOISE  # (N, 2): at the end, at the start
    starts, start_power = lines[:, 2].T.copy(), np.square(lines[:, 2]).mean(axis=1)
    best, best_value = np.zeros(number, np.int64), np.full(number, np.inf, np.float32)
    forward = np.zeros(number, np.int64)
    for low in range(0, number, _BLOCK):
        ends = lines[low : low + _BLOCK, 1]
        across = np.square(ends).mean(axis=1)[:, None] + start_power - ends @ starts * (2 / ends.shape[1])
        steps = across / (beside[low : low + _BLOCK, :1] + beside[:, 1])
        rows = np.arange(len(ends))
        steps[rows, rows + low] = np.inf
        steps[steps < MIN_STEP] = np.inf
        forward[low : low + _BLOCK] = steps.argmin(axis=1)
        row = steps.argmin(axis=0)
        value = steps[row, np.arange(number)]
        closer = value < best_value
        best[closer], best_value[closer] = row[closer] + low, value[closer]
    return [(i, int(j)) for i, j in enumerate(forward) if best[j] == i]


def _threshold(targets: Sequence[float], decoys: Sequence[float]) -> float:
    """The lowest score at which the decoys that reach it are at most MAX_FALSE of the targets that do.

    Below SURE_SCORE one decoy more is counted than was seen (Barber and Candès, "Controlling the false discovery rate
    via knockoffs", 2015), so that only many seams can vouch for weak ones.
    """
    chance, ordered = np.sort(np.array(decoys, np.float64)), np.sort(np.array(targets, np.float64))
    lowest = max(SURE_SCORE, float(np.nextafter(chance[-1], np.inf)) if len(chance) else 0.0)
    for score in ordered[::-1].tolist():
        above = len(chance) - int(np.searchsorted(chance, score)) + (score < SURE_SCORE)
        if above <= MAX_FALSE * (len(ordered) - int(np.searchsorted(ordered, score))):
            lowest = min(lowest, score)
    return lowest
