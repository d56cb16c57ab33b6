"""A dossier's facts → the values of `dossier.html.j2`. Pure: what is missing is said to be missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from segwise.proof.facts import FIGURES, OF_CLASS, OF_SLICE
from segwise.report.kpis import between, said
from segwise.report.template import fill
from segwise.report.worst import Shot, fitting

Values = Mapping[str, Any]
PERCENT = ("count_error", "coverage_error", "merge_rate", "split_rate", "missed_error", "invented_error")
WORDS = {
    "right": "right: a prediction of its own",
    "class": "found under another class",
    "splitting": "merged with another one, or cut into pieces",
    "outline": "found with a poor outline",
    "missed": "missed",
    "invented": "invented",
}
TIMES = {
    "p50_ms": "p50", "p95_ms": "p95", "p99_ms": "p99", "jitter": "jitter, p99 / p50", "cold_start_ms": "cold start",
    "peak_memory_mb": "peak memory", "cpu_s_per_image": "CPU time of an image", "model_mb": "model size",
}  # fmt: skip
UNITS = {"ms": " ms", "mb": " MB", "image": " s"}
ORDER = ("pass", "fail", "not proven", "not recorded")
RECORD = ("work/", "registry/", "dvc.lock")


def render(found: Values, worst: Sequence[Shot], ordinary: Sequence[Shot], files: Mapping[str, Values]) -> str:
    """The page's HTML; the same values give the same bytes.

    Args:
        found: see `proof.gather`. worst, ordinary: pictures. files: SHA-256 and bytes of the folder's files, by path.
    """
    return fill("dossier.html.j2", **view(found, worst, ordinary, files))


def view(found: Values, worst: Sequence[Shot], ordinary: Sequence[Shot], files: Mapping[str, Values]) -> dict[str, Any]:
    """The template's values, numbers already as text."""
    results = found["results"]
    return {
        **{key: found[key] for key in ("about", "statement", "criteria", "missing", "software", "approvals", "chain")},
        "events": found["events"],
        "num_test_reads": found["num_test_reads"],
        "decisions": _decisions(found["criteria"]["sections"].get("decision") or {}, results["decisions"]),
        "limits": _leaves(found["criteria"]["sections"].get("gate") or {}),
        "requirements": [{**row, "link": _link(row["evidence"], files)} for row in found["requirements"]],
        "tally": _tally(found["requirements"]),
        "data": found["data"],
        "training": [_training(own) for own in found["training"]],
        "figures": _rows({"all test images": results["all"]}, tuple(FIGURES), turned=True),
        "tables": _tables(results),
        "numbers": {key: results.get(key) for key in ("num_images", "num_groups", "num_objects")},
        "trace": _trace(found["trace"]),
        "worst": fitting(worst),
        "ordinary": ordinary,
        "latency": _latency(found["latency"]),
        "files": [{"name": name, **own} for name, own in files.items()],
    }


def _decisions(sections: Values, measured: Values) -> list[dict[str, Any]]:
    out = []
    for name, own in sections.items():
        stated = {key: value for key, value in (own.get("tolerance") or {}).items() if value is not None}
        out.append(
            {
                "name": name,
                "kind": own.get("kind"),
                "classes": ", ".join(own.get("classes") or []) or "every class it can be asked of",
                "tolerance": (measured.get(name) or {}).get("tolerance") or ", ".join(map(" ".join, _leaves(stated))),
                "action": own.get("action") or "none stated",
            }
        )
    return out


def _leaves(values: Any, prefix: str = "") -> list[tuple[str, str]]:
    if not isinstance(values, Mapping):
        return [] if values is None else [(prefix, f"{values:g}" if isinstance(values, float) else str(values))]
    return [row for k, v in values.items() for row in _leaves(v, f"{prefix}.{k}" if prefix else str(k))]


def _link(evidence: str, files: Mapping[str, Values]) -> str:
    name = f"records/{evidence}" if evidence.startswith(RECORD) else evidence
    return name if name in files else ""


def _tally(rows: Sequence[Values]) -> list[tuple[str, int]]:
    counts = {result: sum(row["result"] == result for row in rows) for result in ORDER}
    return [(result, number) for result, number in counts.items() if number]


def _training(own: Values) -> dict[str, Any]:
    history = [[_plain(value) for value in step] for step in own["history"]]
    last = [(key, _plain(value)) for key, value in own["metrics"].items()]
    return {**own, "history": history, "last": last, "rows": _leaves(own["params"])}


def _tables(results: Values) -> list[dict[str, Any]]:
    kinds = [("class", results["classes"], OF_CLASS), *((n, own, OF_SLICE) for n, own in results["slices"].items())]
    return [{"name": name, **_rows(own, keys)} for name, own, keys in kinds if own]


def _rows(parts: Mapping[str, Values], keys: Sequence[str], *, turned: bool = False) -> dict[str, Any]:
    """A table of figures by part; `turned`: one row per figure instead of one per part."""
    shown = [key for key in keys if any(key in own["figures"] for own in parts.values())]
    cells = {name: [_figure(key, own["figures"].get(key)) for key in shown] for name, own in parts.items()}
    if turned:
        turns = [{"name": FIGURES[key], "cells": [own[i] for own in cells.values()]} for i, key in enumerate(shown)]
        return {"heads": list(parts), "rows": turns}
    rows = [{"name": name, "number": parts[name].get("num_images"), "cells": own} for name, own in cells.items()]
    return {"heads": [FIGURES[key] for key in shown], "rows": rows}


def _figure(key: str, pair: Sequence[Any] | None) -> dict[str, str]:
    unit: Any = "percent" if key in PERCENT else "share"
    value, interval = pair or (None, None)
    return {"text": said(value, unit), "range": between(interval, unit)}


def _trace(own: Values) -> dict[str, Any]:
    if not own:
        return {}
    total = max(own["num_labels"], 1)
    rows = [(WORDS[name], number, f"{100 * number / total:.1f} %") for name, number in own["labels"].items()]
    others = [(WORDS[name], number) for name, number in own["unanswering"].items()]
    apart = own["num_touching"] and f"{100 * own['num_touching_right'] / own['num_touching']:.1f} %"
    return {**own, "rows": rows, "others": others, "apart": apart, "f1_text": said(own["f1"], "share")}


def _latency(own: Values) -> dict[str, Any]:
    if not own:
        return {}
    rows = [
        (words, f"{own[key]:,.4g}{UNITS.get(key.rsplit('_', 1)[-1], '')}")
        for key, words in TIMES.items()
        if own.get(key) is not None
    ]
    sizes = ", ".join(own.get("image_sizes") or ())
    on = f"{own['cpu']}, {own['threads']} thread(s), batch {own['batch_size']}"
    about = f"{on}, {own['num_images']} test images of {sizes} px"
    return {"rows": rows, "about": about}


def _plain(value: Any) -> str:
    return (
        "–"
        if value is None
        else f"{value:.4g}"
        if isinstance(value, float)
        else f"{value:,}"
        if isinstance(value, int)
        else str(value)
    )
