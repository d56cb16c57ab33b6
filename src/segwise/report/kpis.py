"""One table of every candidate and every figure: what is shown, in which unit, which value is really best. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Unit = Literal["share", "percent", "signed percent", "number", "signed", "count", "ms", "s", "money", "MB", "min"]
Better = Literal["high", "low", "zero", ""]
Values = Mapping[str, Any]
PARTS = ("the decision", "counts and areas", "objects", "ranking of objects", "pixels", "time and cost")


@dataclass(frozen=True, slots=True)
class Kpi:
    """One row: the key of its value, its words, its unit, which way is better, and the group of rows it is in."""

    key: str
    words: str
    unit: Unit
    better: Better
    part: str
    hint: str = ""


def _rows(part: str, *rows: tuple[str, str, Unit, Better, str]) -> tuple[Kpi, ...]:
    return tuple(Kpi(key, words, unit, better, part, hint) for key, words, unit, better, hint in rows)


DECISION = _rows(
    "the decision",
    ("error", "error", "percent", "low", "in the decision's own units"),
    ("used", "of the tolerance", "percent", "low", "100 % = exactly at the limit"),
    ("accuracy", "decision accuracy", "percent", "high", "images on which the action comes out as from the labels"),
    ("cost", "price of the mistakes", "number", "low", "of 1,000 images, by the decision's prices"),
    ("mae", "MAE", "number", "low", "mean |error| of an image"),
    ("mape", "MAPE", "percent", "low", "mean |error| over the true number, where it is not 0"),
    ("bias", "bias", "signed", "zero", "mean of counted − labelled"),
    ("relative_bias", "bias, relative", "signed percent", "zero", "sum of counted − labelled, of all labelled"),
    ("exact_rate", "exactly right", "percent", "high", "share of the answers without any error"),
    ("limits_low", "limits of agreement, low", "signed", "", "bias − 1.96 standard deviations (Bland and Altman 1986)"),
    ("limits_high", "limits of agreement, high", "signed", "", "bias + 1.96 standard deviations"),
    ("sensitivity", "sensitivity", "percent", "high", "found, of those that are there; exact interval"),
    ("specificity", "specificity", "percent", "high", "not claimed, of those that are not there; exact interval"),
    ("f1", "F1", "share", "high", "objects matched one to one at the decision's IoU"),
    ("precision", "precision", "share", "high", ""),
    ("recall", "recall", "share", "high", ""),
)
QUALITY = (
    *_rows(
        "counts and areas",
        ("count_error", "count error", "percent", "low", "Σ|error| / Σ count, all countable classes"),
        ("count_mae", "count MAE", "number", "low", "mean |error| of an image"),
        ("count_mape", "count MAPE", "percent", "low", "mean of |error| / count"),
        ("count_bias", "count bias", "signed percent", "zero", "Σ error / Σ count"),
        ("count_exact_rate", "exactly right", "percent", "high", "images whose count is right"),
        ("coverage_error", "coverage error", "percent", "low", "mean |error| of the covered share of an image"),
        ("coverage_bias", "coverage bias", "signed percent", "zero", ""),
    ),
    *_rows(
        "objects",
        ("f1", "F1 at IoU 0.5", "share", "high", ""),
        ("dsb", "DSB score", "share", "high", "mean over IoU 0.5 to 0.95 of TP / (TP + FP + FN)"),
        ("pq", "PQ", "share", "high", "SQ × RQ"),
        ("sq", "SQ", "share", "high", "mean IoU of the matched"),
        ("rq", "RQ", "share", "high", "F1 of the matched"),
        (
            "merge_rate",
            "merge rate",
            "percent",
            "low",
            "predictions over several labelled objects, per labelled object",
        ),
        (
            "split_rate",
            "split rate",
            "percent",
            "low",
            "labelled objects under several predictions, per labelled object",
        ),
        (
            "splitting_error",
            "splitting error",
            "percent",
            "low",
            "merged or split: not told apart",
        ),
        (
            "class_error",
            "class error",
            "percent",
            "low",
            "found under another class; the five kinds of mistakes add up to 1 − F1",
        ),
        ("outline_error", "poor outlines", "percent", "low", ""),
        ("missed_error", "missed", "percent", "low", "labelled, and nothing like it predicted"),
        ("invented_error", "invented", "percent", "low", "predicted, and nothing like it labelled"),
        ("calibration_error", "calibration error", "percent", "low", "expected |score − precision|"),
    ),
    *_rows(
        "ranking of objects",
        ("ap", "AP", "share", "high", "mask AP over IoU 0.5 to 0.95, as COCO"),
        ("ap50", "AP50", "share", "high", ""),
        ("ap75", "AP75", "share", "high", ""),
        ("ap_small", "AP, small", "share", "high", "under 32² px"),
        ("ap_medium", "AP, medium", "share", "high", "32² to 96² px"),
        ("ap_large", "AP, large", "share", "high", "over 96² px"),
    ),
    *_rows(
        "pixels",
        ("miou", "mIoU", "share", "high", "mean over the classes and the background, Σ intersection / Σ union"),
        ("foreground_iou", "foreground IoU", "share", "high", ""),
        ("dice", "Dice", "share", "high", ""),
        ("boundary_f", "boundary F", "share", "high", "F1 of the outlines' pixels"),
    ),
)
COSTS = _rows(
    "time and cost",
    ("p50_ms", "p50", "ms", "low", "median time of an image"),
    ("p95_ms", "p95", "ms", "low", ""),
    ("p99_ms", "p99", "ms", "low", ""),
    ("cpu_s_per_1000", "CPU time of 1,000 images", "s", "low", ""),
    ("cost_per_1000", "cost of 1,000 images", "money", "low", "CPU time at operation.cost_per_cpu_hour"),
    ("peak_memory_mb", "peak memory", "MB", "low", ""),
    ("model_mb", "model size", "MB", "low", ""),
    ("train_minutes", "training", "min", "low", "semantic and hybrid share one training"),
)


def said(value: float | None, unit: Unit) -> str:
    """A value in its unit; – where there is none."""
    if value is None or value != value:
        return "–"
    sign = "+" if unit.startswith("signed") and value > 0 else ""
    if unit in ("percent", "signed percent"):
        digits = 2 if 0 < abs(value) < 0.01 else 1
        return f"{sign}{100 * value:.{digits}f}\u00a0%".replace("-", "−")
    if unit == "share":
        return f"{value:.3f}"
    if unit == "money":
        return f"{value:.2g}" if value < 1 else f"{value:,.2f}"
    digits = 0 if abs(value) >= 100 or unit == "count" else 1 if abs(value) >= 10 or unit in ("ms", "MB", "min") else 2
    return f"{sign}{value:,.{digits}f}".replace("-", "−")


def between(pair: Sequence[float] | None, unit: Unit) -> str:
    """An interval in the unit of its figure, without the unit's suffix."""
    if not pair or any(v is None for v in pair):
        return ""
    low, high = (said(v, unit).replace("\u00a0%", "") for v in pair)
    return f"{low} … {high}"


def table(
    kpis: Sequence[Kpi],
    values: Mapping[str, Values],
    intervals: Mapping[str, Mapping[str, Sequence[float] | None]],
    significant: Mapping[tuple[str, str, str], bool] | None = None,
) -> list[dict[str, Any]]:
    """The rows that any candidate has a value for: words, hint, and a cell (text, range, is_best) per candidate.

    Args:
        values, intervals: by candidate and key.
        significant: by (figure, candidate, other): whether the paired difference is. Pairs without an entry are judged
            by their intervals: apart from one another, or not told apart. Figures of `time and cost` are measurements:
            the best of them is at least 5 % better than the next.
    """
    out = []
    for kpi in kpis:
        found = {c: v.get(kpi.key) for c, v in values.items()}
        if all(v is None for v in found.values()):
            continue
        ranges = {c: intervals.get(c, {}).get(kpi.key) for c in values}
        best = best_of(kpi, found, ranges, significant or {})
        cells = [
            {"text": said(v, kpi.unit), "range": between(ranges[c], kpi.unit), "is_best": c == best}
            for c, v in found.items()
        ]
        out.append({"part": kpi.part, "words": kpi.words, "hint": kpi.hint, "unit": _suffix(kpi.unit), "cells": cells})
    return out


def best_of(
    kpi: Kpi,
    found: Mapping[str, float | None],
    ranges: Mapping[str, Sequence[float] | None],
    significant: Mapping[tuple[str, str, str], bool],
) -> str | None:
    """The candidate whose value is better than every other's beyond chance; None where no one's is."""
    known = {c: v for c, v in found.items() if v is not None}
    if not kpi.better or len(known) < 2:
        return None
    score = {c: {"high": v, "low": -v, "zero": -abs(v)}[kpi.better] for c, v in known.items()}
    first = max(score, key=lambda c: score[c])
    rest = [c for c in score if c != first]
    if kpi.part == "time and cost":
        return first if all(abs(known[first]) <= 0.95 * abs(known[c]) for c in rest) else None
    return first if all(_is_apart(kpi, first, c, ranges, significant) for c in rest) else None


def _is_apart(
    kpi: Kpi,
    first: str,
    second: str,
    ranges: Mapping[str, Sequence[float] | None],
    significant: Mapping[tuple[str, str, str], bool],
) -> bool:
    said = significant.get((kpi.key, first, second), significant.get((kpi.key, second, first)))
    if said is not None:
        return said
    a, b = ranges[first], ranges[second]
    return bool(a and b and (a[1] < b[0] or b[1] < a[0]))


def _suffix(unit: Unit) -> str:
    return unit if unit in ("ms", "s", "MB", "min") else ""
