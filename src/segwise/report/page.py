"""The files of a run → the values the template shows. Pure: what is missing is left out of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from segwise.report import charts
from segwise.report.gallery import Panel
from segwise.report.gate_view import PILLS, check_view, verdict_of
from segwise.report.template import fill
from segwise.spec import CANDIDATES, SPLITS

FIGURES = ("miou", "ap", "ap50", "pq", "f1", "count_error", "coverage_error")
HEADS = {
    "miou": "mIoU", "foreground_iou": "IoU", "ap": "AP", "ap50": "AP50", "pq": "PQ", "f1": "F1",
    "count_error": "count error", "coverage_error": "coverage error",
}  # fmt: skip
ERRORS = ("count_error", "coverage_error")


@dataclass(frozen=True)
class Run:
    """What a run left behind; an empty value where it left nothing.

    `refused`: candidates that were not measured, with the reason. `pages`: (address, words) of the pages beside it.
    """

    checks: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    benchmark: Mapping[str, Any] = field(default_factory=dict)
    profile: Mapping[str, Any] = field(default_factory=dict)
    split: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, Any] = field(default_factory=dict)
    findings: Sequence[Mapping[str, Any]] = ()
    calibration: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    history: Mapping[str, Sequence[Mapping[str, float]]] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    pages: Sequence[tuple[str, str]] = ()
    gallery: Sequence[tuple[str, Sequence[Panel]]] = ()


def render(run: Run) -> str:
    """The page's HTML."""
    return fill("page.html.j2", **view(run))


def view(run: Run) -> dict[str, Any]:
    """The template's values, numbers already as text."""
    approaches = [a for a in CANDIDATES if a in run.metrics]
    decisions = list(dict.fromkeys(name for m in run.metrics.values() for name in m.get("decisions", {})))
    return {
        "winner": run.checks.get("winner"),
        "why": run.checks.get("why", "The gate has not run.").split(". ")[0].rstrip(".") + ".",
        "word": run.checks.get("verdict"),
        "rule": run.checks.get("rule", ""),
        "rows": [_row(a, run) for a in approaches],
        "heads": [HEADS[name] for name in FIGURES],
        "decisions": [(name, _tolerance(name, run)) for name in decisions],
        "refused": run.refused,
        "pages": run.pages,
        "cost_chart": _cost_chart(run, approaches),
        "strips": _strips(run, approaches),
        "slices": [_slice_table(name, run, approaches) for name in _slice_names(run, approaches)],
        "approaches": approaches,
        "gallery": run.gallery,
        "curves": {name: _curves(name, rows) for name, rows in run.history.items() if rows},
        "tiles": _tiles(run),
        "kinds": {k: charts.bars(_counts(v)) for k, v in run.profile.get("attributes", {}).items() if len(v) > 1},
        "findings": run.findings,
        "labels": run.labels,
        "points": {a: _point(c) for a, c in run.calibration.items() if "best" in c},
        "provenance": run.provenance,
        "device": _device(run.benchmark),
        "num_test": next((m.get("num_images") for m in run.metrics.values()), None),
        "num_groups": next((m.get("num_groups") for m in run.metrics.values()), None),
    }


def number(name: str, value: float | None) -> str:
    """A figure as the page shows it: errors in percent, qualities with three digits."""
    if value is None or value != value:
        return "–"
    return f"{100 * value:.1f} %" if name in ERRORS else f"{value:.3f}"


def _row(approach: str, run: Run) -> dict[str, Any]:
    metrics, timing = run.metrics[approach], run.benchmark.get("approaches", {}).get(approach, {})
    gate = run.checks.get("approaches", {}).get(approach, {"passed": None, "checks": [], "to_change": []})
    intervals = metrics.get("intervals") or {}
    best = {name: _is_best(name, approach, run) for name in FIGURES}
    return {
        "name": approach,
        "won": approach == run.checks.get("winner"),
        "pill": None if gate["passed"] is None else PILLS[verdict_of(gate)],
        "not_judged": dict(gate.get("not_judged", {})),
        "decided": [_decided(d) for d in metrics.get("decisions", {}).values()],
        "checks": [check_view(check) for check in gate["checks"]],
        "to_change": [text.replace(" %", "\u00a0%") for text in gate.get("to_change", [])],
        "figures": [
            {
                "text": number(name, metrics.get(name)),
                "range": _range(name, intervals.get(name)),
                "is_best": best[name],
            }
            for name in FIGURES
        ],
        "latency": f"{timing['p50_ms']:.0f} / {timing['p95_ms']:.0f}" if timing.get("p50_ms") is not None else "–",
        "size": f"{timing['model_mb']:.1f}" if timing.get("model_mb") is not None else "–",
    }


def _tolerance(name: str, run: Run) -> str:
    found = (m["decisions"][name] for m in run.metrics.values() if name in m.get("decisions", {}))
    return str(next(found).get("tolerance", ""))


def _decided(found: Mapping[str, Any]) -> dict[str, str]:
    """An approach's error in one decision, the part of the tolerance it uses up, and whether that is proven."""
    used = found.get("used")
    words = {"met": "meets it", "missed": "misses it", "open": "open"}.get(str(found.get("met")), "no figure")
    share = "" if used is None else f"{100 * used:.0f} % of the tolerance: "
    return {"text": number("count_error", found.get("error")), "words": f"{share}{words}"}


def _is_best(name: str, approach: str, run: Run) -> bool:
    values = {a: m[name] for a, m in run.metrics.items() if m.get(name) is not None}
    if approach not in values or len(values) < 2:
        return False
    return bool(values[approach] == (min if name in ERRORS else max)(values.values()))


def _range(name: str, interval: Sequence[float] | None) -> str:
    if not interval:
        return ""
    low, high = interval
    return f"{100 * low:.1f} – {100 * high:.1f}" if name in ERRORS else f"{low:.3f} – {high:.3f}"


def _limit(run: Run, name: str) -> float | None:
    for gate in run.checks.get("approaches", {}).values():
        for check in gate["checks"]:
            if check["name"] == name:
                return float(check["limit"])
    return None


def _cost_chart(run: Run, approaches: Sequence[str]) -> str:
    timings, points = run.benchmark.get("approaches", {}), []
    for a in approaches:
        error, cost = run.metrics[a].get("count_error"), timings.get(a, {}).get("p50_ms")
        if error is not None and cost is not None:
            pair = (run.metrics[a].get("intervals") or {}).get("count_error")
            interval = (100 * pair[0], 100 * pair[1]) if pair else None
            passed = bool(run.checks.get("approaches", {}).get(a, {}).get("passed"))
            points.append(charts.Point(a, cost, 100 * error, interval, passed, a == run.checks.get("winner")))
    limit = _limit(run, "max_count_error")
    return (
        charts.cost_chart(points, None if limit is None else 100 * limit, _limit(run, "max_p50_ms")) if points else ""
    )


def _strips(run: Run, approaches: Sequence[str]) -> str:
    timings = run.benchmark.get("approaches", {})
    return charts.strips({a: timings.get(a, {}).get("latencies_ms", []) for a in approaches}, _limit(run, "max_p95_ms"))


def _slice_names(run: Run, approaches: Sequence[str]) -> list[str]:
    return sorted({name for a in approaches for name in run.metrics[a].get("slices", {})})


def _slice_table(name: str, run: Run, approaches: Sequence[str]) -> dict[str, Any]:
    tables = {a: run.metrics[a].get("slices", {}).get(name, {}) for a in approaches}
    values = sorted({value for table in tables.values() for value in table})
    shown = ("f1", "ap50", "count_error")
    rows = []
    for value in values:
        cells = [tables[a].get(value, {}) for a in approaches]
        figures = [[_cell(key, cell.get(key)) for cell in cells] for key in shown]
        rows.append({"value": value, "num_images": max(c.get("num_images", 0) for c in cells), "figures": figures})
    return {"name": name, "rows": rows, "heads": [HEADS[key] for key in shown]}


def _cell(name: str, value: float | None) -> dict[str, Any]:
    good = None if value is None else max(0.0, 1 - value / 0.4) if name in ERRORS else value
    return {"text": number(name, value), "good": 0 if good is None else round(100 * min(good, 1))}


def _curves(name: str, rows: Sequence[Mapping[str, float]]) -> str:
    x_name = next((key for key in ("step", "epoch") if key in rows[0]), None)
    if x_name is None:
        return ""
    names = [key for key in rows[0] if "loss" in key]
    main = [key for key in ("train_loss", "val_loss", "loss") if key in names] or names[:3]
    series = {
        key.replace("_loss", ""): [
            (float(r[x_name]), float(r[key])) for r in rows if r.get(key) == r.get(key) and r.get(key)
        ]
        for key in main
    }
    return charts.curves({key: line for key, line in series.items() if line}, x_name, f"Training of {name}")


def _tiles(run: Run) -> list[tuple[str, str]]:
    profile, split = run.profile, run.split
    if not profile:
        return []
    tiles = [(f"{profile['num_images']:,}", "images"), (f"{profile['num_objects']:,}", "labelled objects")]
    tiles.append((f"{profile.get('num_groups', 0):,}", "groups, never divided by the split"))
    if split:
        tiles.append((" / ".join(str(len(split.get(part, []))) for part in SPLITS), " / ".join(SPLITS)))
    if middle := profile.get("diameter_px", {}).get("q50"):
        tiles.append((f"{middle:.0f} px", "median diameter"))
    tiles.append((f"{100 * profile.get('touching_fraction', 0):.0f} %", "of the objects touch another of their class"))
    return tiles


def _counts(values: Mapping[str, Any]) -> dict[str, float]:
    return dict(sorted(((k, float(v["num_images"])) for k, v in values.items()), key=lambda item: -item[1])[:12])


def _point(calibration: Mapping[str, Any]) -> str:
    best = calibration.get("best", {})
    values = ", ".join(f"{key} {value:g}" for key, value in sorted(best.get("point", {}).items()))
    return f"zoom {best.get('zoom', 1):g}; {values}"


def _device(benchmark: Mapping[str, Any]) -> str:
    if not benchmark:
        return ""
    name = benchmark.get("cpu") or benchmark.get("device", "")
    sizes = ", ".join(benchmark.get("image_sizes", []))
    threads, num_images = benchmark.get("threads", "?"), benchmark.get("num_images", "?")
    return f"{name}, {threads} thread(s), batch 1, {num_images} test images of {sizes} px"
