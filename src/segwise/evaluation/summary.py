"""The figures of a data set, its slices and its classes, from measured images. Undefined figures are None."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwise.evaluation import pixels
from segwise.evaluation.counts import count_metrics, coverage_metrics
from segwise.evaluation.intervals import bootstrap
from segwise.evaluation.measure import Measured
from segwise.evaluation.objects import dsb, f1, panoptic_quality
from segwise.evaluation.params import EvaluateParams
from segwise.evaluation.precision import Ranking, average_precision, rank
from segwise.types import ClassInfo

HEADLINES = ("miou", "foreground_iou", "ap", "ap50", "pq", "f1", "dsb", "count_error", "coverage_error")
DIGITS = 6
Weights = NDArray[np.int64]


class Stack:
    """Measured images stacked into arrays, in canonical order (file name), so that any weighting is a few sums."""

    def __init__(self, images: Sequence[Measured], classes: Sequence[ClassInfo]) -> None:
        self.images = tuple(sorted(images, key=lambda m: m.file_name))
        self.things = [index for index, c in enumerate(classes) if c.isthing]
        self.stuff = [index for index, c in enumerate(classes) if not c.isthing]
        self.pixels = np.stack([m.pixels for m in self.images])
        self.matches = np.stack([np.stack([m.tally.tp, m.tally.fp, m.tally.fn]) for m in self.images])  # (I, 3, 10, K)
        self.pq = np.stack([m.tally.pq for m in self.images])
        self.pq[:, :, self.stuff] = _stuff_pq(self.pixels)[:, :, self.stuff]
        self.counted = np.stack([m.tally.counted for m in self.images])
        self.joined = np.stack([np.stack([m.tally.merged, m.tally.split]) for m in self.images])
        self.rankings: list[Ranking] = [rank([m.detections[k] for m in self.images]) for k in range(len(classes))]

    def figures(self, weights: Weights, *, columns: Sequence[int] | None = None, full: bool = True) -> dict[str, float]:
        """Figures of the weighted images; `columns` (class index) narrows them. NaN where undefined.

        Means over classes leave undefined classes out. Object figures are of countable classes, pixel figures of all.
        `full` adds what bootstrap does not need: AP by size, SQ, RQ, merges, splits.
        """
        chosen = list(range(self.pixels.shape[1] - 1)) if columns is None else list(columns)
        things = [k for k in chosen if k in self.things]
        out = self._pixel_figures(weights, chosen, everything=columns is None)
        out |= self._precision(weights, things, full)
        out |= self._match_figures(weights, chosen, things, full)
        out |= count_metrics(self.counted[:, 0][:, things], self.counted[:, 1][:, things], weights)
        truth, predicted = pixels.coverage(self.pixels)
        return out | coverage_metrics(truth[:, chosen], predicted[:, chosen], weights)

    def _pixel_figures(self, weights: Weights, chosen: list[int], *, everything: bool) -> dict[str, float]:
        matrix = np.tensordot(weights, self.pixels, axes=1)
        iou, dice = pixels.iou(matrix), pixels.dice(matrix)
        rows = [k + 1 for k in chosen]
        whole = {"foreground_iou": pixels.foreground_iou(matrix)} if everything else {}
        miou = pixels.mean_of(
            iou if everything else iou[rows]
        )  # background is one of the classes, as the field prints it
        return {"miou": miou, "dice": pixels.mean_of(dice[rows]), **whole}

    def _precision(self, weights: Weights, things: list[int], full: bool) -> dict[str, float]:
        areas = ("all", "small", "medium", "large") if full else ("all",)
        values = [average_precision(self.rankings[k], weights, areas) for k in things]
        table = np.stack(values) if values else np.full((1, len(areas), 10), np.nan)
        out = {
            "ap": pixels.mean_of(table[:, 0]),
            "ap50": pixels.mean_of(table[:, 0, 0]),
            "ap75": pixels.mean_of(table[:, 0, 5]),
        }
        return out | {f"ap_{name}": pixels.mean_of(table[:, i]) for i, name in enumerate(areas) if i}

    def _match_figures(self, weights: Weights, chosen: list[int], things: list[int], full: bool) -> dict[str, float]:
        matches = np.tensordot(weights, self.matches, axes=1)[:, :, things].sum(axis=2)
        pq = np.tensordot(weights.astype(np.float64), self.pq, axes=1)
        quality = np.array([panoptic_quality(pq[:, k]) for k in chosen]).reshape(-1, 3)
        names = ("pq", "sq", "rq") if full else ("pq",)
        out = {name: pixels.mean_of(quality[:, i]) for i, name in enumerate(names)}
        out |= {"f1": f1(*matches[:, 0].tolist()), "dsb": dsb(*matches)}
        if full:
            joined = np.tensordot(weights, self.joined, axes=1)[:, things].sum(axis=1)
            out |= {"num_merged": float(joined[0]), "num_split": float(joined[1])}
        return out


def _stuff_pq(matrices: NDArray[np.int64]) -> NDArray[np.float64]:
    """tp, fp, fn, summed IoU of each class taken as one segment an image, float64 (I, 4, K)."""
    hit = np.diagonal(matrices, axis1=1, axis2=2)[:, 1:]
    truth, predicted = matrices.sum(axis=2)[:, 1:], matrices.sum(axis=1)[:, 1:]
    iou = hit / np.maximum(truth + predicted - hit, 1)
    paired = iou > 0.5
    parts = (paired, ~paired & (predicted > 0), ~paired & (truth > 0), np.where(paired, iou, 0))
    return np.stack([part.astype(np.float64) for part in parts], axis=1)


def summarise(images: Sequence[Measured], classes: Sequence[ClassInfo], params: EvaluateParams) -> dict[str, Any]:
    """All figures as plain values: the data set's, their intervals, per class and per slice.

    The order of `images` does not matter. Figures are rounded to six digits; what is undefined is None.
    """
    stack = Stack(images, classes)
    ones = np.ones(len(stack.images), dtype=np.int64)
    groups = [m.group for m in stack.images]
    return {
        **_plain(stack.figures(ones)),
        "num_images": len(stack.images),
        "num_groups": len(set(groups)),
        "num_objects": int(stack.counted[:, 0].sum()),
        "intervals": _intervals(stack, groups, params),
        "per_class": {c.name: _plain(stack.figures(ones, columns=[k])) for k, c in enumerate(classes)},
        "slices": {key: _slices(stack, key) for key in params.slice_by},
    }


def _slices(stack: Stack, key: str) -> dict[str, Any]:
    values = np.array([m.attributes.get(key, "unknown") for m in stack.images])
    return {
        str(value): {
            **_plain(stack.figures((values == value).astype(np.int64))),
            "num_images": int((values == value).sum()),
        }
        for value in np.unique(values)
    }


def _intervals(stack: Stack, groups: list[str], params: EvaluateParams) -> dict[str, Any]:
    def headline(weights: Weights) -> dict[str, float]:
        figures = stack.figures(weights, full=False)
        return {name: figures[name] for name in HEADLINES}

    found = bootstrap(groups, headline, replicates=params.replicates, confidence=params.confidence, seed=params.seed)
    return {name: None if pair is None else [round(v, DIGITS) for v in pair] for name, pair in found.items()}


def _plain(figures: dict[str, float]) -> dict[str, float | int | None]:
    return {
        name: None if math.isnan(value) else int(value) if name.startswith("num_") else round(value, DIGITS)
        for name, value in figures.items()
    }


def per_image_rows(images: Sequence[Measured]) -> list[dict[str, Any]]:
    """One row per image, in canonical order: what a reader sorts to find the worst ones."""
    rows = []
    for m in sorted(images, key=lambda m: m.file_name):
        counted, matches = m.tally.counted.sum(axis=1), [int(a[0].sum()) for a in (m.tally.tp, m.tally.fp, m.tally.fn)]
        truth, predicted = pixels.coverage(m.pixels)
        rows.append(
            {
                "file_name": m.file_name,
                "group": m.group,
                **m.attributes,
                "true_count": int(counted[0]),
                "predicted_count": int(counted[1]),
                "f1": f1(*matches),
                "foreground_iou": pixels.foreground_iou(m.pixels),
                "true_coverage": float(truth.sum()),
                "predicted_coverage": float(predicted.sum()),
                "num_merged": int(m.tally.merged.sum()),
                "num_split": int(m.tally.split.sum()),
            }
        )
    return rows
