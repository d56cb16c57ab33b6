"""One image: every candidate and variant derived from its labels and scored. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segwise.advice.ceilings import hybrid, instance, semantic, watershed
from segwise.advice.ceilings.labelled import Labelled
from segwise.advice.ceilings.pairs import Pairs, pairs
from segwise.advice.ceilings.params import CeilingParams
from segwise.advice.ceilings.scored import Scored, of_labels, score
from segwise.decision.answers import Answer
from segwise.decision.params import Decision
from segwise.types import ClassMap

CANDIDATES = {"semantic": semantic, "hybrid": hybrid, "instance": instance}
WATERSHED = "semantic + watershed"
STRIDES = (2, 4)
BAND, GROWN = "semantic, ignore band", "semantic, border off"


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One image. N countable objects.

    Attributes:
        truth: the labels' answers by decision; banded: without the pixels near borders, for BAND.
        found: the scores by candidate or variant, one for each of its points.
        class_ids, areas_px, visible_px: int64 (N,); boxes_xyxy: int32 (N, 4).
        vanished: by stride, bool (N,): no pixel of the object keeps its class in the class map at that stride.
        num_suppressed, num_capped: objects that an instance model loses to either.
    """

    file_name: str
    group: str
    truth: dict[str, Answer]
    banded: dict[str, Answer]
    found: dict[str, list[Scored]]
    pairs: Pairs
    class_ids: NDArray[np.int64]
    areas_px: NDArray[np.int64]
    visible_px: NDArray[np.int64]
    boxes_xyxy: NDArray[np.int32]
    vanished: dict[int, NDArray[np.bool_]]
    num_suppressed: int
    num_capped: int


def points(name: str) -> tuple[dict[str, float], ...]:
    """The points of a candidate or variant."""
    modules = {**CANDIDATES, WATERSHED: watershed}
    return modules[name].POINTS if name in modules else semantic.POINTS


def words(params: CeilingParams) -> dict[str, str]:
    """What each candidate and variant is, in the order they are reported."""
    out = {name: module.WORDS for name, module in CANDIDATES.items()} | {WATERSHED: watershed.WORDS}
    for stride in STRIDES:
        cell = stride / params.dense_zoom
        out[f"semantic@stride{stride}"] = f"class map in cells of {cell:.3g} px (stride {stride}), connected components"
    out[BAND] = f"the same at stride 2, pixels within {params.band_px} px of a border not asked"
    out[GROWN] = f"class map with every border drawn {params.band_px} px too far out"
    return out


def measure(labels: Labelled, decisions: Mapping[str, Decision], params: CeilingParams) -> Measured:
    """Derive and score one image."""
    found = {name: score(labels, module.predictions(labels, params), decisions) for name, module in CANDIDATES.items()}
    found[WATERSHED] = score(labels, watershed.predictions(labels, params), decisions)
    coarse = {stride: semantic.at_stride(labels, stride / params.dense_zoom) for stride in STRIDES}
    answers = {stride: semantic.of_map(labels, class_map) for stride, class_map in coarse.items()}
    found |= {f"semantic@stride{stride}": score(labels, answer, decisions) for stride, answer in answers.items()}
    banded = labels.banded(params.band_px)
    found[BAND] = score(labels, answers[STRIDES[0]], decisions, banded)
    found[GROWN] = score(labels, semantic.of_map(labels, semantic.grown(labels, params.band_px)), decisions)
    things = labels.things
    left = len(instance.answered(labels, params))
    return Measured(
        labels.file_name, labels.group, of_labels(labels, decisions, labels.truth_map),
        of_labels(labels, decisions, banded), found, pairs(labels), things.class_ids,
        things.areas_px, np.bincount(labels.owner.ravel(), minlength=len(things) + 1)[1:], things.boxes_xyxy,
        {stride: _vanished(labels, class_map) for stride, class_map in coarse.items()},
        len(things) - left, max(left - params.max_objects, 0),
    )  # fmt: skip


def _vanished(labels: Labelled, class_map: ClassMap) -> NDArray[np.bool_]:
    expected = np.append(0, labels.things.class_ids).astype(np.uint8)[labels.owner]
    kept = labels.owner[(class_map == expected) & (labels.owner > 0)]
    return np.asarray(np.bincount(kept, minlength=len(labels.things) + 1)[1:] == 0, dtype=bool)
