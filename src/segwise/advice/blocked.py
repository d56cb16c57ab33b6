"""Why labels allow no answer, in a sentence with its numbers for each reason. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from segwise.advice.entry import percent
from segwise.advice.evidence import Evidence
from segwise.advice.params import AdviseParams
from segwise.advice.rules import CERTAIN, contradiction
from segwise.evaluation.intervals import fewest_groups

Told: TypeAlias = tuple[str, dict[str, Any]]


def _not_countable(e: Evidence, _: AdviseParams) -> Told:
    text = f"To {e.kind}, single objects must be labelled: {e.labels.missing}. Outline each object on its own "
    return f"{text}(`isthing: 1`), or ask for the coverage or presence of the class.", {}


def _no_labels(e: Evidence, _: AdviseParams) -> Told:
    empty = [name for name, n in e.labels.per_class.items() if not n]
    text = f"None of the {e.labels.num_images:,} images has a label of {', '.join(empty)}: label images that show it"
    return f"{text}{' and some that do not' if e.kind == 'presence' else ''}.", dict(e.labels.per_class)


def _class_masks(e: Evidence, _: AdviseParams) -> Told:
    text = (
        f"No image has more than one label of a class, and a label has {e.labels.parts_per_label:.1f} separate parts "
    )
    text += f"on average: these are class masks. To {e.kind}, every object needs an outline of its own."
    return text, {"parts_per_label": e.labels.parts_per_label, "most_per_image": e.labels.most_per_image}


def _one_side(e: Evidence, _: AdviseParams) -> Told:
    labels = e.labels
    number = labels.positives + labels.negatives
    every = (
        f"All {number:,} {'images' if number == labels.num_images else 'answers, of image, zone and class,'} say that"
    )
    if labels.positives:
        text = f"{every} it is there, so nothing tells how often it would be claimed wrongly: add images without it."
    else:
        text = f"{every} it is not there as the decision asks, so nothing tells how often it would be missed: add "
        text += "images with it."
    return text, {"positives": labels.positives, "negatives": labels.negatives}


def _contradicting(e: Evidence, _: AdviseParams) -> Told:
    found = {check: n for check, n in e.labels.faults.items() if check in CERTAIN}
    words = ", ".join(f"{n} × {check}" for check, n in found.items())
    part = contradiction(e)
    text = (
        f"The labels contradict themselves ({words} among {e.labels.num_labels:,}): that alone is {percent(part)} of "
    )
    return f"{text}the tolerance. Correct them first: work/labels/index.html.", {**found, "part": part}


def _few_groups(e: Evidence, params: AdviseParams) -> Told:
    least, level = fewest_groups(params.ceilings.confidence), percent(params.ceilings.confidence)
    text = (
        f"The labels are of {e.labels.num_groups} independent groups of images; below {least} no interval of {level} "
    )
    return f"{text}can be told. Label images of others.", {"num_groups": e.labels.num_groups, "fewest": least}


BLOCKED: Mapping[str, Callable[[Evidence, AdviseParams], Told]] = {
    "not countable": _not_countable, "no labels": _no_labels, "class masks": _class_masks, "one side": _one_side,
    "contradicting labels": _contradicting, "few groups": _few_groups,
}  # fmt: skip
