"""Cityscapes and sets named alike: `leftImg8bit/<split>/<city>/<name>_leftImg8bit.png` beside
`gtFine/<split>/<city>/<name>_gtFine_{labelIds,instanceIds,labelTrainIds}.png`.

An instance id of at least 1000 is a thing of class id // 1000. Pixels of a class that has things, but no instance id,
are a group that nobody counted: a crowd. Every other class of an image is one region; without instance maps every class
is (`isthing` 0). Labels that Cityscapes leaves out of its evaluation, and 255, are ignored: a crowd of each thing class
of the image, else of the first class. A set of its own labels needs a class list (label_colors.txt, as CVAT writes it).
The city is the image's group; the sequence where a city lies in two splits or is the only one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segwise.dataset.formats import cityscapes_files, class_list, pairs, rasters
from segwise.dataset.formats.builder import Builder, Canvas
from segwise.dataset.formats.cityscapes_files import Item
from segwise.dataset.formats.cityscapes_labels import LABELS
from segwise.dataset.formats.class_list import Entry
from segwise.dataset.formats.delivery import Delivery, Options
from segwise.dataset.formats.folder import Folder
from segwise.dataset.formats.instance_maps import ids
from segwise.dataset.formats.legend import UNKNOWN, VOID, looked_up
from segwise.dataset.formats.rasters import Drawn, Pixels
from segwise.dataset.formats.shapes import Problem, Rle, encode
from segwise.errors import DataInvalidError

TITLE = "Cityscapes (leftImg8bit/, gtFine/*_labelIds.png, *_instanceIds.png)"
PER_CLASS = 1000  # instance ids a class


@dataclass(frozen=True, slots=True)
class Key:
    """What label ids mean. `names` and `ids` of the class numbers from 1, `things` those with instances, `of_id` and
    `of_train_id` from an id to its number: 0 the background, VOID what is ignored."""

    names: tuple[str, ...]
    ids: tuple[int, ...]
    things: frozenset[int]
    of_id: dict[int, int]
    of_train_id: dict[int, int]


@dataclass(frozen=True, slots=True)
class Task:
    """One image with its maps."""

    canvas: Canvas
    item: Item


def looks_like(folder: Folder) -> bool:
    """Files that end in _labelIds, _instanceIds or _labelTrainIds."""
    return bool(cityscapes_files.find(folder).items)


def read(folder: Folder, options: Options) -> Delivery:
    """Every image that has a map.

    Raises:
        DataInvalidError: there is none, or the class list contradicts itself.
    """
    found = cityscapes_files.find(folder)
    if not found.items:
        came = f"none below {folder.title}"
        raise DataInvalidError("maps that end in _labelIds.png or _instanceIds.png", came, "add gtFine/")
    builder = Builder(folder, "cityscapes")
    key = _key(folder, found, class_list.read(folder, options.classes))
    for number, (name, label_id) in enumerate(zip(key.names, key.ids, strict=True), start=1):
        builder.category(name, isthing=number in key.things, preferred_id=label_id + (0 in key.ids))
    ignored: set[int] = set()
    for task, (drawn, some) in rasters.ahead(lambda t: _draw(folder, t, key), _tasks(builder, found)):
        drawn.onto(task.canvas)
        ignored |= some
    _report_ignored(builder, ignored)
    cityscapes_files.report_rest(builder, found)
    return builder.delivery()


def _key(folder: Folder, found: cityscapes_files.Files, entries: tuple[Entry, ...]) -> Key:
    has_instances = any(item.instances is not None for item in found.items)
    if not entries or _is_official(entries):
        trained = [label for label in LABELS if not label.is_ignored]
        number = {label.id: n for n, label in enumerate(trained, start=1)}
        of_id = {255: VOID} | {label.id: number.get(label.id, VOID) for label in LABELS}
        things = (
            frozenset(number[label.id] for label in trained if label.has_instances) if has_instances else frozenset()
        )
        of_train_id = {255: VOID} | {label.train_id: number[label.id] for label in trained}
        return Key(tuple(x.name for x in trained), tuple(x.id for x in trained), things, of_id, of_train_id)
    classes = [e for e in entries if not (e.is_background or e.is_void)]
    of_id = {0: 0, 255: VOID} | {e.value: 0 if e.is_background else VOID for e in entries if e.value is not None}
    of_id |= {e.value: n for n, e in enumerate(classes, start=1) if e.value is not None}
    said = {n for n, e in enumerate(classes, start=1) if e.isthing}
    seen = set() if all(e.isthing is not None for e in classes) else _things(folder, found)
    things = frozenset(said | {of_id[i] for i in seen if of_id.get(i, 0) > 0}) if has_instances else frozenset()
    return Key(tuple(e.name for e in classes), tuple(e.value or 0 for e in classes), things, of_id, of_id)


def _is_official(entries: tuple[Entry, ...]) -> bool:
    """Whether a list (as tools write it beside their exports) is Cityscapes' own, spaces or not."""
    names = {label.id: label.name.replace(" ", "") for label in LABELS}
    plain = [(e.value, e.name.casefold().replace(" ", "").replace("_", "")) for e in entries]
    return len(plain) > 3 and all(names.get(value or 0) == name for value, name in plain if name != "licenseplate")


def _things(folder: Folder, found: cityscapes_files.Files) -> set[int]:
    """The label ids that have instances somewhere in a set of its own labels."""
    pairs_ = [(item.image, item.instances) for item in found.items if item.image and item.instances]
    places = ((folder.path(image), folder.path(label)) for image, label in pairs_)
    found_ids = rasters.ahead(lambda pair: rasters.values_of(pair[1], pair[0]), places)
    return {value // PER_CLASS for _, values in found_ids for value in values if value >= PER_CLASS}


def _tasks(builder: Builder, found: cityscapes_files.Files) -> Iterator[Task]:
    for item in found.items:
        if item.image is not None:
            canvas = builder.image(
                str(item.image), file_name=pairs.data_name(item.image), group=item.group, split=item.split
            )
            if canvas is not None:
                yield Task(canvas, item)


def _draw(folder: Folder, task: Task, key: Key) -> tuple[Drawn, set[int]]:
    """The shapes of one image, and the label ids in it that are ignored."""
    maps = _maps(folder, task)
    if isinstance(maps, Drawn):
        return maps, set()
    instances = maps.get("instances")
    label_ids = maps.get("labels", maps.get("train"))
    if label_ids is None:
        label_ids = np.where(maps["instances"] >= PER_CLASS, maps["instances"] // PER_CLASS, maps["instances"])
    numbers = looked_up(label_ids, key.of_train_id if set(maps) == {"train"} else key.of_id)
    if (numbers == UNKNOWN).any():
        return Drawn([], [(str(task.item.label), _unknown(label_ids, numbers))]), set()
    void = label_ids[numbers == VOID]
    return _shapes(numbers, instances, key), set(rasters.used(void)) if void.size else set()


def _maps(folder: Folder, task: Task) -> dict[str, NDArray[np.int64]] | Drawn:
    """The maps of an image, int64 (H, W) each; train ids only where there is nothing better."""
    item, maps = task.item, dict[str, NDArray[np.int64]]()
    for name, file in (("labels", item.labels), ("instances", item.instances), ("train", item.train)):
        if file is not None and (name != "train" or not maps):
            raster = rasters.read(folder.path(file), task.canvas.sizes)
            values = raster if isinstance(raster, Problem) else ids(raster)
            if isinstance(values, Problem):
                return Drawn([], [(str(file), values)])
            maps[name] = values.astype(np.int64)
    if len({values.shape for values in maps.values()}) > 1:
        came = f"{item.labels} and {item.instances} are turned against each other"
        return Drawn([], [(None, Problem("size mismatch", came, "export both again"))])
    return maps


def _unknown(label_ids: Pixels, numbers: Pixels) -> Problem:
    values = rasters.used(label_ids[numbers == UNKNOWN])
    came = f"label {', '.join(map(str, values[:3]))}{' …' if len(values) > 3 else ''} is in no class list"
    return Problem("unknown value", came, "add a class list (label_colors.txt), or name the classes")


def _shapes(numbers: NDArray[np.int32], instances: Pixels | None, key: Key) -> Drawn:
    drawn = Drawn()
    left = numbers.copy()
    if instances is not None:
        objects = np.where(instances >= PER_CLASS, instances, 0)
        under = rasters.votes(objects, numbers)
        for value, rle in rasters.regions(objects).items():
            _object(drawn, value, rle, under[value], key)
        left[objects > 0] = 0
    for number, rle in rasters.regions(np.maximum(left, 0)).items():
        name = key.names[number - 1]
        drawn.shapes.append((name, rle, f"class {name}", number in key.things))
    void = numbers == VOID
    if void.any():
        rle = encode(void)
        present = dict.fromkeys(s[0] for s in drawn.shapes if key.names.index(s[0]) + 1 in key.things)
        for name in present or key.names[:1]:
            drawn.shapes.append((name, rle, "void", True))
    return drawn


def _object(drawn: Drawn, value: int, rle: Rle, under: dict[int, int], key: Key) -> None:
    source, number = f"instance {value}", key.of_id.get(value // PER_CLASS, UNKNOWN)
    if number == UNKNOWN:
        came = f"label {value // PER_CLASS} is in no class list"
        drawn.problems.append((source, Problem("unknown class", came, "add a class list, or name the classes")))
    num_pixels = sum(under.values())
    differing = num_pixels - under.get(number, 0)
    if differing and number != UNKNOWN:
        name = key.names[number - 1] if number > 0 else "ignored"
        came = f"{differing} of its {num_pixels} pixels are not {name!r} in the label map"
        drawn.problems.append((source, Problem("maps disagree", came, "correct one of the maps", "approximated")))
    if number > 0:
        drawn.shapes.append((key.names[number - 1], rle, source, False))


def _report_ignored(builder: Builder, ignored: set[int]) -> None:
    names = [label.name for label in LABELS if label.id in ignored and label.id > 3 and label.is_ignored]
    if names and not builder.knows(names[0]):
        came = f"labels that Cityscapes leaves out of its evaluation became ignored pixels: {', '.join(names)}"
        builder.report("ignored labels", "warning", None, None, came, "add a class list to keep them", "approximated")
