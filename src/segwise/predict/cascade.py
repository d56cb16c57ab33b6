"""Cascade: a cheap model on every image, an instance model only where a trigger fires.

A cascade folder holds `cascade.json`, a `CascadeSpec`, and two model folders, `cheap/` and `instance/`. Where the
calibration refused (`refused` says why), every image is given to the instance model.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from segwise.config import Section, parse
from segwise.decision.expression import Expression
from segwise.decision.params import Decision
from segwise.errors import IntegrityError
from segwise.predict import trigger
from segwise.predict.predictor import Predictor, cut_off_is_damage
from segwise.spec import CASCADE_FILE, ModelSpec, canonical_json, sha256_of
from segwise.types import Image, Objects, Prediction

Part = Literal["cheap", "instance"]
PARTS: tuple[Part, ...] = ("cheap", "instance")


class CascadeSpec(Section):
    """What `cascade.json` says.

    Attributes:
        decision: what the trigger was calibrated for; `count(…)` and the like are asked of it.
        score: an expression over the cheap model's answer, see `trigger`; the image is escalated unless it is below
            `threshold`. A score that cannot be computed (a division by zero) escalates.
        models: SHA-256 of each part's model.json, which names that of its graph.
        refused: why this cascade does not pay or cannot be promised anything about; None where it does and can.
    """

    decision_name: str
    decision: Decision
    score: str
    threshold: float
    models: dict[Part, str]
    refused: str | None = None


class Cascade:
    """Two loaded models and the rule between them. Not shared between threads that predict at once."""

    def __init__(self, cheap: Predictor, instance: Predictor, spec: CascadeSpec) -> None:
        self.cheap, self.instance, self.rule = cheap, instance, spec
        self.spec = _facade(cheap.spec, instance.spec, spec)
        self.point: dict[str, float] = {}
        self._score: Expression = trigger.rule(spec.score)
        trigger.is_condition(self._score, spec.decision, self.spec.class_infos)  # refuses unknown names now

    @classmethod
    def load(cls, folder: Path, threads: int = 1, device: Literal["cpu", "cuda"] = "cpu") -> Cascade:
        """Load `folder`, the bytes of both models verified.

        Raises:
            IntegrityError: a file is missing or changed, or the two models do not speak of the same classes and pixels.
            UsageError: see `Predictor.load`; or the rule cannot be read.
        """
        spec = read_cascade(folder)
        cheap, instance = (Predictor.load_network(folder / part, threads, device) for part in PARTS)
        return cls(cheap, instance, spec)

    def predict(self, image: Image, *, all_candidates: bool = False) -> Prediction:
        """Segment one image, uint8 (H, W, 3) RGB; `escalated` says which model answered. See `Predictor.predict`."""
        kept = self._kept(image)
        if kept is None:
            return _escalated(self.instance.predict(image, all_candidates=all_candidates))
        return Prediction(kept[0].class_map, kept[1]) if all_candidates else kept[0]

    def both(self, image: Image) -> tuple[Prediction, Objects]:
        """The prediction served, and all candidates of the model that answered: each network runs at most once."""
        kept = self._kept(image)
        if kept is None:
            served, candidates = self.instance.both(image)
            return _escalated(served), candidates
        return kept

    def _kept(self, image: Image) -> tuple[Prediction, Objects] | None:
        """The cheap model's answer and its candidates; None where the instance model is to be asked."""
        if self.rule.refused is not None:
            return None
        found, candidates, features = look(self.cheap, image, self.rule.decision)
        score = trigger.value(self._score, features, self.rule.decision, self.spec.class_infos)
        return (found, candidates) if score < self.rule.threshold else None


def look(cheap: Predictor, image: Image, decision: Decision) -> tuple[Prediction, Objects, trigger.Features]:
    """The cheap model's answer, its candidates, and the features of both; the network runs once."""
    outputs, size = cheap.outputs(image), image.shape[:2]
    every = cheap.decode(outputs, size, all_candidates=True)
    served = Prediction(every.class_map, every.objects.select(every.objects.scores >= cheap.point["min_score"]))
    features = trigger.measure(
        outputs["logits"], served, every.objects, decision, cheap.spec.class_infos, cheap.point["foreground"]
    )
    return served, every.objects, features


def _facade(cheap: ModelSpec, instance: ModelSpec, rule: CascadeSpec) -> ModelSpec:
    """What a cascade tells of itself: the cheap model's spec, both models' own under `extra`.

    Raises:
        IntegrityError: the two models do not answer for the same classes, or read deep pixels otherwise.
    """
    for name in ("classes", "value_range"):
        mine, theirs = getattr(cheap, name), getattr(instance, name)
        if mine != theirs:
            remedy = "compose models of one training: `dvc repro compose`"
            raise IntegrityError(f"two models of the same {name}", f"{mine} and {theirs}", remedy)
    own = {"trigger": {"score": rule.score, "threshold": rule.threshold, "refused": rule.refused}}
    for part, spec in zip(PARTS, (cheap, instance), strict=True):
        own[part] = {"approach": spec.approach, "zoom": spec.zoom, "point": spec.point, **spec.extra}
    return cheap.model_copy(update={"approach": "cascade", "point": {}, "extra": own})


def _escalated(found: Prediction) -> Prediction:
    return Prediction(found.class_map, found.objects, escalated=True)


def write_cascade(folder: Path, spec: CascadeSpec) -> None:
    """Write `folder/cascade.json`; `refused` stands there only where it was refused."""
    values = spec.model_dump(mode="json", exclude_defaults=True)
    (folder / CASCADE_FILE).write_text(canonical_json(values), encoding="utf-8")


def read_cascade(folder: Path) -> CascadeSpec:
    """Read `folder/cascade.json` and check that the models beside it are those it speaks of.

    Raises:
        IntegrityError: a file is missing, or a model is another one.
    """
    for file in (folder / CASCADE_FILE, *(folder / part / "model.json" for part in PARTS)):
        if not file.is_file():
            raise IntegrityError(f"a cascade folder with {file.name}", f"no {file}", "run `dvc repro` to rebuild it")
    path = folder / CASCADE_FILE
    with cut_off_is_damage(path):
        spec = parse(CascadeSpec, json.loads(path.read_text(encoding="utf-8")), str(path))
    for part in PARTS:
        found, digest = sha256_of(folder / part / "model.json"), spec.models.get(part)
        if found != digest:
            remedy = "restore it: `dvc repro` or `segwise rollback`"
            raise IntegrityError(f"{folder / part / 'model.json'} with SHA-256 {digest}", found, remedy)
    return spec
