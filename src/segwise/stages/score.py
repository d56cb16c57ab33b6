"""`segwise score RESULTS`: another program's predictions on the same test images, beside the candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from segwise.dataset import coco, targets
from segwise.dataset.names import is_plain
from segwise.dataset.params import DataParams
from segwise.dataset.results import Results, read_results
from segwise.dataset.workers import told
from segwise.decision import answers
from segwise.decision.limits import strain
from segwise.decision.params import Decision
from segwise.decision.score import figures as decision_figures
from segwise.errors import IntegrityError, UsageError
from segwise.evaluation.bakeoff import bakeoff
from segwise.evaluation.measure import Measured, measure
from segwise.evaluation.objectives import OBJECTIVES, figures
from segwise.evaluation.params import EvaluateParams
from segwise.evaluation.summary import summary
from segwise.evaluation.sums import Sums, read_sums, stacked
from segwise.report import score_view
from segwise.report.inputs import read_json
from segwise.spec import CANDIDATES, canonical_json
from segwise.types import Prediction

EVALUATED = Path("work/evaluate")
OUT = Path("work/score")
GRID = tuple(round(0.05 * i, 2) for i in range(20))  # scores below which nothing is served, tried on validation


def run(
    results: Path,
    name: str,
    min_score: float | None,
    data: DataParams,
    params: EvaluateParams,
    decisions: Mapping[str, Decision],
) -> dict[str, Any]:
    """Measure the predictions in `results` as `evaluate` measures a candidate; write `work/score/<name>/metrics.json`.

    Args:
        name: what the predictions are called.
        min_score: predictions below it are not served; None: fitted on the validation images, as calibration does.

    Raises:
        UsageError: the name is that of a candidate or no plain one; no `min_score`, and no prediction on a validation
            image to fit it on.
        IntegrityError: there is no split, or it has no test images.
        DataInvalidError: see `read_results`.
    """
    if name in CANDIDATES or not is_plain(name) or "/" in name:
        taken = ", which is a candidate's" if name in CANDIDATES else ""
        raise UsageError("a plain name of the other model", f"--name {name}{taken}", "call it what you call the model")
    dataset = coco.read(Path(data.dir))
    answers.check(decisions, dataset.classes)
    split = read_json(Path("work/split.json"))
    if not split.get("test"):
        raise IntegrityError("test images in work/split.json", "none", "divide the images: `dvc repro split`")
    found = read_results(results, Path(data.dir))
    val, test = (coco.by_name(dataset, split[part]) for part in ("val", "test"))
    fitted = min_score is None
    if min_score is None:
        if not any(len(found.objects(record)) for record in val):
            remedy = "predict the validation images too (`segwise export --split val`), or give --min-score"
            raise UsageError("predictions on validation images, to fit the score", f"none in {results}", remedy)
        min_score = _fitted(dataset, val, found, decisions, params)
    measured = [_measured(dataset, record, found, min_score, decisions, params) for record in test]
    own = stacked(measured, dataset.classes)
    metrics = summary(own, dataset.classes, decisions, params)
    others: dict[str, Any] = {
        c: m for c in CANDIDATES if (m := read_json(EVALUATED / c / "metrics.json")) and "refused" not in m
    }
    sums: dict[str, Sums] = {c: read_sums(EVALUATED / c / "sums.npz") for c in others}
    compared = bakeoff({**sums, name: own}, decisions, dataset.classes, {}, params)
    missing = sum(not len(found.objects(record)) for record in test)
    told_of = {"name": name, "min_score": min_score, "is_fitted": fitted, "images_without_predictions": missing}
    out = {**told_of, "metrics": metrics, "decisions": compared["decisions"], "differences": compared["differences"]}
    (OUT / name).mkdir(parents=True, exist_ok=True)
    (OUT / name / "metrics.json").write_text(canonical_json(out), encoding="utf-8")
    return {**out, "summary": score_view.table(out, {**others, name: metrics})}


def _measured(
    dataset: coco.Dataset,
    record: coco.ImageRecord,
    found: Results,
    min_score: float,
    decisions: Mapping[str, Decision],
    params: EvaluateParams,
) -> Measured:
    every, truth = found.objects(record), targets.objects(record)
    served = every.select(every.scores >= np.float32(min_score))
    return measure(
        record.file_name,
        Prediction(targets.paint(served, dataset.classes), served),
        every,
        truth,
        targets.paint(truth, dataset.classes),
        dataset.classes,
        group=record.group,
        attributes=record.attributes,
        decisions=decisions,
        boundary_tolerance=params.boundary_tolerance,
    )


def _fitted(
    dataset: coco.Dataset,
    records: Sequence[coco.ImageRecord],
    found: Results,
    decisions: Mapping[str, Decision],
    params: EvaluateParams,
) -> float:
    """The score that serves the decisions best on these images; the lowest of equals."""

    def worth(min_score: float) -> float:
        images = [_measured(dataset, record, found, min_score, decisions, params) for record in records]
        sums = stacked(images, dataset.classes)
        used = [strain(d, decision_figures(d, sums.asked[name])) for name, d in decisions.items()]
        return OBJECTIVES["decision"](figures([m.tally for m in images], sums.pixels.sum(axis=0), used))

    return max(told("score", GRID, len(GRID)), key=worth)
