"""One mask file per object, as in the 2018 Data Science Bowl: `<id>/images/<id>.png` beside `<id>/masks/*.png`; or
flat, `images/<name>.png` beside `masks/<name>/*.png` or `masks/<name>_<number>.png`.

What overlaps stays overlapping, and a mask of several pieces stays one object. The class is the one the user names,
else "object". An image whose `masks` folder is empty is kept as an image without objects.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from segwise.dataset.formats import pairs, rasters
from segwise.dataset.formats.builder import Builder, Canvas
from segwise.dataset.formats.delivery import Delivery, Options
from segwise.dataset.formats.folder import Folder
from segwise.dataset.formats.rasters import AGAIN, Drawn, Pixels, Raster
from segwise.dataset.formats.shapes import Problem
from segwise.dataset.images import SUFFIXES
from segwise.errors import DataInvalidError, UsageError
from segwise.types import Mask

TITLE = "one mask file per object (<id>/images/, <id>/masks/)"
FOLDERS = frozenset(("masks", "mask"))
NUMBER = r"[ _.\-]+\(?\d{1,6}\)?"
OWNED = re.compile(rf"^(?P<image>.+?)(?:[ _.\-](?:masks?|object|obj|instance|inst)(?:{NUMBER})?|{NUMBER})$", re.I)
BESIDE = re.compile(rf"[ _.\-](?:masks?|object|obj)(?P<number>{NUMBER})?$", re.I)  # masks beside their image
LOSSY_LEVELS, LOSSY_SHARE = 16, 0.005  # a lossy mask is clean enough if fewer pixels lie further from black and white


@dataclass(frozen=True, slots=True)
class Owner:
    """An image and the mask files of its objects."""

    image: PurePosixPath
    masks: tuple[PurePosixPath, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """An image and some of its masks: many, so that small files keep the threads busy."""

    canvas: Canvas
    masks: tuple[PurePosixPath, ...]


def looks_like(folder: Folder) -> bool:
    """Images that own masks of other names than their own, most of them several."""
    owners, orphans = _owners(folder)
    num_masks = sum(len(owner.masks) for owner in owners)
    return num_masks > len(orphans) and any(len(owner.masks) > 1 or _is_nested(owner) for owner in owners)


def read(folder: Folder, options: Options) -> Delivery:
    """Every image with its masks.

    Raises:
        DataInvalidError: there is no such layout.
        UsageError: the user named several classes.
    """
    name = class_name(options)
    owners, orphans = _owners(folder)
    if not owners:
        came = f"none below {folder.title}"
        raise DataInvalidError("images/ and masks/ with one file per object", came, "name the folder that holds both")
    builder = Builder(folder, "object-masks")
    builder.category(name, preferred_id=1)
    for task, drawn in rasters.ahead(lambda t: _draw(folder, t, name), _tasks(builder, owners)):
        drawn.onto(task.canvas)
    for mask in orphans:
        builder.report("file missing", "error", None, str(mask), "no image fits this mask", "add the image")
    _report_unlabelled(builder, folder, owners, orphans)
    return builder.delivery()


def class_name(options: Options) -> str:
    """The one class of sources that hold objects of one class."""
    if len(options.classes) > 1:
        came = f"{len(options.classes)}: {', '.join(options.classes[:5])}"
        raise UsageError("one class name: these masks say nothing of classes", came, "name one class")
    return options.classes[0] if options.classes else "object"


def _owners(folder: Folder) -> tuple[list[Owner], list[PurePosixPath]]:
    """Images with their masks, sorted, and masks that no image fits."""
    files = [f for f in folder.files if f.suffix.lower() in SUFFIXES]
    masks = [f for f in files if any(part.casefold() in FOLDERS for part in f.parent.parts)]
    beside = [f for f in files if BESIDE.search(f.stem)] if not masks else []
    if any(found["number"] for f in beside if (found := BESIDE.search(f.stem))):
        masks = beside
    known = set(masks)
    images: dict[tuple[PurePosixPath, str], list[PurePosixPath]] = defaultdict(list)
    for image in (f for f in files if f not in known):
        images[_place(image.parent), image.stem.casefold()].append(image)
    alone: dict[PurePosixPath, list[PurePosixPath]] = defaultdict(list)
    for (place, _), some in images.items():
        alone[place] += some
    owned: dict[PurePosixPath, list[PurePosixPath]] = {}
    orphans: list[PurePosixPath] = []
    for mask in masks:
        owner = _image_of(mask, images, alone)
        if owner is None:
            orphans.append(mask)
        else:
            owned.setdefault(owner, []).append(mask)
    return [Owner(image, tuple(some)) for image, some in sorted(owned.items())], orphans


def _place(folder: PurePosixPath) -> PurePosixPath:
    """A folder's path without `images`, `masks` and the like: the same for images and their masks."""
    return PurePosixPath(*(p for p in folder.parts if p.casefold() not in FOLDERS | pairs.DROPPED))


def _image_of(
    mask: PurePosixPath, images: dict[tuple[PurePosixPath, str], list[PurePosixPath]],
    alone: dict[PurePosixPath, list[PurePosixPath]],
) -> PurePosixPath | None:  # fmt: skip
    """The image of a mask: of the mask's folder, of its name less a number, or the only one beside its folder."""
    place, stem = _place(mask.parent), mask.stem.casefold()
    numbered = OWNED.match(stem)
    if images.get((place, stem)):
        return None  # the same name: a map of the whole image
    wanted = [(place.parent, place.name.casefold())] if place.parts else []
    wanted += [(place, numbered["image"])] if numbered else []
    for key in wanted:
        if len(images.get(key, ())) == 1:
            return images[key][0]
    if len(alone[place]) == 1 and alone[place][0].stem.casefold() != stem:
        return alone[place][0]
    return None


def _is_nested(owner: Owner) -> bool:
    """Whether the masks lie in a folder of this image alone."""
    return owner.image.parent.parent.name == owner.image.stem or owner.masks[0].parent.name == owner.image.stem


def _tasks(builder: Builder, owners: list[Owner]) -> Iterator[Task]:
    for owner in owners:
        name = pairs.data_name(owner.image)
        canvas = builder.image(str(owner.image), file_name=name, split=pairs.split_of(owner.image))
        if canvas is not None:
            yield Task(canvas, owner.masks)


def _draw(folder: Folder, task: Task, class_name: str) -> Drawn:
    drawn = Drawn()
    for file in task.masks:
        raster = rasters.read(folder.path(file), task.canvas.sizes)
        found = raster if isinstance(raster, Problem) else foreground(raster)
        if isinstance(found, Problem):
            drawn.problems.append((str(file), found))
            continue
        mask, problem = found
        if problem is not None:
            drawn.problems.append((str(file), problem))
        drawn.shapes.append((class_name, rasters.region(mask), str(file), False))
    return drawn


def foreground(raster: Raster) -> tuple[Mask, Problem | None] | Problem:
    """The object of a mask, bool (H, W): whatever is not black. Of smoothed edges, what is more than half bright."""
    levels = _levels(raster)
    top = int(levels.max())
    if top == 0 or raster.kind == "palette":
        return levels > 0, None
    margin = LOSSY_LEVELS if raster.is_lossy and top > 4 * LOSSY_LEVELS else 0
    between: Mask = (levels > margin) & (levels < top - margin)
    num_between = int(np.count_nonzero(between))
    if num_between == 0:
        return levels > top // 2, None
    if raster.is_lossy and num_between >= LOSSY_SHARE * levels.size:
        return Problem("lossy labels", f"JPEG has blurred {num_between} pixels of the mask", AGAIN)
    if num_between > np.count_nonzero(levels > top // 2) or _num_flat(levels, between) > num_between // 10:
        found = rasters.used(levels)
        came = f"values {', '.join(map(str, found[1:4]))}{' …' if len(found) > 4 else ''} in the mask of one object"
        return Problem("unknown value", came, "is it a map of ids or classes? import it as such")
    came = f"{num_between} pixels are neither black nor white; taken where they are more than half bright"
    return levels > top // 2, Problem("smoothed edge", came, "export the mask without smoothing", "approximated")


def _num_flat(levels: Pixels, among: Mask) -> int:
    """How many of these pixels equal their four neighbours: none along a smooth edge, many inside another object."""
    inner = levels[1:-1, 1:-1]
    around = (levels[:-2, 1:-1], levels[2:, 1:-1], levels[1:-1, :-2], levels[1:-1, 2:])
    return int(np.count_nonzero(among[1:-1, 1:-1] & np.logical_and.reduce([inner == other for other in around])))


def _levels(raster: Raster) -> Pixels:
    """How bright each pixel is, integers (H, W), 0 where it is transparent; alpha where all is black."""
    if raster.kind == "grey":
        levels = raster.values
    elif raster.kind == "palette":
        levels = _indices(raster)
    else:
        levels = np.maximum(np.maximum(raster.values >> 16, raster.values >> 8 & 255), raster.values & 255)
    if raster.alpha is None:
        return levels
    return raster.alpha if not levels.any() else np.where(raster.alpha > 127, levels, 0)


def _indices(raster: Raster) -> Pixels:
    """1 where the colour is not black, where black is used; else where the index is not 0."""
    colours = raster.colours()
    is_object: Mask = colours != 0 if (colours == 0).any() else raster.values != 0
    return is_object.astype(np.uint8)


def _report_unlabelled(builder: Builder, folder: Folder, owners: list[Owner], orphans: list[PurePosixPath]) -> None:
    """Images without masks: kept as empty where a folder for their masks is there, else left out."""
    taken = {f for owner in owners for f in (owner.image, *owner.masks)} | set(orphans)
    for image in folder.files:
        if image in taken or image.suffix.lower() not in SUFFIXES:
            continue
        if any((folder.path(image).parent / place).is_dir() for place in ("../masks", f"../masks/{image.stem}")):
            builder.image(str(image), file_name=pairs.data_name(image), split=pairs.split_of(image))
        else:
            came, remedy = "no mask goes with it", "an image without objects needs an empty masks/ folder"
            builder.report("no labels", "warning", pairs.data_name(image), None, came, remedy, "dropped")
