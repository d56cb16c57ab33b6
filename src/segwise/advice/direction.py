"""Do these images have an up and a left? What flips and turns would make of them is told by labels and edges. Pure.

Every figure of an image changes its sign under one of the moves; where its mean over the groups is not zero, the moved
images are others than those that will come. A group counts once: its images are not independent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from segwise.types import Objects

Move = Literal["left-right", "up-down", "quarter-turn"]
ALPHA = 0.01  # of all tests together (Holm 1979)
MIN_GROUPS = 8  # with fewer nothing is shown, whatever the figures say
# How large a mean must be to matter, however sure it is: 5 % of the image's side, a tenth more energy in one
# direction, objects a tenth taller than wide.
LIMITS = {"right": 0.05, "down": 0.05, "edges": 0.1, "tall": math.log2(1.1)}
MOVES: dict[str, Move] = {"right": "left-right", "down": "up-down", "edges": "quarter-turn", "tall": "quarter-turn"}


@dataclass(frozen=True, slots=True)
class Test:
    """One figure over the groups: its mean, the corrected probability of that mean by chance, and whether it counts."""

    name: str
    of: str
    mean: float
    p: float
    num_groups: int
    counts: bool

    @property
    def move(self) -> Move:
        """The move that this figure speaks against when it counts."""
        return MOVES[self.name]


def edges(grey: NDArray[np.uint8]) -> tuple[float, float]:
    """(Eₓ − E_y) / (Eₓ + E_y) and the mean of cos 4θ, weighted by energy, of a grey image's gradients; in [−1, 1].

    The first is positive where upright lines prevail and changes its sign in a quarter turn; the second is 1 where all
    lines run along the sides, −1 along the diagonals, 0 where no direction is preferred.
    """
    smooth = cv2.GaussianBlur(grey, (0, 0), 1.0)  # the grid of pixels has directions of its own
    x, y = (np.square(np.asarray(cv2.Scharr(smooth, cv2.CV_32F, *d))) for d in ((1, 0), (0, 1)))
    energy = x + y
    total = float(energy.sum(dtype=np.float64))
    if total == 0:
        return 0.0, 0.0
    diagonal = 8 * x * y / np.maximum(energy, 1e-9)  # m² cos 4θ = m² − 8 gx² gy² / m²
    uprightness = float(x.sum(dtype=np.float64) - y.sum(dtype=np.float64)) / total
    return uprightness, 1 - float(diagonal.sum(dtype=np.float64)) / total


def tallness(things: Objects) -> float:
    """Mean log₂(height / width) of the boxes of objects that do not touch the image's border; NaN for none."""
    x0, y0, x1, y1 = things.boxes_xyxy.T.astype(np.float64)
    height, width = things.size
    whole = (x0 > 0) & (y0 > 0) & (x1 < width) & (y1 < height)
    return float(np.log2((y1 - y0) / (x1 - x0))[whole].mean()) if whole.any() else math.nan


def places(class_map: NDArray[np.uint8], class_ids: Sequence[int]) -> dict[int, tuple[float, float]]:
    """Centre of each class's pixels, right and down of the image's centre, as shares of its sides, in [−0.5, 0.5]."""
    height, width = class_map.shape
    found = {}
    for class_id in class_ids:
        mask = class_map == class_id
        columns, rows = np.count_nonzero(mask, axis=0), np.count_nonzero(mask, axis=1)
        if total := int(columns.sum()):
            right = float(columns @ (np.arange(width) + 0.5)) / total / width - 0.5
            found[class_id] = right, float(rows @ (np.arange(height) + 0.5)) / total / height - 0.5
    return found


def examine(figures: Mapping[tuple[str, str], NDArray[np.float64]], groups: Sequence[str]) -> list[Test]:
    """Test every figure.

    Args:
        figures: by (name, of): one value per image, float (N,), NaN where there is none; `of` is a class or "images".
        groups: the group of each image.
    """
    index = np.unique(np.array(groups), return_inverse=True)[1]
    means = {key: _by_group(values, index) for key, values in figures.items()}
    chances = _holm({key: _chance(values) for key, values in means.items()})
    found = []
    for (name, of), values in means.items():
        mean, p = (float(values.mean()) if values.size else 0.0), chances[name, of]
        counts = values.size >= MIN_GROUPS and p < ALPHA and abs(mean) >= LIMITS[name]
        found.append(Test(name, of, mean, p, values.size, counts))
    return found


def safe_moves(found: Sequence[Test]) -> dict[Move, bool]:
    """Which moves nothing speaks against. A quarter turn also turns an up into a left, so it needs all the others."""
    against = {test.move for test in found if test.counts}
    return {"left-right": "left-right" not in against, "up-down": "up-down" not in against, "quarter-turn": not against}


def _by_group(values: NDArray[np.float64], index: NDArray[np.intp]) -> NDArray[np.float64]:
    known = ~np.isnan(values)
    counts = np.bincount(index[known], minlength=int(index.max(initial=-1)) + 1)
    sums = np.bincount(index[known], weights=values[known], minlength=counts.size)
    return sums[counts > 0] / counts[counts > 0]


def _chance(values: NDArray[np.float64]) -> float:
    """Two-sided p of Student's t-test against a mean of zero; 1 for fewer than two or no spread at zero."""
    from scipy.stats import t

    if values.size < 2:
        return 1.0
    error = float(values.std(ddof=1)) / math.sqrt(values.size)
    if error == 0:
        return 1.0 if values.mean() == 0 else 0.0
    return float(2 * t.sf(abs(float(values.mean())) / error, values.size - 1))


def _holm(chances: Mapping[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    worst, out = 0.0, {}
    for rank, key in enumerate(sorted(chances, key=lambda k: (chances[k], k))):
        worst = max(worst, min(chances[key] * (len(chances) - rank), 1.0))
        out[key] = worst
    return out
