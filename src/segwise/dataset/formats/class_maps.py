"""Class maps: a folder of rasters whose values or colours are classes, and a list that names them.

Each class of an image becomes one region (`isthing` 0). 0 and black are the background and 255 is ignored unless the
list says otherwise; classes called void, ignore or unlabeled are ignored too. An image whose map is all background is
kept as an empty one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from segwise.dataset.formats import class_list, pairs, rasters
from segwise.dataset.formats.builder import Builder, Canvas
from segwise.dataset.formats.class_list import Entry
from segwise.dataset.formats.delivery import Delivery, Options
from segwise.dataset.formats.folder import Folder
from segwise.dataset.formats.legend import VOID, Legend, numbers
from segwise.dataset.formats.rasters import Drawn
from segwise.dataset.formats.shapes import Problem
from segwise.errors import DataInvalidError, UsageError

TITLE = "a folder of class maps beside images, with a class list (classes.txt, class_dict.csv, …)"
FULL = (255, 65535)  # what tools write for "yes" in a map of one class


@dataclass(slots=True)
class Task:
    """One image and its map."""

    canvas: Canvas
    label: PurePosixPath
    values: set[int] = field(default_factory=set)


def looks_like(folder: Folder) -> bool:
    """Maps with images, and a class list; a folder called `semantic` is enough."""
    named = any("semantic" in part.casefold() for file in folder.files for part in file.parent.parts)
    return (named or bool(class_list.find(folder))) and bool(pairs.find(folder, pairs.CLASS_WORDS).found)


def read(folder: Folder, options: Options) -> Delivery:
    """Every image that has a map.

    Raises:
        UsageError: there is no class list and the user named no classes.
        DataInvalidError: the class list contradicts itself, or there is no map.
    """
    entries = class_list.read(folder, options.classes)
    if not any(not (e.is_background or e.is_void) for e in entries):
        expected = "a class list beside the maps (classes.txt, class_dict.csv, semantic_classes.json, …)"
        raise UsageError(expected, "none", "add one, or name the classes in the order of their values")
    found = pairs.find(folder, pairs.CLASS_WORDS)
    if not found.found and not found.orphans:
        raise DataInvalidError(
            "class maps with images", "none", "put them into images/ and masks/ under the same names"
        )
    builder = Builder(folder, "class-maps")
    legend = Legend.of(_of_one_class(folder, found, entries, builder))
    _categories(builder, legend)
    seen: set[int] = set()
    for task, drawn in rasters.ahead(lambda t: _draw(folder, t, legend), _tasks(builder, found)):
        drawn.onto(task.canvas)
        seen |= task.values
    _check_start(builder, entries, legend, seen)
    pairs.report_rest(builder, found)
    return builder.delivery()


def _categories(builder: Builder, legend: Legend) -> None:
    shift = 1 if 0 in legend.values else 0
    for name, value in zip(legend.names, legend.values, strict=True):
        builder.category(name, isthing=False, preferred_id=value + shift)


def _tasks(builder: Builder, found: pairs.Pairs) -> Iterator[Task]:
    for image, label in found.found:
        canvas = builder.image(str(image), file_name=pairs.data_name(image), split=pairs.split_of(image))
        if canvas is not None:
            yield Task(canvas, label)


def _draw(folder: Folder, task: Task, legend: Legend) -> Drawn:
    raster = rasters.read(folder.path(task.label), task.canvas.sizes)
    if isinstance(raster, Problem):
        return Drawn([], [(str(task.label), raster)])
    labels = numbers(raster, legend, str(task.label))
    if isinstance(labels, Problem):
        return Drawn([], [(str(task.label), labels)])
    drawn = Drawn([], strays(labels[1], str(task.label)))
    regions = rasters.regions(labels[0])
    task.values |= {legend.values[n - 1] for n in regions if n != VOID} | ({0} if (labels[0] == 0).any() else set())
    for number, rle in regions.items():
        name = legend.names[0 if number == VOID else number - 1]
        drawn.shapes.append((name, rle, "ignored pixels" if number == VOID else f"class {name}", number == VOID))
    return drawn


def strays(num_pixels: int, label: str) -> list[tuple[str | None, Problem]]:
    """The finding for pixels that were given to a class beside them; none for none."""
    if num_pixels == 0:
        return []
    came = f"{num_pixels} pixels along edges have colours that are not in the class list; taken as the nearest class"
    return [(label, Problem("stray colour", came, "export the map without smoothing", "repaired"))]


def _of_one_class(
    folder: Folder, found: pairs.Pairs, entries: tuple[Entry, ...], builder: Builder
) -> tuple[Entry, ...]:
    """With one class of value 1 that never occurs, but 255 does: then 255 is this class, not what is ignored."""
    classes = [e for e in entries if not (e.is_background or e.is_void)]
    if len(classes) != 1 or any(e.value in FULL or e.colour is not None for e in entries):
        return entries
    values = _values(folder, found)
    full = [value for value in FULL if value in values]
    if len(full) != 1 or not values <= {0, full[0]}:
        return entries
    came = f"all maps hold 0 and {full[0]} only: {full[0]} is taken as {classes[0].name!r}"
    builder.report("full scale", "warning", None, None, came, f"list it as `{full[0]} {classes[0].name}`", "repaired")
    return tuple(replace(e, value=full[0]) if e is classes[0] else e for e in entries)


def _values(folder: Folder, found: pairs.Pairs) -> set[int]:
    """The values of all maps that can be read; colours that are grey count as their value."""
    values: set[int] = set()
    places = ((folder.path(image), folder.path(label)) for image, label in found.found)
    for _, some in rasters.ahead(lambda pair: rasters.values_of(pair[1], pair[0]), places):
        values |= some
    return values


def _check_start(builder: Builder, entries: tuple[Entry, ...], legend: Legend, seen: set[int]) -> None:
    """Names without values count from 1; say so where the maps look as if they counted from 0."""
    counted = list(legend.values) == list(range(1, len(entries) + 1)) and len(entries) > 1
    if counted and seen == set(range(len(entries))):
        came = f"0 is taken as background and 1 as {entries[0].name!r}; but the maps hold 0..{len(entries) - 1} only"
        remedy = f"if 0 means {entries[0].name!r}, write the list as `0 {entries[0].name}` and so on"
        builder.report("class list", "warning", None, None, came, remedy)
