"""Instance maps: rasters whose values are object ids, 0 the background. PNG or TIFF of 8, 16 or 32 bits, or colours.

Layouts: `images/` beside `masks/`, `labels/` or `instances/` under the same names (StarDist and many others);
`<name>_masks`, `<name>_cp_masks`, `<name>_label` beside `<name>` or `<name>_img` (Cellpose); a folder per field with an
image and `instances_ids.png` (Usiigaci); and the Cell Tracking Challenge (`01/t000.tif`, `01_GT/SEG/man_seg000.tif`;
silver truth `01_ST` where there is no gold), where a sequence is a group. An id of several pieces is one object.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from segwise.dataset.formats import class_list, fields, pairs, rasters
from segwise.dataset.formats.builder import Builder, Canvas
from segwise.dataset.formats.delivery import Delivery, Options
from segwise.dataset.formats.folder import Folder
from segwise.dataset.formats.object_masks import class_name
from segwise.dataset.formats.rasters import AGAIN, Drawn, Pixels, Raster
from segwise.dataset.formats.shapes import Problem
from segwise.errors import DataInvalidError

FEW, COUNTED = 32, 16  # ids that could as well be classes, and images whose pieces are counted
TITLE = "maps of object ids beside images (images/ + masks/, <name>_masks, instances_ids.png, 01_GT/SEG)"


@dataclass(slots=True)
class Task:
    """One image and its map. `ids` are its first ones, `num_pieces` the pieces of all; counted where ids are few."""

    canvas: Canvas
    label: PurePosixPath
    is_counted: bool
    num_ids: int = 0
    ids: tuple[int, ...] = ()
    num_pieces: int = 0


def looks_like(folder: Folder) -> bool:
    """Maps with images in one of the layouts, and no class list."""
    found = fields.find(folder)
    return bool(found.sources) and not class_list.find(folder)


def read(folder: Folder, options: Options) -> Delivery:
    """Every image that has a map.

    Raises:
        DataInvalidError: there is no map.
        UsageError: the user named several classes.
    """
    name = class_name(options)
    found = fields.find(folder)
    if not found.sources and not found.rest.orphans:
        raise DataInvalidError("maps of object ids with images", "none", "put them into images/ and masks/")
    builder = Builder(folder, "instance-maps")
    builder.category(name, preferred_id=1)
    tasks: list[Task] = []
    for task, drawn in rasters.ahead(lambda t: _draw(folder, t, name), _tasks(builder, found)):
        drawn.onto(task.canvas)
        tasks.append(task)
    _check_ids(builder, tasks)
    pairs.report_rest(builder, found.rest)
    return builder.delivery()


def _tasks(builder: Builder, found: fields.Fields) -> Iterator[Task]:
    for number, source in enumerate(found.sources):
        canvas = builder.image(
            str(source.image), file_name=source.name, group=source.group, split=pairs.split_of(source.image)
        )
        if canvas is not None:
            yield Task(canvas, source.label, number < COUNTED)


def _draw(folder: Folder, task: Task, class_name: str) -> Drawn:
    raster = rasters.read(folder.path(task.label), task.canvas.sizes)
    labels = raster if isinstance(raster, Problem) else ids(raster)
    if isinstance(labels, Problem):
        return Drawn([], [(str(task.label), labels)])
    regions = rasters.regions(labels)
    task.num_ids, task.ids = len(regions), tuple(regions)[: FEW + 1]
    if task.is_counted and len(regions) <= FEW:
        task.num_pieces = sum(_num_pieces(labels == value) for value in regions)
    return Drawn([(class_name, rle, f"id {value}", False) for value, rle in regions.items()])


def ids(raster: Raster) -> Pixels | Problem:
    """The id of each pixel, integers (H, W), 0 = background.

    Of a palette the indices count (where only another index than 0 is black, that one is the background); of colours
    each one is an object, numbered as COCO panoptic does: R + 256 G + 256² B, black the background.
    """
    if raster.is_lossy:
        return Problem("lossy labels", "ids in a JPEG: it has changed them", AGAIN)
    if rasters.is_noise(raster.values):
        return Problem("unknown value", "neighbouring pixels differ nearly everywhere", "is this a map of ids at all?")
    values = raster.values
    if raster.kind == "palette":
        values = _without_black(raster)
    if raster.kind == "colour":
        grey = values & 255
        is_grey = bool((values == grey * 0x010101).all())
        values = grey if is_grey else grey << 16 | (values >> 8 & 255) << 8 | values >> 16
    if int(values.min()) < 0:
        return Problem("unknown value", f"id {int(values.min())}", "number objects from 1")
    opaque = raster.opaque()
    return values if opaque is None else np.where(opaque, values, 0)


def _without_black(raster: Raster) -> Pixels:
    found = rasters.used(raster.values)
    black = [index for index in found if raster.palette[index] == 0]
    if 0 in found or len(black) != 1:
        return raster.values
    return np.where(raster.values == black[0], 0, raster.values)


def _num_pieces(mask: Pixels) -> int:
    from scipy.ndimage import label

    return int(label(mask, np.ones((3, 3)))[1])


def _check_ids(builder: Builder, tasks: list[Task]) -> None:
    """Refuse maps of one value in several pieces: they say what is foreground, not which object. Doubt maps of the same
    few values in many pieces: they look like class maps."""
    full = [t for t in tasks if t.num_ids]
    counted = [t for t in full if t.num_pieces]
    values = {value for t in full for value in t.ids}
    pieces = sum(t.num_pieces for t in counted) / max(1, sum(t.num_ids for t in counted))
    if len(values) == 1 and pieces > 1 and (len(full) > 1 or values <= {255, 65535}):
        came = f"every map holds 0 and {values.pop()} only, in several pieces: no ids that tell objects apart"
        remedy = "export ids, or import them as class maps with a class name (`--format class-maps`)"
        builder.report("no ids", "error", None, None, came, remedy)
    elif len(values) <= FEW and pieces >= 3 and len(full) > 2:
        came = f"the maps share {len(values)} values, each in {pieces:.0f} pieces: they look like classes, not objects"
        remedy = "if they are classes, add a class list and import them as class maps (`--format class-maps`)"
        builder.report("no ids", "warning", None, None, came, remedy)
