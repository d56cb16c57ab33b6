"""Drawn data sets with a known right answer: discs that stand alone, touch or overlap, tiny ones, and fuzzy borders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from segwise.advice.advise import entry
from segwise.advice.ceilings.ceilings import ceilings
from segwise.advice.ceilings.params import CeilingParams
from segwise.advice.evidence import Contact, Evidence, gathered
from segwise.advice.label_facts import label_facts
from segwise.advice.params import AdviseParams
from segwise.dataset.coco import Annotation, Dataset, ImageRecord
from segwise.decision.params import Decision
from segwise.types import ClassInfo

SIZE = (80, 132)
PARAMS = AdviseParams(ceilings=CeilingParams(replicates=40, num_worst=2))
CELLS = [(row, column) for row in (20, 60) for column in (22, 66, 110)]  # centres of pairs; nothing else comes near


def disc(y: float, x: float, radius: float) -> NDArray[np.bool_]:
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    return np.asarray((rows - y) ** 2 + (columns - x) ** 2 <= radius**2)


def pairs(
    share: float, gap: float, *, num_images: int = 6, radius: float = 8.0, classes: Sequence[ClassInfo] = ()
) -> Dataset:
    """Six places an image: `share` of all places hold two discs `gap` pixels apart (negative = overlapping), the others
    one. Which places do is spread evenly over the images."""
    classes = tuple(classes) or (ClassInfo(1, "disc", True),)
    number, records, wanted = 0, [], round(share * num_images * len(CELLS))
    order = np.random.default_rng(5).permutation(num_images * len(CELLS))
    doubled = set(order[:wanted].tolist())
    for image in range(num_images):
        masks = []
        for place, (y, x) in enumerate(CELLS):
            apart = radius + gap / 2 if image * len(CELLS) + place in doubled else 0.0
            masks += [disc(y, x - apart, radius), disc(y, x + apart, radius)] if apart else [disc(y, x, radius)]
        records.append(record(f"{image:02}.png", masks, number))
        number += len(masks)
    return Dataset(Path("drawn"), tuple(records), tuple(classes))


def record(name: str, masks: Sequence[NDArray[np.bool_]], first: int, group: str = "") -> ImageRecord:
    """An image of these objects of class 1."""
    annotations = tuple(
        Annotation(first + i + 1, 1, coco_mask.encode(np.asfortranarray(m, dtype=np.uint8)), False, None, None)
        for i, m in enumerate(masks)
    )
    return ImageRecord(1, name, SIZE[1], SIZE[0], group or name, None, {}, annotations)


def evidence(dataset: Dataset, decision: Decision) -> Evidence:
    """What the labels say to a decision, by the real ceilings."""
    found = ceilings(dataset, {"it": decision}, PARAMS.ceilings, told=lambda _name, images, _num: images)
    return gathered("it", decision, label_facts(dataset, decision, {}), Contact(), found, 0.01056)


def advised(dataset: Dataset, decision: Decision) -> dict[str, Any]:
    """The advice on a decision."""
    return entry(evidence(dataset, decision), PARAMS)


def twice(dataset: Dataset) -> Dataset:
    """Every image a second time, in a group of its own."""
    copies = tuple(replace(r, file_name=f"again_{r.file_name}", group=f"again_{r.group}") for r in dataset.images)
    return replace(dataset, images=(*dataset.images, *copies))
