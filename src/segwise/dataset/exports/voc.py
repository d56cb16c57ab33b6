"""PASCAL VOC segmentation: palette PNG of classes and of objects.

    JPEGImages/<name>   SegmentationClass/<stem>.png   SegmentationObject/<stem>.png
    ImageSets/Segmentation/<split>.txt   labelmap.txt

0 is background, 255 void (ignore regions), in the palette of VOC; images keep their own kind of file. A pixel has one
owner: of two objects the smaller is on top, things above stuff, and what the others lose is reported. Images with more
objects than a palette holds get 16-bit object maps.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from segwise.dataset import palette, targets
from segwise.dataset.exports import layers
from segwise.dataset.exports.item import Index, Item, Job, Page, about_set
from segwise.dataset.finding import Finding
from segwise.types import IGNORE_INDEX

TITLE = "PASCAL VOC SegmentationClass and SegmentationObject"
KEEPS: frozenset[str] = frozenset()
IS_FLAT = True
BACKGROUND = "background"
# names that this and other tools take for no class
RESERVED = frozenset((BACKGROUND, "bg", "void", "ignore", "ignored", "unlabeled", "unlabelled"))


def page(item: Item, job: Job) -> Page:
    """One image: its class map and its object map."""
    things = item.objects
    owner = targets.owner_map(things, job.classes)
    crowd = things.is_crowd
    classes = np.where(crowd, IGNORE_INDEX, things.class_ids)
    numbers = np.where(crowd, IGNORE_INDEX, np.cumsum(~crowd))
    losses = list(layers.hidden(item, owner))
    num_objects = int(np.count_nonzero(~crowd))
    colours = palette.voc()
    if num_objects < IGNORE_INDEX:
        objects = layers.png(layers.values(owner, numbers.tolist(), np.uint8), colours)
    else:
        numbers[~crowd & (numbers >= IGNORE_INDEX)] += 1  # 255 stays what it is in every VOC map
        objects = layers.png(layers.values(owner, numbers.tolist(), np.uint16))
        came = f"{num_objects} objects, a palette holds 254; the object map is a 16-bit grey PNG"
        losses.append(item.loss("many objects", None, came, "use a reader that knows 16 bits", "approximated"))
    files = {
        f"SegmentationClass/{item.stem}.png": layers.png(layers.values(owner, classes.tolist(), np.uint8), colours),
        f"SegmentationObject/{item.stem}.png": objects,
    }
    return Page(f"JPEGImages/{item.name}", files, losses, (item.split, item.stem))


def index(rows: Sequence[Any], job: Job) -> Index:
    """The lists of images and the classes with their colours (CVAT's labelmap.txt)."""
    splits: dict[str, list[str]] = defaultdict(list)
    for split, stem in rows:
        splits[split].append(stem)
    files = {f"ImageSets/Segmentation/{split}.txt": _lines(stems) for split, stems in splits.items()}
    names, losses = _class_names(job)
    colours = palette.voc()
    table = ["# label:color_rgb:parts:actions"]
    table += [f"{name}:{','.join(map(str, colours[i].tolist()))}::" for i, name in enumerate(names)]
    return Index({**files, "labelmap.txt": _lines(table)}, losses)


def _class_names(job: Job) -> tuple[list[str], list[Finding]]:
    """The names in the order of their values, without what labelmap.txt cannot hold."""
    names = [BACKGROUND]
    losses = []
    plain = [" ".join(c.name.replace(":", "_").replace("#", "_").split()) or "_" for c in job.classes]
    times = Counter(name.casefold() for name in plain)
    for known, name in zip(job.classes, plain, strict=True):
        is_free = times[name.casefold()] == 1 and name.casefold() not in RESERVED
        names.append(name if is_free else f"{name}_{known.id}")
        if names[-1] != known.name:
            came = f"class {known.name!r} is written as {names[-1]!r}"
            losses.append(about_set("class name", came, "rename the class", "approximated"))
    return names, losses


def _lines(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
