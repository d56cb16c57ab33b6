"""`segwise calibrate APPROACH`: fit zoom and operating point on the validation split; write the model folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segwise.dataset import coco, targets
from segwise.dataset.params import DataParams
from segwise.decision import answers, score
from segwise.decision.answers import Answer
from segwise.decision.limits import strain
from segwise.decision.params import Decision
from segwise.errors import DataInvalidError
from segwise.evaluation.asked import of_label, of_prediction
from segwise.evaluation.matching import intersections, iou
from segwise.evaluation.objectives import OBJECTIVES, figures
from segwise.evaluation.objects import tally
from segwise.evaluation.pixels import confusion
from segwise.predict.params import CalibrateApproach, CalibrateParams
from segwise.predict.predictor import DECODERS, Predictor
from segwise.predict.search import Fit, Point, sweep
from segwise.spec import canonical_json, write_spec
from segwise.types import ClassInfo, ClassMap, Image, Objects, Prediction


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """One validation image: its pixels, its countable objects (crowds too), its class map, and what its label answers
    to each decision."""

    image: Image
    truth: Objects
    truth_map: ClassMap
    said: dict[str, Answer]


def run(approach: str, data: DataParams, params: CalibrateParams, decisions: Mapping[str, Decision]) -> dict[str, Any]:
    """Read `work/convert/<approach>` and the validation images; write `work/calibrate/<approach>`.

    Raises:
        DataInvalidError: no image is in the validation split.
        UsageError: a decision asks for what the data do not have.
    """
    own: CalibrateApproach = getattr(params, approach)
    source, out = Path("work/convert") / approach, Path("work/calibrate") / approach
    dataset = coco.read(Path(data.dir))
    split = json.loads(Path("work/split.json").read_text(encoding="utf-8"))
    answers.check(decisions, dataset.classes)
    labelled = [_labelled(dataset, record, decisions) for record in coco.by_name(dataset, split["val"])]
    if not labelled:
        raise DataInvalidError("images in the validation split", "none", "raise split.fractions, or mark images `val`")
    predictor = Predictor.load_network(source, threads=own.threads)
    trials: list[dict[str, Any]] = []
    for zoom in sorted(own.zooms):  # each starts where the cheaper one ended: most of its point carries over
        start = trials[-1]["point"] if trials else predictor.point
        trials.append(fit_at(predictor, labelled, decisions, zoom, own, start))
    best = choose(trials, own.min_gain)
    out.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / "model.onnx", out / "model.onnx")
    write_spec(out, predictor.spec.model_copy(update={"zoom": best["zoom"], "point": best["point"]}))
    result = {"objective": own.objective, "num_images": len(labelled), "best": best, "trials": trials}
    (out / "calibration.json").write_text(canonical_json(result), encoding="utf-8")
    line = (
        f"{approach}: zoom {best['zoom']:g}, {own.objective} {best['score']:.3f} on {len(labelled)} validation images"
    )
    return {"approach": approach, **result, "summary": line}


def fit_at(
    predictor: Predictor,
    labelled: list[Labelled],
    decisions: Mapping[str, Decision],
    zoom: float,
    params: CalibrateApproach,
    start: Point,
) -> dict[str, Any]:
    """The best operating point at one zoom, searched from `start`.

    The network runs once per image, the decoding once per image and point.
    """
    decoder = DECODERS[predictor.spec.approach]
    outputs = [predictor.outputs(one.image, zoom) for one in labelled]

    def measured(point: Point) -> dict[str, float]:
        found = [
            predictor.decode(output, one.image.shape[:2], point) for output, one in zip(outputs, labelled, strict=True)
        ]
        return measure(found, labelled, decisions, predictor.spec.class_infos)

    fit: Fit = sweep(
        lambda point: round(OBJECTIVES[params.objective](measured(point)), 9),
        dict(start),
        {**decoder.POINT_GRID, **params.grid},
        sweeps=params.sweeps,
        only_with=getattr(decoder, "ONLY_WITH", None),
    )
    rounded = {name: round(value, 6) for name, value in measured(fit.point).items()}
    return {
        "zoom": zoom,
        "point": fit.point,
        "score": round(fit.score, 6),
        "figures": rounded,
        "num_tried": fit.num_tried,
    }


def measure(
    found: list[Prediction],
    labelled: list[Labelled],
    decisions: Mapping[str, Decision],
    classes: tuple[ClassInfo, ...],
) -> dict[str, float]:
    """What the objectives are made of (`objectives.figures`), over the predictions of the images."""
    shared = [intersections(f.objects, one.truth) for f, one in zip(found, labelled, strict=True)]
    triples = list(zip(found, labelled, shared, strict=True))
    tallies = [tally(f.objects, one.truth, len(classes), pixels) for f, one, pixels in triples]
    confusions = [confusion(one.truth_map, f.class_map, len(classes)) for f, one, _ in triples]
    overlaps = [iou(f.objects, one.truth, pixels) for f, one, pixels in triples]
    used = []
    for name, decision in decisions.items():
        asked = [
            of_prediction(decision, classes, f, one.truth, one.truth_map, overlap)
            for (f, one, _), overlap in zip(triples, overlaps, strict=True)
        ]
        pairs = [(one.said[name], said) for one, (said, _) in zip(labelled, asked, strict=True)]
        stacked = score.stack(pairs, np.array([matches for _, matches in asked]))
        used.append(strain(decision, score.figures(decision, stacked)))
    return figures(tallies, np.sum(confusions, axis=0), used)


def _labelled(dataset: coco.Dataset, record: coco.ImageRecord, decisions: Mapping[str, Decision]) -> Labelled:
    objects = targets.objects(record)
    things = objects.select(np.isin(objects.class_ids, [c.id for c in dataset.classes if c.isthing]))
    truth_map = targets.paint(objects, dataset.classes)
    said = {name: of_label(decision, dataset.classes, things, truth_map) for name, decision in decisions.items()}
    return Labelled(dataset.pixels(record), things, truth_map, said)


def choose(trials: list[dict[str, Any]], min_gain: float) -> dict[str, Any]:
    """The best trial, cheapest zoom first: a dearer one must gain at least `min_gain` over the one held."""
    best = trials[0]
    for trial in trials[1:]:
        if trial["score"] > best["score"] + min_gain:
            best = trial
    return best
