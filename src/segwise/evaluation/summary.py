"""The figures of a data set, its decisions, slices and classes, as plain values. Undefined figures are None."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwise.decision.params import Decision
from segwise.evaluation import slices
from segwise.evaluation.decided import decided
from segwise.evaluation.figures import HEADLINES, figures
from segwise.evaluation.intervals import draws, interval
from segwise.evaluation.measure import Measured
from segwise.evaluation.params import EvaluateParams
from segwise.evaluation.plain import plain
from segwise.evaluation.sums import SIZES, Sums, stacked
from segwise.types import ClassInfo

Weights = NDArray[np.int64]


def summarise(images: Sequence[Measured], classes: Sequence[ClassInfo], params: EvaluateParams) -> dict[str, Any]:
    """The figures of measured images, in whatever order they come: see `summary`. Without decisions."""
    return summary(stacked(images, classes), classes, {}, params)


def summary(
    sums: Sums, classes: Sequence[ClassInfo], decisions: Mapping[str, Decision], params: EvaluateParams
) -> dict[str, Any]:
    """All figures as plain values: the data set's, their intervals, by decision, per class and per slice.

    Figures are rounded to six digits; what is undefined is None.
    """
    ones = np.ones(len(sums), dtype=np.int64)
    drawn = drawn_of(sums, ones, params)
    return {
        **_part(sums, ones, drawn, params),
        "num_groups": len(np.unique(sums.groups)),
        "num_objects": int(sums.counted[:, 0][:, sums.things].sum()),
        "escalated_share": round(float(sums.escalated.mean()), 6),
        "decisions": {name: decided(d, sums.asked[name], drawn, params.confidence) for name, d in decisions.items()},
        "per_class": {c.name: _class(sums, k, ones, drawn, params) for k, c in enumerate(classes)},
        "slices": _slices(sums, drawn, params),
    }


def drawn_of(sums: Sums, chosen: Weights, params: EvaluateParams) -> Weights:
    """How often each image is drawn, int64 (R, I), where only the groups of the `chosen` images are;
    R = 0 where these are too few."""
    kept = np.flatnonzero(chosen)
    drawn = draws(sums.groups[kept].tolist(), params.replicates, params.seed, params.confidence)
    out = np.zeros((len(drawn), len(sums)), dtype=np.int64)
    out[:, kept] = drawn
    return out


def _part(sums: Sums, weights: Weights, drawn: Weights, params: EvaluateParams) -> dict[str, Any]:
    """The figures of the images with a weight, and the intervals of the headline ones."""
    found = {"num_images": int(np.count_nonzero(weights)), **plain(figures(sums, weights))}
    values = [figures(sums, w, full=False) for w in drawn]
    return {**found, "intervals": _intervals(values, HEADLINES, params.confidence)}


def _class(sums: Sums, k: int, ones: Weights, drawn: Weights, params: EvaluateParams) -> dict[str, Any]:
    found = figures(sums, ones, columns=[k])
    values = [figures(sums, w, columns=[k], full=False) for w in drawn]
    names = [name for name in HEADLINES if name in found]
    return {**plain(found), "intervals": _intervals(values, names, params.confidence)}


def _slices(sums: Sums, drawn: Weights, params: EvaluateParams) -> dict[str, Any]:
    def parts(chosen: Mapping[str, NDArray[np.bool_]]) -> dict[str, Any]:
        weights = {name: images.astype(np.int64) for name, images in chosen.items()}
        return {name: _part(sums, w, drawn_of(sums, w, params), params) for name, w in weights.items()}

    crowding, ends = slices.by_crowding(sums)
    out = {key: parts(slices.by_attribute(sums, key)) for key in params.slice_by}
    out["crowding"] = {
        name: {**part, "objects_per_megapixel": [round(v, 3) for v in ends[name]]}
        for name, part in parts(crowding).items()
    }
    out["size"] = _sizes(sums, drawn, params)
    return out


def _sizes(sums: Sums, drawn: Weights, params: EvaluateParams) -> dict[str, Any]:
    things = np.flatnonzero(sums.things).tolist()
    ones = np.ones(len(sums), dtype=np.int64)
    whole = slices.size_figures(sums, ones, things)
    values = [slices.size_figures(sums, w, things) for w in drawn]
    limits = [None if math.isnan(v) else round(float(v), 1) for v in sums.size_limits_px]
    return {
        name: {
            **plain(whole[name]),
            "num_objects": int(sums.sized[:, index][:, [0, 2]][:, :, things].sum()),
            "area_px": [limits[index - 1] if index else None, limits[index] if index < len(limits) else None],
            "intervals": _intervals([v[name] for v in values], ("f1", "precision", "recall"), params.confidence),
        }
        for index, name in enumerate(SIZES)
    }


def _intervals(values: Sequence[Mapping[str, float]], names: Sequence[str], confidence: float) -> dict[str, Any]:
    if not values:
        return {}
    found = {name: interval(np.array([v[name] for v in values]), confidence) for name in names}
    return {name: None if pair is None else [round(v, 6) for v in pair] for name, pair in found.items()}
