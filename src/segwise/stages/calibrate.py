"""`segwise calibrate APPROACH`: fit zoom and operating point on the validation split; write the model folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from segwise.dataset import coco, targets
from segwise.dataset.params import DataParams
from segwise.errors import DataInvalidError
from segwise.evaluation.objectives import OBJECTIVES, figures
from segwise.evaluation.objects import tally
from segwise.evaluation.pixels import confusion
from segwise.predict.params import CalibrateApproach, CalibrateParams
from segwise.predict.predictor import DECODERS, Predictor
from segwise.predict.search import Fit, Point, sweep
from segwise.spec import canonical_json, write_spec
from segwise.types import ClassMap, Image, Objects

Labelled = list[tuple[Image, Objects, ClassMap]]


def run(approach: str, data: DataParams, params: CalibrateParams) -> dict[str, Any]:
    """Read `work/convert/<approach>` and the validation images; write `work/calibrate/<approach>`."""
    own: CalibrateApproach = getattr(params, approach)
    source, out = Path("work/convert") / approach, Path("work/calibrate") / approach
    dataset = coco.read(Path(data.dir))
    split = json.loads(Path("work/split.json").read_text(encoding="utf-8"))
    labelled = [_labelled(dataset, record) for record in coco.by_name(dataset, split["val"])]
    if not labelled:
        raise DataInvalidError("images in the validation split", "none", "raise split.fractions, or mark images `val`")
    predictor = Predictor.load(source, threads=own.threads)
    trials: list[dict[str, Any]] = []
    for zoom in sorted(own.zooms):  # each starts where the cheaper one ended: most of its point carries over
        trials.append(fit_at(predictor, labelled, zoom, own, trials[-1]["point"] if trials else predictor.point))
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
    predictor: Predictor, labelled: Labelled, zoom: float, params: CalibrateApproach, start: Point
) -> dict[str, Any]:
    """The best operating point at one zoom, searched from `start`.

    The network runs once per image, the decoding once per image and point.
    """
    decoder, num_classes = DECODERS[predictor.spec.approach], len(predictor.spec.classes)
    outputs = [predictor.outputs(image, zoom) for image, _, _ in labelled]

    def measured(point: Point) -> dict[str, float]:
        tallies, pixels = [], np.zeros((num_classes + 1, num_classes + 1), dtype=np.int64)
        for output, (image, truth, truth_map) in zip(outputs, labelled, strict=True):
            found = predictor.decode(output, image.shape[:2], point)
            tallies.append(tally(found.objects, truth, num_classes))
            pixels += confusion(truth_map, found.class_map, num_classes)
        return figures(tallies, pixels)

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


def _labelled(dataset: coco.Dataset, record: coco.ImageRecord) -> tuple[Image, Objects, ClassMap]:
    objects = targets.objects(record)
    things = objects.select(np.isin(objects.class_ids, [c.id for c in dataset.classes if c.isthing]))
    return dataset.pixels(record), things, targets.paint(objects, dataset.classes)


def choose(trials: list[dict[str, Any]], min_gain: float) -> dict[str, Any]:
    """The best trial, cheapest zoom first: a dearer one must gain at least `min_gain` over the one held."""
    best = trials[0]
    for trial in trials[1:]:
        if trial["score"] > best["score"] + min_gain:
            best = trial
    return best
