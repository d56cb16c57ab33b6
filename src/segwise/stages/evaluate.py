"""`segwise evaluate CANDIDATE`: what is calibrated or composed, against the labels of the test split."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from segwise.dataset import coco, targets
from segwise.dataset.params import DataParams
from segwise.dataset.workers import told
from segwise.decision import answers
from segwise.decision.params import Decision
from segwise.errors import DataInvalidError
from segwise.evaluation.measure import Measured, measure
from segwise.evaluation.params import EvaluateParams
from segwise.evaluation.rows import columns, per_image_rows
from segwise.evaluation.summary import summary
from segwise.evaluation.sums import stacked, write_nothing, write_sums
from segwise.predict.predictor import Predictor
from segwise.spec import CASCADE_FILE, canonical_json

if TYPE_CHECKING:
    from segwise.predict.cascade import Cascade


def run(
    approach: str, data: DataParams, params: EvaluateParams, decisions: Mapping[str, Decision] | None = None
) -> dict[str, Any]:
    """Read `work/calibrate/<approach>` and the test images; write metrics.json, per_image.parquet and sums.npz.

    A cascade that was refused is not measured: metrics.json says why, the other two are empty.
    """
    decisions = decisions or {}
    dataset = coco.read(Path(data.dir))
    answers.check(dict(decisions), dataset.classes)
    split = json.loads(Path("work/split.json").read_text(encoding="utf-8"))
    if not split["test"]:
        raise DataInvalidError("images in the test split", "none", "raise split.fractions, or mark images `test`")
    folder, out = Path("work/calibrate") / approach, Path("work/evaluate") / approach
    records = coco.by_name(dataset, split["test"])
    out.mkdir(parents=True, exist_ok=True)
    if (refused := _refused(folder)) is not None:
        names = columns(decisions, {key for record in records for key in record.attributes})
        return _not_measured(out, approach, refused, names)
    predictor = Predictor.load(folder, threads=params.threads)
    items = told(f"evaluate {approach}", records, len(records))
    images = [_measure(predictor, dataset, record, params, decisions) for record in items]
    sums = stacked(images, dataset.classes)
    metrics = summary(sums, dataset.classes, decisions, params)
    (out / "metrics.json").write_text(canonical_json(metrics), encoding="utf-8")
    write_sums(out / "sums.npz", sums)
    pd.DataFrame(per_image_rows(images, decisions)).to_parquet(out / "per_image.parquet", index=False)
    return {"approach": approach, "metrics": metrics, "summary": f"{approach}: {_line(metrics)}"}


def _measure(
    predictor: Predictor | Cascade,
    dataset: coco.Dataset,
    record: coco.ImageRecord,
    params: EvaluateParams,
    decisions: Mapping[str, Decision],
) -> Measured:
    served, candidates = predictor.both(dataset.pixels(record))
    truth = targets.objects(record)
    return measure(
        record.file_name,
        served,
        candidates,
        truth,
        targets.paint(truth, dataset.classes),
        dataset.classes,
        group=record.group,
        attributes=record.attributes,
        decisions=decisions,
        boundary_tolerance=params.boundary_tolerance,
    )


def _refused(folder: Path) -> str | None:
    """Why a cascade was refused; None for one that was not, and for everything else."""
    path = folder / CASCADE_FILE
    return json.loads(path.read_text(encoding="utf-8")).get("refused") if path.is_file() else None


def _not_measured(out: Path, approach: str, reason: str, names: list[str]) -> dict[str, Any]:
    metrics = {"refused": reason}
    (out / "metrics.json").write_text(canonical_json(metrics), encoding="utf-8")
    write_nothing(out / "sums.npz")
    pd.DataFrame(columns=names).to_parquet(out / "per_image.parquet", index=False)
    return {"approach": approach, "metrics": metrics, "summary": f"{approach}: refused, {reason}"}


def _line(metrics: dict[str, Any]) -> str:
    shown = {"IoU": "foreground_iou", "AP50": "ap50", "F1": "f1", "PQ": "pq", "count error": "count_error"}
    figures = [f"{name} {metrics[key]:.3f}" for name, key in shown.items() if metrics[key] is not None]
    return ", ".join(figures + [f"{name} {found['met']}" for name, found in metrics["decisions"].items()])
