"""Cityscapes' label and instance PNG, with a labels.json for the classes of this set.

    leftImg8bit/<split>/<city>/<stem>_leftImg8bit.<ending>
    gtFine/<split>/<city>/<stem>_gtFine_{labelIds,instanceIds,color}.png   labels.json

The city is the image's group, its own stem where it has none. In instanceIds a thing is class * 1000 + number (16 bit),
stuff and crowds of things are the class alone; crowds of stuff, which nothing is said about, are IGNORE_INDEX. A pixel
has one owner: of two objects the smaller is on top, things above stuff, and what the others lose is reported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwise.dataset import palette, targets
from segwise.dataset.exports import layers, names
from segwise.dataset.exports.item import Index, Item, Job, Page, as_json
from segwise.dataset.finding import Finding
from segwise.dataset.names import is_plain
from segwise.spec import SPLITS
from segwise.types import IGNORE_INDEX

TITLE = "Cityscapes labelIds and instanceIds"
KEEPS = frozenset(("kind", "group"))
IS_FLAT = True
PER_CLASS = 1000
REMEDY = "export as coco, or cut the image into tiles"
LAST_THING = 64  # 65 * 1000 + 999 does not fit into 16 bits


def page(item: Item, job: Job) -> Page:
    """One image: its three maps."""
    things = item.objects
    owner = targets.owner_map(things, job.classes)
    is_thing = np.array([job.classes[i - 1].isthing for i in things.class_ids], dtype=bool)
    losses = [*layers.hidden(item, owner), *_merged(item, is_thing, job), *_refused(item, is_thing, job)]
    classes = np.where(things.is_crowd & ~is_thing, IGNORE_INDEX, things.class_ids)
    is_object = is_thing & ~things.is_crowd
    instances = np.where(is_object, classes * PER_CLASS + _numbers(things.class_ids, is_object), classes)
    label_ids = layers.values(owner, classes.tolist(), np.uint8)
    city = item.stem if item.group is None else _city(item.group)
    if item.group not in (None, city):
        came = f"group {item.group!r} is written as the city {city}"
        losses.append(item.loss("group", None, came, "give it a name that can name a folder", "approximated"))
    stem = f"gtFine/{item.split}/{city}/{item.stem}_gtFine"
    files = {
        f"{stem}_labelIds.png": layers.png(label_ids),
        f"{stem}_instanceIds.png": layers.png(layers.values(owner, (instances % 65536).tolist(), np.uint16)),
        f"{stem}_color.png": layers.png(palette.voc()[label_ids]),
    }
    ending = item.name[len(item.stem) :]
    return Page(f"leftImg8bit/{item.split}/{city}/{item.stem}_leftImg8bit{ending}", files, losses)


def index(_rows: Sequence[Any], job: Job) -> Index:
    """labels.json: the fields of cityscapesscripts' label table."""
    colours = palette.voc().tolist()
    labels = [_label("background", 0, colours[0], False)]
    labels += [_label(c.name, c.id, colours[c.id], c.isthing) for c in job.classes]
    labels.append(_label("ignore", IGNORE_INDEX, colours[IGNORE_INDEX], False) | {"ignoreInEval": True})
    return Index({"labels.json": as_json({"labels": labels})})


def _city(group: str) -> str:
    """The group as the name of one folder that cannot be taken for a split or the folder of the maps."""
    is_folder = is_plain(group) and "/" not in group and not group.startswith((".", "gt"))
    if is_folder and group.casefold() not in SPLITS and len(group.encode()) <= names.LONGEST:
        return group
    return f"group-{sha256(group.encode()).hexdigest()[:8]}"


def _label(name: str, number: int, colour: list[int], has_instances: bool) -> dict[str, Any]:
    return {
        "name": name, "id": number, "trainId": number, "category": name, "categoryId": number,
        "hasInstances": has_instances, "ignoreInEval": False, "color": colour,
    }  # fmt: skip


def _numbers(class_ids: NDArray[np.int64], is_object: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Each object's number among those of its class, from 0."""
    out = np.zeros(len(class_ids), dtype=np.int64)
    for class_id in np.unique(class_ids[is_object]):
        chosen = is_object & (class_ids == class_id)
        out[chosen] = np.arange(np.count_nonzero(chosen))
    return out


def _merged(item: Item, is_thing: NDArray[np.bool_], job: Job) -> Iterator[Finding]:
    stuff = Counter(item.objects.class_ids[~is_thing & ~item.objects.is_crowd].tolist())
    for class_id, count in sorted(stuff.items()):
        if count > 1:
            came = f"{count} regions of {job.name(class_id)!r}, which is no thing, become one"
            yield item.loss("merged", None, came, "nothing, where the class is not counted", "approximated")


def _refused(item: Item, is_thing: NDArray[np.bool_], job: Job) -> Iterator[Finding]:
    """What instance ids of 16 bits cannot hold."""
    objects = Counter(item.objects.class_ids[is_thing & ~item.objects.is_crowd].tolist())
    for class_id, count in sorted(objects.items()):
        name = job.name(class_id)
        if count > PER_CLASS:
            came = f"{count} objects of {name!r}; an image holds {PER_CLASS} of a class"
            yield Finding("many objects", "error", item.record.file_name, None, came, REMEDY)
        if class_id > LAST_THING:
            came = f"objects of {name!r}, class {class_id}; 16-bit instance ids end at class {LAST_THING}"
            yield Finding("many classes", "error", item.record.file_name, None, came, REMEDY)
