"""The figures of a weighted data set, from the sums of its images. NaN where undefined."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segwise.evaluation import pixels
from segwise.evaluation.boundary import mean_boundary_f
from segwise.evaluation.counts import count_metrics, coverage_metrics
from segwise.evaluation.mistakes import KINDS
from segwise.evaluation.objects import dsb, f1, panoptic_quality
from segwise.evaluation.precision import average_precision
from segwise.evaluation.reliability import calibration_error
from segwise.evaluation.sums import Sums

HEADLINES = (
    "miou", "foreground_iou", "boundary_f", "ap", "ap50", "pq", "f1", "dsb", "count_error", "coverage_error",
    "merge_rate", "split_rate", "class_error", "splitting_error", "calibration_error",
)  # fmt: skip
Weights = NDArray[np.int64]
Figures = dict[str, float]


def figures(sums: Sums, weights: Weights, *, columns: Sequence[int] | None = None, full: bool = True) -> Figures:
    """Figures of the weighted images; `columns` (class index) narrows them.

    Means over classes leave undefined classes out. Object figures are of countable classes, pixel figures of all.
    `full` adds what bootstrap does not need: AP by size, SQ, RQ, numbers of merges and splits.
    """
    chosen = list(range(len(sums.things))) if columns is None else list(columns)
    things = [k for k in chosen if sums.things[k]]
    out = _of_pixels(sums, weights, chosen, everything=columns is None)
    out |= _precision(sums, weights, things, full)
    out |= _of_matches(sums, weights, chosen, things, full)
    out |= _of_mistakes(sums, weights, things, full)
    out |= count_metrics(sums.counted[:, 0][:, things], sums.counted[:, 1][:, things], weights)
    truth, predicted = pixels.coverage(sums.pixels)
    return out | coverage_metrics(truth[:, chosen], predicted[:, chosen], weights)


def _of_pixels(sums: Sums, weights: Weights, chosen: list[int], *, everything: bool) -> Figures:
    matrix = np.tensordot(weights, sums.pixels, axes=1)
    iou, dice = pixels.iou(matrix), pixels.dice(matrix)
    rows = [k + 1 for k in chosen]
    whole = {"foreground_iou": pixels.foreground_iou(matrix)} if everything else {}
    miou = pixels.mean_of(iou if everything else iou[rows])  # background is a class, as the field prints it
    boundary = mean_boundary_f(np.tensordot(weights, sums.boundary, axes=1)[:, chosen])
    return {"miou": miou, "dice": pixels.mean_of(dice[rows]), "boundary_f": boundary, **whole}


def _precision(sums: Sums, weights: Weights, things: list[int], full: bool) -> Figures:
    areas = ("all", "small", "medium", "large") if full else ("all",)
    values = [average_precision(sums.rankings[k], weights, areas) for k in things]
    table = np.stack(values) if values else np.full((1, len(areas), 10), np.nan)
    out = {
        "ap": pixels.mean_of(table[:, 0]),
        "ap50": pixels.mean_of(table[:, 0, 0]),
        "ap75": pixels.mean_of(table[:, 0, 5]),
    }
    return out | {f"ap_{name}": pixels.mean_of(table[:, i]) for i, name in enumerate(areas) if i}


def _of_matches(sums: Sums, weights: Weights, chosen: list[int], things: list[int], full: bool) -> Figures:
    matches = np.tensordot(weights, sums.matches, axes=1)[:, :, things].sum(axis=2)
    pq = np.tensordot(weights.astype(np.float64), sums.pq, axes=1)
    quality = np.array([panoptic_quality(pq[:, k]) for k in chosen]).reshape(-1, 3)
    names = ("pq", "sq", "rq") if full else ("pq",)
    out = {name: pixels.mean_of(quality[:, i]) for i, name in enumerate(names)}
    return out | {"f1": f1(*matches[:, 0].tolist()), "dsb": dsb(*matches)}


def _of_mistakes(sums: Sums, weights: Weights, things: list[int], full: bool) -> Figures:
    """Rates of merges and splits per labelled object; each kind of mistake as its part of 1 − F1; calibration."""
    merged, split = np.tensordot(weights, sums.joined, axes=1)[:, things].sum(axis=1).tolist()
    labelled = float((weights @ sums.counted[:, 0])[things].sum())
    tp = float((weights @ sums.matches[:, 0, 0])[things].sum())
    kinds = np.tensordot(weights, sums.mistakes, axes=1)[:, things].sum(axis=1).astype(np.float64)
    total = 2 * tp + kinds.sum()
    out = {"merge_rate": _ratio(merged, labelled), "split_rate": _ratio(split, labelled)}
    out |= {f"{kind}_error": _ratio(number, total) for kind, number in zip(KINDS, kinds.tolist(), strict=True)}
    reliability = np.tensordot(weights.astype(np.float64), sums.reliability, axes=1)[:, :, things].sum(axis=2)
    out["calibration_error"] = calibration_error(reliability)
    return out | ({"num_merged": float(merged), "num_split": float(split)} if full else {})


def _ratio(top: float, bottom: float) -> float:
    return top / bottom if bottom else float("nan")
