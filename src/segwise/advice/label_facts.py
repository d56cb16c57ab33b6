"""What the labels of a decision's classes are like: how many, where, whether single objects, and what speaks against
them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from segwise.advice.evidence import Contact, LabelFacts
from segwise.dataset import targets
from segwise.dataset.coco import Annotation, Dataset
from segwise.decision.params import COUNTING, Decision
from segwise.evaluation.asked import of_label
from segwise.types import ClassInfo

FAULTS = ("duplicate object", "two classes", "merged object", "cut object", "far fragments")  # of single objects


def label_facts(dataset: Dataset, decision: Decision, faults: Mapping[str, int]) -> LabelFacts:
    """The facts that a decision rests on. Crowds and empty masks are no labels.

    Args:
        faults: labels by finding (`rows` of work/labels/summary.json).

    Raises:
        UsageError: a class that the data do not have.
    """
    missing = uncountable(decision, dataset.classes)
    names = {c.id: c.name for c in dataset.classes}
    ids = tuple(names) if missing else decision.class_ids(dataset.classes)
    held = [_held(record.annotations, ids) for record in dataset.images]
    counts = np.array([[len(of_image[i]) for i in ids] for of_image in held]).reshape(len(held), len(ids))
    groups = [record.group for record in dataset.images]
    most = int(counts.max(initial=0))
    there = _there(dataset, decision) if decision.kind == "presence" else np.zeros((0, 0), dtype=bool)
    return LabelFacts(
        num_images=len(held),
        num_groups=len(set(groups)),
        per_class={names[i]: int(n) for i, n in zip(ids, counts.sum(axis=0), strict=True)},
        positives=int(np.count_nonzero(there)),
        negatives=int(np.count_nonzero(~there)),
        groups_with=len({g for g, row in zip(groups, there, strict=False) if row.any()}),
        groups_without=len({g for g, row in zip(groups, there, strict=False) if not row.all()}),
        most_per_image=most,
        parts_per_label=_parts(held) if most == 1 else 1.0,
        faults={check: faults[check] for check in FAULTS if faults.get(check)},
        missing=missing,
    )


def uncountable(decision: Decision, classes: Sequence[ClassInfo]) -> str:
    """Why the classes of a decision about single objects have none, in words; empty where they have.

    Raises:
        UsageError: a class that the data do not have.
    """
    if decision.kind not in COUNTING:
        return ""
    regions = {c.name for c in classes if not c.isthing}
    named = [name for name in decision.classes if name in regions]
    if named:
        return f"{', '.join(named)} {'is a region' if len(named) == 1 else 'are regions'} (`isthing: 0`)"
    return "" if decision.classes or len(regions) < len(classes) else "every class is a region (`isthing: 0`)"


def contact_of(decision: Decision, classes: Sequence[ClassInfo], profile: Mapping[str, Any]) -> Contact:
    """How the decision's countable objects meet, from profile.json; overlap is told of all objects."""
    if uncountable(decision, classes):
        return Contact()
    names = {c.id: c.name for c in classes if c.isthing}
    own = [profile["classes"][names[i]] for i in decision.class_ids(classes) if i in names]
    own = [facts for facts in own if facts.get("num_objects")]
    weights = np.array([facts["num_objects"] for facts in own], dtype=np.float64)
    if not weights.size:
        return Contact()
    overlapping = profile["contact"]["num_overlapping_much"] / profile["num_objects"]
    touching, hidden = (
        float(np.average([facts[key] for facts in own], weights=weights))
        for key in ("touching_fraction", "hidden_fraction")
    )
    return Contact(round(touching, 6), round(overlapping, 6), round(hidden, 6))


def _there(dataset: Dataset, decision: Decision) -> NDArray[np.bool_]:
    """What the labels answer to a question of presence, bool (I, zones × classes): smallest areas and zones count."""
    seen = ((targets.objects(record), targets.class_map(record, dataset.classes)) for record in dataset.images)
    said = [of_label(decision, dataset.classes, *image).present.ravel() for image in seen]
    return np.array(said, dtype=bool).reshape(len(said), -1)


def _held(annotations: Sequence[Annotation], ids: Sequence[int]) -> dict[int, list[Annotation]]:
    out: dict[int, list[Annotation]] = {i: [] for i in ids}
    for annotation in annotations:
        if annotation.class_id in out and not annotation.is_crowd and coco_mask.area(annotation.rle) > 0:
            out[annotation.class_id].append(annotation)
    return out


def _parts(held: Sequence[Mapping[int, Sequence[Annotation]]]) -> float:
    """Connected parts of a label, mean; diagonal neighbours are connected."""
    masks = (coco_mask.decode(a.rle) for of_image in held for labels in of_image.values() for a in labels)
    return round(float(np.mean([cv2.connectedComponents(mask, connectivity=8)[0] - 1 for mask in masks])), 3)
