"""The figures of the comparison: what each is called, its unit, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Unit = Literal["share", "percent", "signed percent", "number", "signed", "count", "ms", "s", "money", "MB", "min"]
Better = Literal["high", "low", "zero", ""]
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


def of_decision(kind: str) -> tuple[Kpi, ...]:
    """The rows of a decision: biases and limits of agreement of `coverage` are shares, as its error is."""
    if kind != "coverage":
        return DECISION
    return tuple(replace(row, unit="signed percent") if row.unit == "signed" else row for row in DECISION)


def _rows(part: str, *rows: tuple[str, str, Unit, Better, str]) -> tuple[Kpi, ...]:
    return tuple(Kpi(key, words, unit, better, part, hint) for key, words, unit, better, hint in rows)


DECISION = _rows(
    "the decision",
    ("error", "error", "percent", "low", "the natural one of its kind; the tolerance may be of another"),
    ("used", "of the tolerance", "percent", "low", "100 % = exactly at the limit"),
    ("accuracy", "decision accuracy", "percent", "high", "images on which the action comes out as from the labels"),
    ("cost", "price of the mistakes", "number", "low", "of 1,000 images, by the decision's prices"),
    ("mae", "MAE", "number", "low", "mean |error| of an image, zone and class"),
    ("mape", "MAPE", "percent", "low", "mean |error| over the true number, where it is not 0"),
    ("bias", "bias", "signed", "zero", "mean of predicted − labelled, an image, zone and class"),
    ("relative_bias", "bias, relative", "signed percent", "zero", "sum of predicted − labelled, of all labelled"),
    ("exact_rate", "exactly right", "percent", "high", "images, zones and classes without any error"),
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
        ("count_mae", "count MAE", "number", "low", "mean |error| of an image and class"),
        ("count_mape", "count MAPE", "percent", "low", "mean of |error| / count, of an image and class that has any"),
        ("count_bias", "count bias", "signed percent", "zero", "Σ error / Σ count"),
        ("count_exact_rate", "exactly right", "percent", "high", "images and classes whose count is right"),
        (
            "coverage_error",
            "coverage error",
            "percent",
            "low",
            "mean |error| of the share of an image that a class covers",
        ),
        (
            "coverage_bias",
            "coverage bias",
            "signed percent",
            "zero",
            "mean of predicted − labelled share, of an image and class",
        ),
    ),
    *_rows(
        "objects",
        ("f1", "F1 at IoU 0.5", "share", "high", ""),
        ("dsb", "DSB score", "share", "high", "mean over IoU 0.5 to 0.95 of TP / (TP + FP + FN)"),
        ("pq", "PQ", "share", "high", "SQ × RQ"),
        ("sq", "SQ", "share", "high", "mean IoU of the matched"),
        ("rq", "RQ", "share", "high", "F1 of the matched"),
        ("merge_rate", "merge rate", "percent", "low", "predictions over several labelled objects, of these"),
        ("split_rate", "split rate", "percent", "low", "labelled objects under several predictions"),
        ("splitting_error", "splitting error", "percent", "low", "merged or split: not told apart"),
        ("class_error", "class error", "percent", "low", "found as another class; all five kinds make up 1 − F1"),
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
