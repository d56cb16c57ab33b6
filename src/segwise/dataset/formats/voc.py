"""Pascal VOC: `SegmentationClass` (and `SegmentationObject`) beside `JPEGImages`; also as CVAT ("Segmentation mask")
and labelme2voc write it, whose lists (`labelmap.txt`, `class_names.txt`) name the classes.

With object maps each object is a thing whose class is that of most of its pixels; class pixels without an object become
a crowd. Without object maps each class of an image is one region (`isthing` 0). The void of VOC, 255 or
(224, 224, 192), is ignored: a crowd of each thing class of the image, else of the first class.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from segwise.dataset import palette
from segwise.dataset.formats import class_list, pairs, rasters, voc_files
from segwise.dataset.formats.builder import Builder, Canvas
from segwise.dataset.formats.class_list import Entry
from segwise.dataset.formats.class_maps import strays
from segwise.dataset.formats.delivery import Delivery, Options
from segwise.dataset.formats.folder import Folder
from segwise.dataset.formats.instance_maps import ids
from segwise.dataset.formats.legend import VOID, Legend, numbers
from segwise.dataset.formats.rasters import Drawn, Pixels
from segwise.dataset.formats.shapes import Problem, encode
from segwise.errors import DataInvalidError
from segwise.types import Mask

TITLE = "Pascal VOC (JPEGImages/, SegmentationClass/, SegmentationObject/)"
VOID_COLOUR = 0xE0E0C0
# http://host.robots.ox.ac.uk/pascal/VOC/voc2012/segexamples/index.html, in the order of their indices from 1
CLASSES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
    "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Task:
    """One image with its class map and, where there is one, its object map."""

    canvas: Canvas
    classes: PurePosixPath
    objects: PurePosixPath | None


def looks_like(folder: Folder) -> bool:
    """A folder `SegmentationClass` with rasters in it."""
    return bool(voc_files.find(folder).items)


def read(folder: Folder, options: Options) -> Delivery:
    """Every image that has a class map.

    Raises:
        DataInvalidError: there is none, or the class list contradicts itself.
    """
    found = voc_files.find(folder)
    if not found.items:
        came = f"no file in SegmentationClass/ below {folder.title}"
        raise DataInvalidError("class maps in SegmentationClass/", came, "export the masks of the segmentation")
    builder = Builder(folder, "voc")
    legend = _legend(builder, class_list.read(folder, options.classes))
    has_objects = any(item.objects is not None for item in found.items)
    for name, value in zip(legend.names, legend.values, strict=True):
        builder.category(name, isthing=has_objects, preferred_id=value + (0 in legend.values))
    for task, drawn in rasters.ahead(lambda t: _draw(folder, t, legend, has_objects), _tasks(builder, found)):
        drawn.onto(task.canvas)
    voc_files.report_rest(builder, found)
    return builder.delivery()


def _legend(builder: Builder, entries: tuple[Entry, ...]) -> Legend:
    """By the list; colours that it does not name are those of VOC."""
    if not entries:
        came = "no class list (labelmap.txt); the values are taken as the 20 classes of Pascal VOC"
        builder.report("class list", "warning", None, None, came, "add a list, or name the classes", "approximated")
        entries = class_list.numbered([Entry(name) for name in CLASSES])
    if all(entry.colour is None for entry in entries):
        colours = rasters.packed(palette.voc()).tolist()
        entries = tuple(Entry(e.name, e.value, colours[(e.value or 0) % 256]) for e in entries)
    return Legend.of(entries, void_colour=VOID_COLOUR)


def _tasks(builder: Builder, found: voc_files.Files) -> Iterator[Task]:
    for item in found.items:
        if item.image is not None:
            name, split = pairs.data_name(item.image), item.split or pairs.split_of(item.image)
            canvas = builder.image(str(item.image), file_name=name, split=split)
            if canvas is not None:
                yield Task(canvas, item.classes, item.objects)


def _draw(folder: Folder, task: Task, legend: Legend, has_objects: bool) -> Drawn:
    raster = rasters.read(folder.path(task.classes), task.canvas.sizes)
    classes = raster if isinstance(raster, Problem) else numbers(raster, legend, str(task.classes))
    if isinstance(classes, Problem):
        return Drawn([], [(str(task.classes), classes)])
    drawn = Drawn([], strays(classes[1], str(task.classes)))
    if task.objects is None:
        _regions(drawn, classes[0], legend, is_crowd=has_objects)
    else:
        again = rasters.read(folder.path(task.objects), task.canvas.sizes)
        objects = again if isinstance(again, Problem) else ids(again)
        if isinstance(objects, Problem):
            return Drawn([], [(str(task.objects), objects)])
        if objects.shape != classes[0].shape:
            came = f"{task.objects} is turned against {task.classes}"
            return Drawn([], [(str(task.objects), Problem("size mismatch", came, "export both again"))])
        _objects(drawn, classes[0], np.where(_is_void(objects, classes[0]), 0, objects), legend)
    _void(drawn, classes[0] == VOID, legend, has_objects)
    return drawn


def _is_void(objects: Pixels, classes: NDArray[np.int32]) -> Mask:
    """Index 255 and VOC's colour of the void, where the class map has no class either."""
    swapped = (VOID_COLOUR & 255) << 16 | (VOID_COLOUR & 0xFF00) | VOID_COLOUR >> 16  # as `ids` numbers colours
    mask: Mask = ((objects == 255) | (objects == swapped)) & (classes <= 0)
    return mask


def _objects(drawn: Drawn, classes: NDArray[np.int32], objects: Pixels, legend: Legend) -> None:
    """One thing an id, its class that of most of its pixels; class pixels without an object become crowds."""
    votes = rasters.votes(objects, classes)
    for value, rle in rasters.regions(objects).items():
        source, under = f"object {value}", votes[value]
        num_pixels = sum(under.values())
        number = max(under, key=lambda n: (n > 0, under[n], -n))
        if number <= 0:
            came = f"no class on any of its {num_pixels} pixels in the class map"
            drawn.problems.append((source, Problem("unknown class", came, "export both maps again")))
            continue
        name = legend.names[number - 1]
        if under[number] < num_pixels:
            came = f"{num_pixels - under[number]} of its {num_pixels} pixels are not {name!r} in the class map"
            remedy = "the object is kept whole; correct one of the maps"
            drawn.problems.append((source, Problem("maps disagree", came, remedy, "approximated")))
        drawn.shapes.append((name, rle, source, False))
    left = np.where((objects == 0) & (classes > 0), classes, 0)
    if left.any():
        came = f"{int(np.count_nonzero(left))} pixels have a class but no object; kept as uncounted (crowd)"
        remedy = "number them in the object map"
        drawn.problems.append((None, Problem("maps disagree", came, remedy, "approximated")))
        _regions(drawn, left, legend, is_crowd=True)


def _regions(drawn: Drawn, classes: NDArray[np.int32], legend: Legend, is_crowd: bool) -> None:
    for number, rle in rasters.regions(np.maximum(classes, 0)).items():
        name = legend.names[number - 1]
        drawn.shapes.append((name, rle, f"class {name}", is_crowd))


def _void(drawn: Drawn, void: Mask, legend: Legend, is_thing: bool) -> None:
    """What is ignored: a crowd of each thing class of the image, else of the first class."""
    if void.any():
        rle = encode(void)
        for name in dict.fromkeys(s[0] for s in drawn.shapes if is_thing) or legend.names[:1]:
            drawn.shapes.append((name, rle, "void", True))
