"""report: one self-contained HTML page of the run."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from segwise.errors import IntegrityError
from segwise.predict.predictor import Predictor
from segwise.report import gallery
from segwise.report.page import Run, render
from segwise.spec import APPROACHES, sha256_of
from segwise.types import Prediction

WORK = Path("work")
OUT = WORK / "report/index.html"


def run() -> dict[str, Any]:
    """Write `work/report/index.html` from whatever the run left in `work/`.

    Raises:
        IntegrityError: no approach has been evaluated yet.
    """
    found = {a: _json(WORK / "evaluate" / a / "metrics.json") for a in APPROACHES}
    metrics: dict[str, Any] = {a: m for a, m in found.items() if m}
    if not metrics:
        raise IntegrityError("an evaluated approach", "none in work/evaluate", "run `make run` or `dvc repro` first")
    checks = _json(WORK / "gate/checks.json")
    data = Path((_yaml(Path("params.yaml")).get("data") or {}).get("dir", "data"))
    result = Run(
        checks=checks,
        metrics=metrics,
        benchmark=_json(WORK / "benchmark.json"),
        profile=_json(WORK / "profile.json"),
        split=_json(WORK / "split.json"),
        labels=_json(WORK / "labels/summary.json"),
        findings=_json(WORK / "labels/findings.json") or [],
        calibration={a: c for a in metrics if (c := _json(WORK / "calibrate" / a / "calibration.json"))},
        history={n: _csv(WORK / "train" / n / "history.csv") for n in ("dense", "instance")},
        provenance=_provenance(),
        gallery=_gallery(data, list(metrics), checks.get("winner")),
    )
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(render(result), encoding="utf-8")
    return {"path": str(OUT), "winner": checks.get("winner"), "summary": f"report: {OUT}"}


def _gallery(data: Path, approaches: list[str], winner: str | None) -> list[tuple[str, list[gallery.Panel]]]:
    import pandas as pd

    from segwise.dataset import coco, targets
    from segwise.dataset.images import read_image

    tables = {a: WORK / "evaluate" / a / "per_image.parquet" for a in approaches}
    rows = {a: _by_name(pd.read_parquet(p).to_dict("records")) for a, p in tables.items()}
    predictors = {a: Predictor.load(WORK / "calibrate" / a) for a in rows}
    dataset = coco.read(data)
    out = []
    for record in coco.by_name(dataset, gallery.choose(list(rows[winner or approaches[0]].values()))):
        image = read_image(dataset.image_path(record))
        truth = Prediction(targets.class_map(record, dataset.classes), targets.objects(record))
        answers = [(a, p.predict(image), rows[a][record.file_name]["f1"]) for a, p in predictors.items()]
        title = ", ".join(filter(None, [record.file_name, record.attributes.get("modality")]))
        out.append((title, gallery.panels(image, truth, answers, dataset.classes)))
    return out


def _by_name(records: Sequence[Mapping[Any, Any]]) -> dict[str, dict[str, Any]]:
    return {str(row["file_name"]): {str(key): value for key, value in row.items()} for row in records}


def _provenance() -> dict[str, str]:
    package = _json(WORK / "package/manifest.json")
    outs = _yaml(Path("data.dvc")).get("outs") or [{}]
    bento, params = WORK / "package/segwise.bento", Path("params.yaml")
    facts = {
        "data revision": outs[0].get("md5"),
        "git revision": _git(),
        "params.yaml, SHA-256": sha256_of(params) if params.is_file() else None,
        "package digest": sha256_of(WORK / "package/manifest.json") if package.get("winner") else None,
        "package archive, SHA-256": sha256_of(bento) if bento.is_file() else None,
        "shipped code, SHA-256": package.get("code_sha256"),
    }
    return {name: str(value) for name, value in facts.items() if value}


def _git() -> str | None:
    def ask(*words: str) -> str:
        return subprocess.run(["git", *words], capture_output=True, text=True, check=False).stdout.strip()

    revision = ask("rev-parse", "HEAD")
    return (
        f"{revision} + uncommitted changes" if revision and ask("status", "--porcelain", "-uno") else revision or None
    )


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _yaml(path: Path) -> dict[str, Any]:
    return (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.is_file() else {}


def _csv(path: Path) -> list[dict[str, float]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [{k: float(v) if v else float("nan") for k, v in row.items()} for row in csv.DictReader(file)]
