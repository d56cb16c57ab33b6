"""`segwise compare`: hold every candidate against the decisions, on the same test images."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from segwise.dataset import coco, targets
from segwise.dataset.params import DataParams
from segwise.dataset.workers import told
from segwise.decision.params import Decision
from segwise.decision.score import Answers
from segwise.errors import IntegrityError
from segwise.evaluation.bakeoff import bakeoff
from segwise.evaluation.params import EvaluateParams
from segwise.evaluation.sums import Sums, read_sums
from segwise.predict.predictor import Predictor
from segwise.report import compare_page, worst
from segwise.report.agreement import Points
from segwise.report.decision_view import Comparison
from segwise.report.inputs import read_images_figures, read_json
from segwise.report.params import CompareParams
from segwise.spec import CANDIDATES, canonical_json
from segwise.types import Prediction

WORK = Path("work")
OUT = WORK / "compare"
NETWORKS = {"semantic": ("dense",), "hybrid": ("dense",), "instance": ("instance",), "cascade": ("dense", "instance")}
NUM_SHOWN = 5  # of a candidate's worst images on the first page


def run(
    data: DataParams, decisions: Mapping[str, Decision], evaluate: EvaluateParams, params: CompareParams
) -> dict[str, Any]:
    """Read the measurements of every candidate; write `work/compare`: compare.json, index.html, worst_<candidate>.html.

    Raises:
        IntegrityError: no candidate has been evaluated.
    """
    dataset = coco.read(Path(data.dir))
    found: dict[str, Any] = {c: m for c in CANDIDATES if (m := read_json(WORK / "evaluate" / c / "metrics.json"))}
    metrics = {c: m for c, m in found.items() if "refused" not in m}
    if not metrics:
        raise IntegrityError("an evaluated candidate", "none in work/evaluate", "run `dvc repro evaluate` first")
    sums = {c: read_sums(WORK / "evaluate" / c / "sums.npz") for c in metrics}
    benchmark = read_json(WORK / "benchmark.json")
    costs = {c: _costs(c, benchmark) for c in metrics}
    refused = {c: m["refused"] for c, m in found.items() if "refused" in m}
    result = bakeoff(sums, decisions, dataset.classes, costs, evaluate, refused)
    shutil.rmtree(OUT, ignore_errors=True)  # pages of candidates that no longer compete
    OUT.mkdir(parents=True)
    (OUT / "compare.json").write_text(canonical_json(result), encoding="utf-8")
    shots = {c: _worst(c, s, decisions, dataset, params.num_worst) for c, s in sums.items()}
    for candidate, own in shots.items():
        html = worst.render(candidate, own, list(shots), len(sums[candidate]), _basis(decisions))
        (OUT / f"worst_{candidate}.html").write_text(html, encoding="utf-8")
    page = Comparison(
        result,
        decisions,
        metrics,
        read_json(WORK / "advice/advice.json"),
        read_json(WORK / "advice/ceilings.json"),
        read_json(WORK / "calibrate/cascade/calibration.json"),
        {name: {c: points(decision, s.asked[name]) for c, s in sums.items()} for name, decision in decisions.items()},
        {c: own[:NUM_SHOWN] for c, own in shots.items()},
        _device(benchmark),
    )
    (OUT / "index.html").write_text(compare_page.render(page), encoding="utf-8")
    return {**result, "path": str(OUT / "index.html"), "summary": _line(result)}


def _costs(candidate: str, benchmark: Mapping[str, Any]) -> dict[str, Any]:
    """What was timed, and the minutes of the trainings it takes; None where one of them is not known."""
    minutes = [read_json(WORK / "train" / n / "minutes.json").get("minutes") for n in NETWORKS[candidate]]
    timed = benchmark.get("approaches", {}).get(candidate, {})
    known = None if None in minutes else round(sum(minutes), 3)
    return {**timed, "train_minutes": known}


def points(decision: Decision, answers: Answers) -> Points:
    """(labelled, predicted) of each image, of decisions about numbers: objects, or percent of the image."""
    if decision.kind == "presence":
        return []
    key, scale = ("coverage", 100.0) if decision.kind == "coverage" else ("counts", 1.0)
    truth, seen = (
        scale * side.sum(axis=1) / (side.shape[1] if key == "coverage" else 1) for side in answers.cells(key)
    )
    return list(zip(truth.tolist(), seen.tolist(), strict=True))


def _worst(
    candidate: str, sums: Sums, decisions: Mapping[str, Decision], dataset: coco.Dataset, at_most: int
) -> list[worst.Shot]:
    names = [str(name) for name in sums.file_names]
    shares = {name: worst.error_shares(d, sums.asked[name]) for name, d in decisions.items()}
    rows = read_images_figures(WORK / "evaluate" / candidate / "per_image.parquet")
    f1 = {name: float(row["f1"]) for name, row in rows.items()}
    chosen = worst.choose(names, shares, f1, at_most)
    predictor = Predictor.load(WORK / "calibrate" / candidate)
    asked = worst.asked_about(decisions, dataset.classes)

    def shot(record: coco.ImageRecord) -> worst.Shot:
        index, image = names.index(record.file_name), dataset.pixels(record)
        truth = Prediction(targets.class_map(record, dataset.classes), targets.objects(record))
        said = [worst.words_of(n, d, sums.asked[n], shares[n], index) for n, d in decisions.items()]
        kinds = [f"{key} {values[index]}" for key, values in sums.attributes.items() if values[index] != "unknown"]
        said += [", ".join(kinds)] * bool(kinds) + ["escalated to the instance model"] * bool(sums.escalated[index])
        score = None if np.isnan(f1[record.file_name]) else f1[record.file_name]
        return worst.shot(record.file_name, image, truth, predictor.predict(image), asked, words=said, score=score)

    records = coco.by_name(dataset, chosen)
    return [shot(record) for record in told(f"compare {candidate}", records, len(records))]


def _basis(decisions: Mapping[str, Decision]) -> str:
    of = next(iter(decisions)) if len(decisions) == 1 else "any decision"
    return f"Ordered by their part of the mistakes of {of}, then by F1."


def _device(benchmark: Mapping[str, Any]) -> str:
    if not benchmark:
        return ""
    sizes = ", ".join(benchmark.get("image_sizes", []))
    threads, num_images = benchmark.get("threads", "?"), benchmark.get("num_images", "?")
    name = benchmark.get("cpu") or benchmark.get("device", "")
    return f"{name}, {threads} thread(s), batch 1, {num_images} test images of {sizes} px"


def _line(result: Mapping[str, Any]) -> str:
    said = [
        f"{name}: {own.get('winner') or 'nothing is shown to meet it'}" for name, own in result["decisions"].items()
    ]
    return f"{'; '.join(said)} → {OUT}/index.html"
