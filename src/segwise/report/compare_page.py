"""The bake-off → the values of `compare.html.j2`. Pure: what is missing is left out of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from segwise.report import kpi_rows, kpis
from segwise.report.decision_view import Comparison, cost_of, decision_view, significant
from segwise.report.kpis import said
from segwise.report.template import fill

Values = Mapping[str, Any]
CLASS_FIGURES = {
    "f1": "F1", "ap": "AP", "ap50": "AP50", "pq": "PQ", "miou": "IoU", "boundary_f": "boundary F",
    "count_error": "count error", "coverage_error": "coverage error",
}  # fmt: skip
SLICE_FIGURES = {key: CLASS_FIGURES[key] for key in ("f1", "ap50", "count_error", "coverage_error")}
PERCENT = ("count_error", "coverage_error")


def render(found: Comparison) -> str:
    """The page's HTML; the same values give the same bytes."""
    return fill("compare.html.j2", **view(found))


def view(found: Comparison) -> dict[str, Any]:
    """The template's values, numbers already as text."""
    names = list(found.metrics)
    intervals = {c: m.get("intervals") or {} for c, m in found.metrics.items()}
    paired = significant(found.result.get("differences", ()))
    one = next(iter(found.metrics.values()), {})
    quality = kpis.table(kpi_rows.QUALITY, found.metrics, intervals, paired)
    costs = kpis.table(kpi_rows.COSTS, {c: cost_of(found.result, c) for c in names}, {})
    return {
        "decisions": [decision_view(name, found) for name in found.result["decisions"]],
        "candidates": names,
        "refused": found.result.get("refused", {}),
        "parts": _parts(quality, costs),
        "classes": _class_table(found.metrics),
        "slices": _slice_tables(found.metrics),
        "worst": {c: found.worst.get(c, ()) for c in names},
        "num_images": one.get("num_images"),
        "num_groups": one.get("num_groups"),
        "num_objects": one.get("num_objects"),
        "device": found.device,
        "has_advice": bool(found.advice),
    }


def _parts(quality: Sequence[Values], costs: Sequence[Values]) -> list[tuple[str, list[Values]]]:
    """The rows under their headings, in the order of `kpi_rows.PARTS`."""
    by_part: dict[str, list[Values]] = {part: [] for part in kpi_rows.PARTS}
    for row in (*quality, *costs):
        by_part[row["part"]].append(row)
    return [(part, rows) for part, rows in by_part.items() if rows]


def _class_table(metrics: Mapping[str, Values]) -> dict[str, Any]:
    tables = {c: m.get("per_class", {}) for c, m in metrics.items()}
    return _grid("class", tables, CLASS_FIGURES)


def _slice_tables(metrics: Mapping[str, Values]) -> list[dict[str, Any]]:
    names = list(dict.fromkeys(name for m in metrics.values() for name in m.get("slices", {})))
    return [_grid(n, {c: m.get("slices", {}).get(n, {}) for c, m in metrics.items()}, SLICE_FIGURES) for n in names]


def _grid(name: str, tables: Mapping[str, Values], figures: Mapping[str, str]) -> dict[str, Any]:
    """One row per value, and under each figure one column per candidate."""
    values = list(dict.fromkeys(value for table in tables.values() for value in table))
    cells = [tables[c].get(v, {}) for v in values for c in tables]
    shown = [key for key in figures if any(cell.get(key) is not None for cell in cells)]
    rows = []
    for value in values:
        own = [table.get(value, {}) for table in tables.values()]
        number = next((f"{o['num_images']:,}" for o in own if o.get("num_images") is not None), "")
        figure_cells = [[_cell(key, o.get(key)) for o in own] for key in shown]
        rows.append({"value": value, "number": number, "figures": figure_cells})
    return {
        "name": name,
        "rows": rows,
        "heads": [figures[key] for key in shown],
        "has_numbers": any(r["number"] for r in rows),
    }


def _cell(key: str, value: float | None) -> dict[str, Any]:
    is_error = key in PERCENT
    good = None if value is None else max(0.0, 1 - value / 0.4) if is_error else value
    return {"text": said(value, "percent" if is_error else "share"), "good": round(100 * min(good or 0.0, 1.0))}
