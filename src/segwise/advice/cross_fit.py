"""A network's decisions on the validation images, its operating point never fitted on the images that are scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segwise.dataset import coco, targets
from segwise.decision import score
from segwise.decision.answers import Answer
from segwise.decision.limits import along, strain
from segwise.decision.params import Decision
from segwise.decision.score import Answers
from segwise.evaluation.asked import of_label, of_prediction
from segwise.evaluation.matching import intersections, iou
from segwise.evaluation.objectives import OBJECTIVES, figures
from segwise.evaluation.objects import Tally, f1, tally
from segwise.evaluation.pixels import confusion, foreground_iou
from segwise.predict.params import CalibrateApproach
from segwise.predict.predictor import DECODERS, Outputs, Predictor
from segwise.predict.search import Point, sweep
from segwise.spec import ModelSpec
from segwise.types import ClassInfo, ClassMap, Image, Objects, Prediction

Weights = NDArray[np.int64]
Key = tuple[str, str]  # ("decisions", its name) or ("quality", f1 or foreground_iou)


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """A validation image and what its label says: countable objects (crowds too), class map, answer by decision."""

    name: str
    image: Image
    truth: Objects
    truth_map: ClassMap
    said: dict[str, Answer]


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """What I images add up to: answers by decision, tp, fp, fn at IoU .5 int64 (I, 3), pixels int64 (I, K+1, K+1)."""

    answers: dict[str, Answers]
    matches: NDArray[np.int64]
    pixels: NDArray[np.int64]

    def errors(self, decisions: Mapping[str, Decision], weights: Weights) -> dict[Key, float]:
        """Each decision's error along its axis (`limits.along`), 1 − F1 and 1 − foreground IoU, of images weighted by
        int64 (I,); NaN: undefined."""
        out: dict[Key, float] = {
            ("decisions", name): along(decision, score.figures(decision, self.answers[name], weights))
            for name, decision in decisions.items()
        }
        out["quality", "f1"] = 1 - f1(*(float(v) for v in weights @ self.matches))
        out["quality", "foreground_iou"] = 1 - foreground_iou(np.tensordot(weights, self.pixels, axes=1))
        return out


def labelled(
    dataset: coco.Dataset, records: Sequence[coco.ImageRecord], decisions: Mapping[str, Decision]
) -> list[Labelled]:
    """Read the images and their labels."""
    things = [c.id for c in dataset.classes if c.isthing]
    out = []
    for record in records:
        objects = targets.objects(record)
        counted, painted = objects.select(np.isin(objects.class_ids, things)), targets.paint(objects, dataset.classes)
        said = {name: of_label(decision, dataset.classes, counted, painted) for name, decision in decisions.items()}
        out.append(Labelled(record.file_name, dataset.pixels(record), counted, painted, said))
    return out


def scored(
    network: Predictor,
    images: Sequence[Labelled],
    halves: Sequence[Sequence[str]],
    params: Mapping[str, CalibrateApproach],
    decisions: Mapping[str, Decision],
) -> dict[str, Scored]:
    """Score each approach of `params` on what one network answers: its point is fitted on each half of the images and
    used on the other one. The network, whose graph has the outputs of all of them, runs once per image, at the zoom it
    was trained at."""
    outputs = {one.name: network.outputs(one.image) for one in images}
    out = {}
    for approach, own in params.items():
        spec = network.spec.model_copy(update={"approach": approach})
        out[approach] = _crossed(_Decoding(spec, outputs), images, halves, own, decisions)
    return out


@dataclass(frozen=True, slots=True, eq=False)
class _Decoding:
    """The outputs of a network by image name, read as `spec.approach` reads them."""

    spec: ModelSpec
    outputs: Mapping[str, Outputs]

    def at(self, one: Labelled, point: Point) -> Prediction:
        size = (one.image.shape[0], one.image.shape[1])
        found: Prediction = DECODERS[self.spec.approach].decode(self.outputs[one.name], size, self.spec, point)
        return found


def _crossed(
    decoding: _Decoding,
    images: Sequence[Labelled],
    halves: Sequence[Sequence[str]],
    params: CalibrateApproach,
    decisions: Mapping[str, Decision],
) -> Scored:
    points: dict[str, Point] = {}
    for here, there in (halves, halves[::-1]):
        point = _fitted(decoding, [one for one in images if one.name in set(there)], params, decisions)
        points.update(dict.fromkeys(here, point))
    found = [decoding.at(one, points[one.name]) for one in images]
    return summed(found, images, decisions, decoding.spec.class_infos)[0]


def _fitted(
    decoding: _Decoding,
    images: Sequence[Labelled],
    params: CalibrateApproach,
    decisions: Mapping[str, Decision],
) -> Point:
    decoder = DECODERS[decoding.spec.approach]

    def reached(point: Point) -> float:
        found = [decoding.at(one, point) for one in images]
        sums, tallies = summed(found, images, decisions, decoding.spec.class_infos)
        used = [strain(d, score.figures(d, sums.answers[name])) for name, d in decisions.items()]
        return round(OBJECTIVES[params.objective](figures(tallies, sums.pixels.sum(axis=0), used)), 9)

    grid = {**decoder.POINT_GRID, **params.grid}
    only_with = getattr(decoder, "ONLY_WITH", None)
    return sweep(reached, dict(decoder.POINT_DEFAULTS), grid, sweeps=1, only_with=only_with).point


def summed(
    found: Sequence[Prediction],
    images: Sequence[Labelled],
    decisions: Mapping[str, Decision],
    classes: tuple[ClassInfo, ...],
) -> tuple[Scored, list[Tally]]:
    """What the predictions of the images add up to, and their tallies."""
    pairs = list(zip(found, images, strict=True))
    shared = [intersections(f.objects, one.truth) for f, one in pairs]
    tallies = [tally(f.objects, one.truth, len(classes), s) for (f, one), s in zip(pairs, shared, strict=True)]
    overlaps = [iou(f.objects, one.truth, s) for (f, one), s in zip(pairs, shared, strict=True)]
    answers = {}
    for name, decision in decisions.items():
        asked = [
            of_prediction(decision, classes, f, one.truth, one.truth_map, overlap)
            for (f, one), overlap in zip(pairs, overlaps, strict=True)
        ]
        said = [(one.said[name], answer) for one, (answer, _) in zip(images, asked, strict=True)]
        answers[name] = score.stack(said, np.array([matches for _, matches in asked]))
    matches = np.array([[t.tp[0].sum(), t.fp[0].sum(), t.fn[0].sum()] for t in tallies], dtype=np.int64)
    pixels = np.stack([confusion(one.truth_map, f.class_map, len(classes)) for f, one in pairs])
    return Scored(answers, matches, pixels), tallies
