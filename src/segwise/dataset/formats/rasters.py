"""Label rasters of other tools, read exactly as they are stored: grey values, palette indices or colours. Nothing is
scaled, smoothed or turned, and a palette is never expanded before its reader has decided what the indices mean."""

from __future__ import annotations

import io
import os
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import PIL.Image
import PIL.TiffImagePlugin
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from segwise.dataset.formats.builder import Canvas
from segwise.dataset.formats.shapes import Problem, Rle, as_text, encode
from segwise.dataset.images import FORMATS, TIFF_MAGIC, deep_values, header_of
from segwise.errors import DataInvalidError
from segwise.types import Mask

Item = TypeVar("Item")
Result = TypeVar("Result")
Pixels = NDArray[Any]
SPREAD = {2: 85, 4: 17}  # Pillow spreads grey values of 2 and 4 bits over 0..255
NO_PALETTE = np.zeros(0, dtype=np.int32)
AGAIN = "export it again as PNG"


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """One label file's pixels.

    Attributes:
        kind: what `values` are.
        values: integers (H, W): grey values, palette indices, or colours 0xRRGGBB.
        palette: int32 (N,), the colours 0xRRGGBB of the indices; empty unless `kind` is "palette".
        alpha: uint8 (H, W), 255 = opaque; None if all is opaque.
        is_lossy: stored by a method that changes pixels (JPEG).
    """

    kind: Literal["grey", "palette", "colour"]
    values: Pixels
    palette: NDArray[np.int32]
    alpha: NDArray[np.uint8] | None
    is_lossy: bool = False

    def colours(self) -> Pixels:
        """The colours 0xRRGGBB, int32 (H, W), of palette and colour rasters."""
        return self.palette[self.values] if self.kind == "palette" else self.values

    def opaque(self) -> Mask | None:
        """Where more is opaque than not, bool (H, W); None: everywhere."""
        return None if self.alpha is None else self.alpha > 127


@dataclass(frozen=True, slots=True)
class Drawn:
    """What one image's label files say: shapes (class, RLE, source, is crowd), and problems (source, problem)."""

    shapes: list[tuple[str, Rle, str, bool]] = field(default_factory=list)
    problems: list[tuple[str | None, Problem]] = field(default_factory=list)

    def onto(self, canvas: Canvas) -> None:
        """Hand everything over."""
        for source, problem in self.problems:
            report(canvas, problem, source)
        for class_name, rle, name, is_crowd in self.shapes:
            canvas.encoded(class_name, rle, name, is_crowd)


def report(canvas: Canvas, problem: Problem, source: str | None = None) -> None:
    """A problem becomes a finding of this image."""
    if problem.effect:
        canvas.warn(problem.check, source, problem.came, problem.remedy, problem.effect)
    else:
        canvas.error(problem.check, source, problem.came, problem.remedy)


def read(path: Path, sizes: Collection[tuple[int, int]]) -> Raster | Problem:
    """Read one label file of one of these (height, width); the size is checked before any pixel is decoded."""
    try:
        data = path.read_bytes()
        header = header_of(data)
        if header.stored not in sizes:
            height, width = next(iter(sizes))
            came = f"{path.name} has {header.stored[1]} × {header.stored[0]} pixels, the image {width} × {height}"
            return Problem("size mismatch", came, "export the labels at the image's size")
        if data[:4] in TIFF_MAGIC and _has_more_pages(data):
            return Problem("several pages", f"{path.name} is a stack of pages", "export one flat map an image")
        return _deep(data, path.name) if header.is_deep else _shallow(data)
    except Exception as error:  # decoders raise many kinds on damaged bytes; SegwiseErrors among them say what came
        came = error.came if isinstance(error, DataInvalidError) else getattr(error, "strerror", None) or str(error)
        return Problem("file unreadable", f"label file {path.name}: {came}", AGAIN)


def _has_more_pages(data: bytes) -> bool:
    tags = PIL.TiffImagePlugin.ImageFileDirectory_v2(data[:8])
    file = io.BytesIO(data)
    file.seek(tags.next)
    tags.load(file)
    return bool(tags.next)


def _deep(data: bytes, name: str) -> Raster | Problem:
    """Values of 16 or 32 bits, or whole numbers stored as floating point."""
    values = deep_values(data)
    if values.ndim != 2:
        came = f"{name} has {values.shape[2]} channels of {values.dtype}"
        return Problem("unknown value", came, "export ids as one channel, or colours of 8 bits")
    whole = values if values.dtype.kind in "iu" and values.dtype != np.uint64 else values.astype(np.int64)
    if values.dtype.kind == "f" and not np.array_equal(values, whole):
        return Problem("unknown value", f"{name} holds fractions", "export whole numbers")
    return Raster("grey", whole, NO_PALETTE, None)


def _shallow(data: bytes) -> Raster:
    with PIL.Image.open(io.BytesIO(data), formats=FORMATS) as image:
        if image.format == "PNG":
            with PIL.Image.open(io.BytesIO(data), formats=("PNG",)) as copy:
                copy.verify()  # every chunk's checksum; load() alone forgives a missing tail
        image.load()
        is_lossy = image.format == "JPEG" or (image.format == "WEBP" and b"VP8L" not in data[:64])
        if image.mode == "P":
            return _palette(image)
        if image.mode in ("1", "L", "LA"):
            return _grey(image, data, is_lossy)
        pixels = np.asarray(image.convert("RGBA" if image.mode in ("RGBA", "PA") else "RGB"))
        return Raster("colour", packed(pixels), NO_PALETTE, _alpha(pixels[..., 3:]), is_lossy)


def _grey(image: PIL.Image.Image, data: bytes, is_lossy: bool) -> Raster:
    pixels = np.asarray(image).astype(np.uint8)
    values = pixels[..., 0] if pixels.ndim == 3 else pixels
    if image.format == "PNG" and data[25] == 0:
        values = values // np.uint8(SPREAD.get(data[24], 1))
    if image.format == "TIFF" and image.mode == "L" and image.tag_v2.get(262) == 0:  # type: ignore[attr-defined]
        values = 255 - values  # "white is zero": Pillow inverts what is stored
    return Raster("grey", values, NO_PALETTE, _alpha(pixels[..., 1:]) if pixels.ndim == 3 else None, is_lossy)


def _palette(image: PIL.Image.Image) -> Raster:
    values = np.asarray(image)
    image.apply_transparency()
    entries = np.array(image.getpalette("RGBA"), dtype=np.uint8).reshape(-1, 4)
    full = np.zeros((256, 4), dtype=np.uint8)  # indices beyond the palette are black
    full[:, 3] = 255
    full[: len(entries)] = entries
    return Raster("palette", values, packed(full), _alpha(full[values][..., 3:]))


def packed(pixels: Pixels) -> NDArray[np.int32]:
    """Colours uint8 (…, 3 or more) as 0xRRGGBB, int32 (…)."""
    wide = pixels[..., :3].astype(np.int32)
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]


def _alpha(channel: Pixels) -> NDArray[np.uint8] | None:
    return None if channel.shape[-1] == 0 or bool((channel == 255).all()) else channel[..., 0]


def values_of(path: Path, image: Path) -> set[int]:
    """The values that occur in a label file of this image's size; grey colours as their value, none if unreadable."""
    try:
        header = header_of(image)
    except DataInvalidError:
        return set()
    raster = read(path, (header.upright, header.stored))
    if isinstance(raster, Problem):
        return set()
    found = used(raster.values)
    is_grey = raster.kind == "colour" and all(v == (v & 255) * 0x010101 for v in found)
    return {v & 255 for v in found} if is_grey else set(found)


def used(labels: Pixels) -> list[int]:
    """The values that occur, sorted."""
    flat = labels.ravel()
    return [int(v) for v in np.unique(flat[starts(flat)])]


def is_noise(labels: Pixels) -> bool:
    """Whether neighbours differ nearly everywhere in more values than a class map has: a picture, no label map."""
    flat = labels.ravel()
    first = starts(flat)
    return len(first) > 1000 and 3 * len(first) > flat.size and len(np.unique(flat[first])) > 256


def votes(objects: Pixels, numbers: Pixels) -> dict[int, dict[int, int]]:
    """How many pixels of each object lie on each number: object → number → pixels; both maps are integers (H, W)."""
    whole, part = objects.ravel().astype(np.int64), numbers.ravel().astype(np.int64)
    first = np.union1d(starts(whole), starts(part))
    lengths = np.diff(first, append=whole.size)
    found, inverse = np.unique(np.stack([whole[first], part[first]], axis=1), axis=0, return_inverse=True)
    counts = np.bincount(inverse.ravel(), weights=lengths).astype(np.int64)
    out: dict[int, dict[int, int]] = {}
    for (value, number), count in zip(found.tolist(), counts.tolist(), strict=True):
        out.setdefault(value, {})[number] = count
    return out


def regions(labels: Pixels) -> dict[int, Rle]:
    """The RLE of each value but 0 in a map of integers (H, W), sorted by value; one pass for all values."""
    height, width = labels.shape
    flat = np.ascontiguousarray(labels.T).ravel()
    first = starts(flat)
    ends = np.append(first[1:], flat.size)
    values = flat[first]
    order = np.argsort(values, kind="stable")
    kinds, firsts = np.unique(values[order], return_index=True)
    out: dict[int, Rle] = {}
    for value, runs in zip(kinds.tolist(), np.split(order, firsts[1:]), strict=True):
        if value != 0:
            counts = _counts(first[runs], ends[runs], flat.size)
            out[int(value)] = as_text(coco_mask.frPyObjects({"size": [height, width], "counts": counts}, height, width))
    return out


def starts(flat: Pixels) -> NDArray[np.intp]:
    """Where runs of equal values begin in a flat array of at least one value."""
    return np.concatenate([np.zeros(1, np.intp), np.flatnonzero(flat[1:] != flat[:-1]) + 1])


def region(mask: Mask) -> Rle:
    """The RLE of a mask, bool (H, W); of a small object in a large image in a fraction of pycocotools' time."""
    height, width = mask.shape
    places = np.flatnonzero(mask)
    if places.size == 0 or places.size > mask.size // 8:
        return encode(mask)
    rows, columns = np.divmod(places, width)
    flat = np.sort(columns * height + rows)
    breaks = np.flatnonzero(np.diff(flat) != 1)
    begins = flat[np.concatenate([np.zeros(1, np.intp), breaks + 1])]
    ends = flat[np.append(breaks, flat.size - 1)] + 1
    counts = _counts(begins, ends, mask.size)
    return as_text(coco_mask.frPyObjects({"size": [height, width], "counts": counts}, height, width))


def _counts(begins: NDArray[np.intp], ends: NDArray[np.intp], num_pixels: int) -> list[int]:
    borders = np.empty(2 * len(begins), dtype=np.intp)
    borders[::2], borders[1::2] = begins, ends
    lengths = np.diff(borders, prepend=0, append=num_pixels)
    counts: list[int] = (lengths if lengths[-1] else lengths[:-1]).tolist()
    return counts


def ahead(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[tuple[Item, Result]]:
    """Each item with `function` of it, in order; threads work a few items ahead, so that memory stays bounded."""
    workers = max(1, min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1))
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for item in items:
            waiting.append((item, pool.submit(function, item)))
            if len(waiting) > 2 * workers:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
