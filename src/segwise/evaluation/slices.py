"""Parts of a data set: by an attribute of the images, by how crowded they are, and by the size of their objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwise.evaluation.objects import f1
from segwise.evaluation.sums import SIZES, Sums

CROWDING = ("low", "middle", "high")
Flags = NDArray[np.bool_]


def by_attribute(sums: Sums, key: str) -> dict[str, Flags]:
    """The images of each value, bool (I,); those without one are `unknown`."""
    values = sums.attributes.get(key, np.full(len(sums), "unknown"))
    return {str(value): values == value for value in np.unique(values)}


def by_crowding(sums: Sums) -> tuple[dict[str, Flags], dict[str, list[float]]]:
    """The images by thirds of their labelled objects per megapixel, and from where to where each third goes.

    Images of the same density stay together, so that there may be fewer than three.
    """
    limits = np.quantile(sums.density, [1 / 3, 2 / 3])
    third = np.searchsorted(limits, sums.density, side="left")
    parts = {name: third == index for index, name in enumerate(CROWDING) if (third == index).any()}
    ends = {name: [float(sums.density[p].min()), float(sums.density[p].max())] for name, p in parts.items()}
    return parts, ends


def size_figures(sums: Sums, weights: NDArray[np.int64], things: Sequence[int]) -> dict[str, dict[str, Any]]:
    """F1, precision and recall of the objects of each size; NaN where undefined.

    Sizes are thirds of the labelled objects by area. A pair has the size of the labelled object in recall and that of
    the predicted one in precision; F1 is their harmonic mean.
    """
    table = np.tensordot(weights, sums.sized, axes=1)[:, :, list(things)].sum(axis=2).astype(np.float64)
    out = {}
    for name, (tp, fp, fn, right) in zip(SIZES, table, strict=True):
        recall, precision = _ratio(tp, tp + fn), _ratio(right, right + fp)
        both = _ratio(2 * precision * recall, precision + recall) if tp and right else f1(0, fp, fn)
        out[name] = {"f1": both, "precision": precision, "recall": recall}
    return out


def _ratio(top: float, bottom: float) -> float:
    return float(top / bottom) if bottom else float("nan")
