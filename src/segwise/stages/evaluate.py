"""`segwise evaluate APPROACH`: the calibrated model against the labels of the test split."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from segwise.dataset import coco, targets
from segwise.dataset.params import DataParams
from segwise.errors import DataInvalidError
from segwise.evaluation.measure import Measured, measure
from segwise.evaluation.params import EvaluateParams
from segwise.evaluation.summary import per_image_rows, summarise
from segwise.predict.predictor import Predictor
from segwise.spec import canonical_json


def run(approach: str, data: DataParams, params: EvaluateParams) -> dict[str, Any]:
    """Read `work/calibrate/<approach>` and the test images; write metrics.json and per_image.parquet."""
    dataset = coco.read(Path(data.dir))
    split = json.loads(Path("work/split.json").read_text(encoding="utf-8"))
    if not split["test"]:
        raise DataInvalidError("images in the test split", "none", "raise split.fractions, or mark images `test`")
    predictor = Predictor.load(Path("work/calibrate") / approach, threads=params.threads)
    images = [_measure(predictor, dataset, record) for record in coco.by_name(dataset, split["test"])]
    metrics = summarise(images, dataset.classes, params)
    out = Path("work/evaluate") / approach
    out.mkdir(parents=True, exist_ok=True)
    (out / "metrics.json").write_text(canonical_json(metrics), encoding="utf-8")
    _write_rows(out / "per_image.parquet", images)
    return {"approach": approach, "metrics": metrics, "summary": f"{approach}: {_line(metrics)}"}


def _measure(predictor: Predictor, dataset: coco.Dataset, record: coco.ImageRecord) -> Measured:
    image = dataset.pixels(record)
    outputs, size = predictor.outputs(image), image.shape[:2]
    return measure(
        record.file_name,
        predictor.decode(outputs, size),
        predictor.decode(outputs, size, all_candidates=True).objects,
        targets.objects(record),
        targets.class_map(record, dataset.classes),
        len(dataset.classes),
        group=record.group,
        attributes=record.attributes,
    )


def _write_rows(path: Path, images: list[Measured]) -> None:
    import pandas as pd

    pd.DataFrame(per_image_rows(images)).to_parquet(path, index=False)


def _line(metrics: dict[str, Any]) -> str:
    shown = {"IoU": "foreground_iou", "AP50": "ap50", "F1": "f1", "PQ": "pq", "count error": "count_error"}
    return ", ".join(f"{name} {metrics[key]:.3f}" for name, key in shown.items() if metrics[key] is not None)
