"""One table of every candidate and every figure: what it says, and which value is really best. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from segwise.report.kpi_rows import Kpi, Unit

Values = Mapping[str, Any]


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


def between(pair: Sequence[float | None] | None, unit: Unit) -> str:
    """An interval in the unit of its figure, without the unit's suffix."""
    if not pair or any(v is None for v in pair):
        return ""
    low, high = (said(v, unit).replace("\u00a0%", "") for v in pair)
    return f"{low} … {high}"


def table(
    kpis: Sequence[Kpi],
    values: Mapping[str, Values],
    intervals: Mapping[str, Mapping[str, Sequence[float | None] | None]],
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
    ranges: Mapping[str, Sequence[float | None] | None],
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
    ranges: Mapping[str, Sequence[float | None] | None],
    significant: Mapping[tuple[str, str, str], bool],
) -> bool:
    said = significant.get((kpi.key, first, second), significant.get((kpi.key, second, first)))
    if said is not None and kpi.better != "zero":  # a bias of the other sign may be as far from 0
        return said
    a, b = (_ends(ranges[c], is_size=kpi.better == "zero") for c in (first, second))
    return bool(a and b and (a[1] < b[0] or b[1] < a[0]))


def _ends(pair: Sequence[float | None] | None, *, is_size: bool) -> tuple[float, float] | None:
    """An interval, or that of the value's distance from 0; an end that is missing is endless."""
    if pair is None:
        return None
    low, high = (-math.inf if pair[0] is None else pair[0]), (math.inf if pair[1] is None else pair[1])
    if not is_size:
        return low, high
    return (0.0 if low <= 0 <= high else min(abs(low), abs(high))), max(abs(low), abs(high))


def _suffix(unit: Unit) -> str:
    return unit if unit in ("ms", "s", "MB", "min") else ""
