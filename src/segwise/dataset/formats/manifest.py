"""Manifests of SageMaker Ground Truth and Lookout for Vision: one JSON object a line, with an image (`source-ref`) and
masks (`…-ref`, whose `…-ref-metadata` holds the `internal-color-map`). Buckets do not matter: files are found by the
end of their address.

Masks are read by colour, never by palette index: a palette of one colour in 200 strengths is an anti-aliased edge. A
pixel belongs to the class whose colour is nearest, where more of it is opaque than not (alpha > 127). Masks of defects
and of scenes say which pixels, not how many things: each class of an image is one region (`isthing` 0). An image
labelled normal (0) has no mask and is kept as an empty one. A manifest called train or test names the split.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from segwise.dataset.formats import manifest_lines, pairs, rasters
from segwise.dataset.formats.builder import Builder, Canvas
from segwise.dataset.formats.delivery import Delivery, Options
from segwise.dataset.formats.folder import Folder
from segwise.dataset.formats.legend import UNKNOWN, looked_up
from segwise.dataset.formats.manifest_lines import Colour, Line, MaskRef
from segwise.dataset.formats.rasters import Drawn, Pixels, Raster
from segwise.dataset.formats.shapes import Problem
from segwise.errors import DataInvalidError

TITLE = "SageMaker Ground Truth or Lookout for Vision (*.manifest)"
NEAR = 48.0  # a colour this near to that of a class, of 255 in each channel, is the class's
STRAY_SHARE = 0.005  # of the image's pixels may have other colours: mixtures along edges
WHITE = 0xFFFFFF


@dataclass(frozen=True, slots=True)
class Task:
    """One image with its masks."""

    canvas: Canvas
    masks: tuple[tuple[PurePosixPath, MaskRef], ...]


def looks_like(folder: Folder) -> bool:
    """A file whose first line is JSON with a `source-ref`."""
    return bool(manifest_lines.find(folder))


def read(folder: Folder, options: Options) -> Delivery:  # noqa: ARG001 -- the manifest names its classes
    """Every image of every manifest.

    Raises:
        DataInvalidError: there is no manifest, or none of its lines has a mask.
    """
    files = manifest_lines.find(folder)
    if not files:
        raise DataInvalidError("a manifest with `source-ref` in each line", "none", "name the folder that holds it")
    builder = Builder(folder, "manifest")
    lines = [line for file in files for line in manifest_lines.read(builder, folder, file)]
    if lines and not any(line.masks for line in lines):
        came = f"{len(lines)} lines, none with a mask (`…-ref` and its `internal-color-map`)"
        remedy = "export the output of a segmentation job; boxes and image labels are no masks"
        raise DataInvalidError("masks in the manifest", came, remedy)
    shift = any(c.index == 0 for line in lines for mask in line.masks for c in mask.colours if not c.is_background)
    for colour in (c for line in lines for mask in line.masks for c in mask.colours if not c.is_background):
        builder.category(colour.name, isthing=False, preferred_id=colour.index + shift)
    for task, drawn in rasters.ahead(lambda t: _draw(folder, t), _tasks(builder, folder, lines)):
        drawn.onto(task.canvas)
    return builder.delivery()


def _tasks(builder: Builder, folder: Folder, lines: list[Line]) -> Iterator[Task]:
    seen: dict[PurePosixPath, Line] = {}
    for line in lines:
        image = folder.find(line.image, line.file.parent)
        if image is not None and image in seen:
            is_same = (line.masks, line.is_normal) == (seen[image].masks, seen[image].is_normal)
            came = f"named again in {line.where}, first in {seen[image].where}{' in the same words' if is_same else ''}"
            builder.report("duplicate image", "warning" if is_same else "error", image.name, line.where, came,
                           "keep one line an image", "dropped" if is_same else "")  # fmt: skip
        elif not line.masks and not line.is_normal:
            came = f"{line.where} has no mask and does not call the image normal"
            remedy = "label its pixels, or give it the label 0"
            builder.report("no labels", "warning", PurePosixPath(line.image).name, None, came, remedy, "dropped")
        else:
            name = None if image is None else pairs.data_name(image)
            canvas = builder.image(line.image, near=line.file.parent, file_name=name, split=line.split)
            if canvas is not None and image is not None:
                seen[image] = line
                yield Task(canvas, tuple(_masks(canvas, folder, line, image)))


def _masks(canvas: Canvas, folder: Folder, line: Line, image: PurePosixPath) -> Iterator[tuple[PurePosixPath, MaskRef]]:
    for mask in line.masks:
        file = folder.find(mask.address, line.file.parent)
        if file is None or file == image:
            came = f"no file {mask.address!r}" if file is None else f"{mask.address!r} is the image itself"
            canvas.error("file missing", mask.address, came, "copy the masks into the folder")
        else:
            yield file, mask


def _draw(folder: Folder, task: Task) -> Drawn:
    drawn = Drawn()
    for file, mask in task.masks:
        raster = rasters.read(folder.path(file), task.canvas.sizes)
        found = raster if isinstance(raster, Problem) else numbers(raster, mask.colours)
        if isinstance(found, Problem):
            drawn.problems.append((str(file), found))
            continue
        alpha = raster.alpha if isinstance(raster, Raster) else None
        num_partly = 0 if alpha is None else int(np.count_nonzero((alpha > 0) & (alpha < 255)))
        if num_partly:
            came = f"{num_partly} pixels of a soft edge are partly transparent; taken where alpha > 127"
            problem = Problem("smoothed edge", came, "nothing, if the edge looks right", "approximated")
            drawn.problems.append((str(file), problem))
        for number, rle in rasters.regions(found).items():
            name = mask.colours[number - 1].name
            drawn.shapes.append((name, rle, f"{mask.attribute} {name}", False))
    return drawn


def numbers(raster: Raster, colours: tuple[Colour, ...]) -> NDArray[np.int32] | Problem:
    """The class of each pixel, int32 (H, W): 0 background, else the place in `colours`, from 1."""
    means = [0 if c.is_background else place for place, c in enumerate(colours, start=1)]
    if raster.kind == "grey":
        labels = looked_up(raster.values, {0: 0, 255: 0} | {c.index: m for c, m in zip(colours, means, strict=True)})
        labels = labels if not raster.is_lossy else np.full_like(labels, UNKNOWN)
        problem = _strays(labels == UNKNOWN, raster.values, "value {}")
    else:
        shown, table = raster.colours(), _table(raster, colours, means)
        labels = looked_up(shown, table)
        opaque = raster.opaque()
        if opaque is not None:
            labels[~opaque] = 0
        far = {c for c in table if _distance(c, colours) > NEAR}
        is_far = np.isin(shown, list(far)) & (True if opaque is None else opaque)
        problem = _strays(is_far, shown, "colour #{:06X}")
        by_index = None if problem is None else _by_index(raster, colours, means)
        if by_index is not None:
            return by_index
    return labels if problem is None else problem


def _by_index(raster: Raster, colours: tuple[Colour, ...], means: list[int]) -> NDArray[np.int32] | None:
    """The classes by palette index, where the palette shows other colours; None where indices do not fit either."""
    table = {0: 0} | {c.index: m for c, m in zip(colours, means, strict=True)}
    fits = raster.kind == "palette" and table[0] == 0 and set(rasters.used(raster.values)) <= set(table)
    return looked_up(raster.values, table) if fits else None


def _table(raster: Raster, colours: tuple[Colour, ...], means: list[int]) -> dict[int, int]:
    """Every colour of the raster → what the nearest known colour means; black and white are background unless named."""
    known = {c.colour: m for c, m in zip(colours, means, strict=True)}
    known = {colour: 0 for colour in (0, WHITE) if colour not in known and not _has_background(colours)} | known
    keys = np.array(list(known), dtype=np.int64)
    nearest = {c: int(keys[_distances(c, keys).argmin()]) for c in rasters.used(raster.colours())}
    return {colour: known[near] for colour, near in nearest.items()}


def _has_background(colours: tuple[Colour, ...]) -> bool:
    return any(c.is_background for c in colours)


def _distance(colour: int, colours: tuple[Colour, ...]) -> float:
    """To the nearest named colour, or to black and white where no background is named."""
    keys = [c.colour for c in colours] + ([] if _has_background(colours) else [0, WHITE])
    return float(_distances(colour, np.array(keys, dtype=np.int64)).min())


def _distances(colour: int, keys: NDArray[np.int64]) -> NDArray[np.float64]:
    parts = [((keys >> bits & 255) - (colour >> bits & 255)) ** 2 for bits in (16, 8, 0)]
    distances: NDArray[np.float64] = np.sqrt(sum(parts[1:], parts[0]))
    return distances


def _strays(is_stray: Pixels, shown: Pixels, words: str) -> Problem | None:
    """A problem if more pixels are far from every named colour than edges explain."""
    if int(np.count_nonzero(is_stray)) < max(1, STRAY_SHARE * is_stray.size):
        return None
    found, counts = np.unique(shown[is_stray], return_counts=True)
    came = f"{words.format(int(found[counts.argmax()]))} on {int(counts.sum())} pixels is no class of the manifest"
    return Problem("unknown value", came, "add it to the internal-color-map, or export the masks as PNG")
