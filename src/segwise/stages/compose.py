"""`segwise compose`: join the cheap and the instance model into a cascade, its trigger fitted on validation."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwise.dataset import coco, targets
from segwise.dataset.params import DataParams
from segwise.dataset.workers import told
from segwise.decision.answers import Answer
from segwise.decision.params import Decision
from segwise.decision.score import Answers, stack
from segwise.errors import DataInvalidError, UsageError
from segwise.evaluation.asked import asked
from segwise.evaluation.escalation import calibrate
from segwise.evaluation.learned import as_text, cross_fitted, fit
from segwise.evaluation.needs import needs
from segwise.evaluation.worth import Evidence, Terms
from segwise.predict import trigger
from segwise.predict.cascade import CascadeSpec, look, write_cascade
from segwise.predict.params import ComposeParams
from segwise.predict.predictor import Predictor
from segwise.spec import canonical_json, sha256_of

ROOT = Path("work/calibrate")
OUT = ROOT / "cascade"
Pair = tuple[Answer, Answer, NDArray[np.int64]]


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """One validation image: its group, both models' answers beside the label's, and the cheap one's features."""

    group: str
    cheap: Pair
    instance: Pair
    features: trigger.Features


def run(data: DataParams, decisions: Mapping[str, Decision], params: ComposeParams) -> dict[str, Any]:
    """Read two folders of `work/calibrate` and the validation images; write `work/calibrate/cascade`.

    Raises:
        UsageError: no such decision, or a trigger that is no rule over the cheap answer.
        DataInvalidError: there are no validation images.
    """
    name = params.decision or next(iter(decisions))
    if name not in decisions:
        raise UsageError(f"a decision ({', '.join(decisions)})", f"`{name}`", "correct compose.decision")
    decision = decisions[name]
    cheap = Predictor.load_network(ROOT / params.cheap, params.threads)
    instance = Predictor.load_network(ROOT / "instance", params.threads)
    images = _look_at_all(cheap, instance, decision, data)
    ratio = params.cost_ratio * (instance.spec.zoom / cheap.spec.zoom) ** 2
    terms = Terms(
        params.recall, params.confidence, params.margin, params.min_saving, ratio, params.replicates, params.seed
    )
    score, seen = scored(images, decision, cheap, params)
    found = {"decision": name, "cheap": params.cheap, "score": score, **calibrate(decision, seen, terms, params.cheap)}
    _write(params.cheap, name, decision, found)
    return {**found, "summary": _line(found)}


def _look_at_all(cheap: Predictor, instance: Predictor, decision: Decision, data: DataParams) -> list[Looked]:
    dataset = coco.read(Path(data.dir))
    split = json.loads(Path("work/split.json").read_text(encoding="utf-8"))
    records = coco.by_name(dataset, split["val"])
    if not records:
        raise DataInvalidError("images in the validation split", "none", "raise split.fractions, or mark images `val`")

    def looked(record: coco.ImageRecord) -> Looked:
        image, truth = dataset.pixels(record), targets.objects(record)
        truth_map = targets.class_map(record, dataset.classes)
        found, _, features = look(cheap, image, decision)
        mine, theirs = (asked(decision, dataset.classes, p, truth, truth_map) for p in (found, instance.predict(image)))
        return Looked(record.group or record.file_name, mine, theirs, features)

    return [looked(record) for record in told("compose", records, len(records))]


def scored(
    images: Sequence[Looked], decision: Decision, cheap: Predictor, params: ComposeParams
) -> tuple[str, Evidence]:
    """The trigger's score, as an expression, and the evidence with the score of each image."""
    answers, dearer = (_stacked([getattr(image, side) for image in images]) for side in ("cheap", "instance"))
    groups, classes = tuple(image.group for image in images), cheap.spec.class_infos
    if params.trigger != "auto":
        is_rule = trigger.is_condition(trigger.rule(params.trigger), decision, classes)
        scores = _values(params.trigger, images, decision, cheap)
        return params.trigger, Evidence(answers, dearer, groups, scores, is_rule)
    table = np.stack([_values(term, images, decision, cheap) for term in trigger.TERMS], axis=1)
    needing = needs(decision, answers, dearer, params.margin)
    honest = cross_fitted(table, needing, groups, params.folds, params.seed)
    return as_text(fit(table, needing), trigger.TERMS), Evidence(answers, dearer, groups, honest)


def _values(text: str, images: Sequence[Looked], decision: Decision, cheap: Predictor) -> NDArray[np.float64]:
    rule, classes = trigger.rule(text), cheap.spec.class_infos
    return np.array([trigger.value(rule, image.features, decision, classes) for image in images])


def _stacked(pairs: Sequence[Pair]) -> Answers:
    return stack([(truth, found) for truth, found, _ in pairs], np.array([matches for _, _, matches in pairs]))


def _write(cheap: str, name: str, decision: Decision, found: dict[str, Any]) -> None:
    shutil.rmtree(OUT, ignore_errors=True)
    for part, source in (("cheap", ROOT / cheap), ("instance", ROOT / "instance")):
        (OUT / part).mkdir(parents=True)
        for file in ("model.onnx", "model.json"):
            shutil.copyfile(source / file, OUT / part / file)
    # what a trigger can ask for: a new price or tolerance changes no byte of the model
    asked_of = decision.model_dump(include={"kind", "classes", "zones", "min_area_px", "action"})
    write_cascade(
        OUT,
        CascadeSpec(
            decision_name=name,
            decision=Decision.model_validate(asked_of),
            score=found["score"],
            threshold=0.0 if found["threshold"] is None else found["threshold"],
            models={part: sha256_of(OUT / part / "model.json") for part in ("cheap", "instance")},
            refused=found["refused"],
        ),
    )
    (OUT / "calibration.json").write_text(canonical_json(found), encoding="utf-8")


def _line(found: dict[str, Any]) -> str:
    if found["refused"]:
        return f"no cascade: {found['refused']}"
    saved, promise = 100 * found["saving"], found["promise"]
    words = f"{100 * found['rate']:.0f} % of the images go to instance, {saved:.0f} % of its cost saved"
    return f"cascade over {found['cheap']}: {words}, recall at least {promise['lower_bound']:.2f}"
