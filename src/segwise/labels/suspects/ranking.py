"""Labels the model doubts, worst first: disputes of all images → one ranking with one meaning of its scores.

A score is the chance that the label is wrong in the way named, if one label in twenty had such an error
(`track_record.ERROR_RATE`), judged by how the model does where it and the labels agree. Kinds are fitted one by one,
and apart for images that the model was trained on: it has seen their labels, errors too, and doubts them less.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from segwise.labels.suspects.disputes import disputes
from segwise.labels.suspects.place import KINDS, Features, Kind, Place
from segwise.labels.suspects.scene import Scene
from segwise.labels.suspects.track_record import chances
from segwise.types import ClassInfo

MIN_OUTLINE = 0.2  # share of the union in dispute from which an outline is worth a look
WORDS: Mapping[Kind, tuple[str, str, str]] = {  # title, what is seen, what to do
    "missed": ("no label", "the model sees a {model} here, and no label says so", "add the object if it is one"),
    "phantom": (
        "no object",
        "labelled {label}, the model sees {model}",
        "delete the label if nothing is there, or correct its place",
    ),
    "class": ("other class", "labelled {label}, the model sees a {model} of this shape", "correct the class"),
    "merged": (
        "merged",
        "one label, where the model sees {num_predicted} objects of class {model}",
        "divide the label, one for each object",
    ),
    "split": ("split", "{num_labels} labels, where the model sees one {model}", "join the labels into one"),
    "outline": ("outline", "{part:.0%} of label and model together is in dispute", "redraw the outline"),
    "region": ("area", "labelled {label}, the model sees {model} on {area_px:,} px", "correct the area's class"),
}


@dataclass(frozen=True, slots=True)
class Judged:
    """One image's disputes, its pixels no longer needed."""

    file_name: str
    is_trained: bool
    object_ids: tuple[int, ...]
    found: tuple[tuple[Kind, Place | None, Features], ...]


@dataclass(frozen=True, slots=True)
class Suspect:
    """One label (or missing label) the model doubts.

    `score` is the chance that it is wrong, in [0, 1], of four digits; `object_ids` are the labels in question, in the
    words of the label file; `label_class` is empty where a label is missing; `came` says what is seen and `remedy`
    what to do. `place` holds indices for drawing.
    """

    kind: Kind
    score: float
    file_name: str
    object_ids: tuple[int, ...]
    label_class: str
    model_class: str
    came: str
    remedy: str
    is_trained: bool
    place: Place = field(repr=False)

    @property
    def title(self) -> str:
        """The kind in two words."""
        return WORDS[self.kind][0]


def judge(scene: Scene) -> Judged:
    """The disputes of one image."""
    return Judged(scene.file_name, scene.is_trained, tuple(scene.object_ids.tolist()), tuple(disputes(scene)))


def rank(images: Sequence[Judged], classes: Sequence[ClassInfo]) -> list[Suspect]:
    """Every suspect, worst first; each label and each prediction only in its most suspicious role."""
    names = {0: "background", **{c.id: c.name for c in classes}}
    scored = [row for seen in (False, True) for kind in KINDS for row in _scored(images, kind, seen)]
    scored.sort(key=lambda row: (-row[0], row[1].file_name, row[2].kind, row[2].box_xyxy, row[2].labels))
    taken: set[tuple[str, str, int]] = set()
    out = []
    for score, image, place, features in scored:
        roles = {(image.file_name, "label", j) for j in place.labels}
        roles |= {(image.file_name, "model", i) for i in place.predicted} if not place.labels else set()
        if not roles & taken:
            out.append(_suspect(score, image, place, features, names))
            taken |= roles | {(image.file_name, "model", i) for i in place.predicted}
    return out


def _scored(images: Sequence[Judged], kind: Kind, is_trained: bool) -> list[tuple[float, Judged, Place, Features]]:
    rows = [(image, place, f) for image in images if image.is_trained == is_trained for k, place, f in image.found
            if k == kind]  # fmt: skip
    questioned = [(image, place, f) for image, place, f in rows if place is not None]
    agreed = [f for _, place, f in rows if place is None]
    if not questioned:
        return []
    width = len(questioned[0][2])
    table = np.array([f for _, _, f in questioned], dtype=np.float64).reshape(-1, width)
    scores = chances(table, np.array(agreed, dtype=np.float64).reshape(-1, width))
    together = zip(scores.tolist(), questioned, strict=True)
    rows_out = [(round(score, 4), image, place, f) for score, (image, place, f) in together]
    return [row for row in rows_out if kind != "outline" or row[3][0] >= MIN_OUTLINE]


def _suspect(score: float, image: Judged, place: Place, features: Features, names: Mapping[int, str]) -> Suspect:
    _, came, remedy = WORDS[place.kind]
    label = "" if place.kind == "missed" else names[place.label_class]
    model = names[place.model_class]
    values = {"label": label, "model": model, "part": features[0], "area_px": place.area_px,
              "num_labels": len(place.labels), "num_predicted": len(place.predicted)}  # fmt: skip
    ids = tuple(image.object_ids[j] for j in place.labels)
    words = came.format(**values)
    return Suspect(place.kind, score, image.file_name, ids, label, model, words, remedy, image.is_trained, place)
