"""report: one self-contained HTML page of the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from segwise.dataset import coco
from segwise.errors import IntegrityError
from segwise.predict.predictor import Predictor
from segwise.report import gallery
from segwise.report.inputs import provenance, read_history, read_images_figures, read_json, read_yaml
from segwise.report.page import Run, render
from segwise.spec import CANDIDATES

WORK, PARAMS = Path("work"), Path("params.yaml")
OUT = WORK / "report/index.html"
PAGES = {
    "compare/index.html": "every candidate against the decisions",
    "advice/index.html": "the advice before training",
}


def run() -> dict[str, Any]:
    """Write `work/report/index.html` from whatever the run left in `work/`.

    Raises:
        IntegrityError: no approach has been evaluated yet.
    """
    found: dict[str, Any] = {c: m for c in CANDIDATES if (m := read_json(WORK / "evaluate" / c / "metrics.json"))}
    metrics = {c: m for c, m in found.items() if "refused" not in m}
    if not metrics:
        raise IntegrityError("an evaluated approach", "none in work/evaluate", "run `make run` or `dvc repro` first")
    checks = read_json(WORK / "gate/checks.json")
    winner = checks.get("winner")
    result = Run(
        checks=checks,
        metrics=metrics,
        benchmark=read_json(WORK / "benchmark.json"),
        profile=read_json(WORK / "profile.json"),
        split=read_json(WORK / "split.json"),
        labels=read_json(WORK / "labels/summary.json"),
        findings=read_json(WORK / "labels/findings.json") or [],
        calibration={a: c for a in metrics if (c := read_json(WORK / "calibrate" / a / "calibration.json"))},
        history={n: read_history(WORK / "train" / n / "history.csv") for n in ("dense", "instance")},
        provenance=provenance(WORK, PARAMS, Path("data.dvc")),
        refused={c: str(m["refused"]) for c, m in found.items() if "refused" in m},
        pages=[(f"../{place}", words) for place, words in PAGES.items() if (WORK / place).is_file()],
        gallery=_gallery(list(metrics), winner or next(iter(metrics))),
    )
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(render(result), encoding="utf-8")
    return {"path": str(OUT), "winner": winner, "summary": f"report: {OUT}"}


def _gallery(approaches: list[str], chosen_by: str) -> list[gallery.Row]:
    dataset = coco.read(Path((read_yaml(PARAMS).get("data") or {}).get("dir", "data")))
    figures = {a: read_images_figures(WORK / "evaluate" / a / "per_image.parquet") for a in approaches}
    predictors = {a: Predictor.load(WORK / "calibrate" / a).predict for a in approaches}
    records = coco.by_name(dataset, gallery.choose(list(figures[chosen_by].values())))
    return [gallery.row(record, dataset, predictors, figures) for record in records]
