"""What the values and colours of class maps mean: a class list becomes class numbers of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segwise.dataset.formats.class_list import Entry
from segwise.dataset.formats.rasters import AGAIN, Pixels, Raster, starts, used
from segwise.dataset.formats.shapes import Problem

VOID = -1
UNKNOWN = -2
STRAY_SHARE, STRAY_PX = 0.005, 2  # pixels of other colours that are repaired: fewer than this share, this near an edge


@dataclass(frozen=True, slots=True)
class Legend:
    """Class numbers: 1..K the classes in their order, 0 the background, VOID what is to be ignored.

    Attributes:
        names: those of the numbers 1..K.
        values: the value of each of them in the source.
        by_value: value or palette index → number.
        by_colour: colour 0xRRGGBB → number; empty where the list names no colours.
    """

    names: tuple[str, ...]
    values: tuple[int, ...]
    by_value: dict[int, int]
    by_colour: dict[int, int]

    @classmethod
    def of(cls, entries: Sequence[Entry], void_value: int = 255, void_colour: int | None = None) -> Legend:
        """From entries with values. 0 and black are background and `void_value` is ignored unless they are listed."""
        classes = [e for e in entries if not (e.is_background or e.is_void)]
        by_value, by_colour = {0: 0, void_value: VOID}, {}
        if any(e.colour is not None for e in entries):
            by_colour = {0: 0} if void_colour is None else {0: 0, void_colour: VOID}
        meant: dict[int, int] = {}
        unclear: set[int] = set()  # colours of two classes: no use in maps of colours, no matter in others
        number = {id(e): n for n, e in enumerate(classes, start=1)}
        for entry in entries:
            means = 0 if entry.is_background else VOID if entry.is_void else number[id(entry)]
            if entry.value is not None:
                by_value[entry.value] = means
            if entry.colour is not None:
                unclear |= {entry.colour} if meant.setdefault(entry.colour, means) != means else set()
        by_colour |= {colour: means for colour, means in meant.items() if colour not in unclear}
        return cls(tuple(e.name for e in classes), tuple(e.value or 0 for e in classes), by_value, by_colour)


def numbers(raster: Raster, legend: Legend, name: str) -> tuple[NDArray[np.int32], int] | Problem:
    """The class number of each pixel, int32 (H, W), and how many stray pixels were repaired; or what is wrong.

    Args:
        name: how problems speak of the label file.
    """
    keys, table = _keys(raster, legend)
    if table is None:
        came = f"{name} holds colours, and the class list names none"
        return Problem("unknown value", came, "write each class as `name,r,g,b`")
    labels = looked_up(keys, table)
    opaque = raster.opaque()
    if opaque is not None:
        labels[~opaque] = 0
    unknown = labels == UNKNOWN
    num_strays = int(np.count_nonzero(unknown))
    if num_strays == 0:
        return labels, 0
    if (table is legend.by_colour or raster.is_lossy) and _repair(labels, keys, unknown, num_strays):
        return labels, num_strays
    return _unknown(keys, unknown, table is legend.by_colour, raster.is_lossy, name)


def _keys(raster: Raster, legend: Legend) -> tuple[Pixels, dict[int, int] | None]:
    """What to look up, and where; no table where there is none for it."""
    if raster.kind == "colour":
        grey = raster.values & 255
        if legend.by_colour and not _is_grey(raster.values, legend):
            return raster.values, legend.by_colour
        return (grey, legend.by_value) if (raster.values == grey * 0x010101).all() else (raster.values, None)
    values = used(raster.values)
    if raster.kind == "palette" and legend.by_colour:
        shown = raster.colours() if raster.alpha is None else np.where(raster.alpha > 127, raster.colours(), 0)
        if set(used(shown)) <= set(legend.by_colour) or not set(values) <= set(legend.by_value):
            return shown, legend.by_colour
    as_grey = {v * 0x010101 for v in values}
    if raster.kind == "grey" and not set(values) <= set(legend.by_value) and as_grey <= set(legend.by_colour):
        return raster.values.astype(np.int64) * 0x010101, legend.by_colour
    return raster.values, legend.by_value


def _is_grey(values: Pixels, legend: Legend) -> bool:
    """Whether colours are grey values written three times: all r = g = b, and not the list's colours."""
    colours = used(values)
    return all(c == (c & 255) * 0x010101 for c in colours) and not set(colours) <= set(legend.by_colour)


def looked_up(keys: Pixels, table: dict[int, int]) -> NDArray[np.int32]:
    """`table` of each key, int32 (H, W); UNKNOWN where it has none."""
    flat = keys.ravel()
    first = starts(flat)
    found, inverse = np.unique(flat[first], return_inverse=True)
    means = np.array([table.get(int(key), UNKNOWN) for key in found], dtype=np.int32)
    return np.repeat(means[inverse], np.diff(first, append=flat.size)).reshape(keys.shape)


def _repair(labels: NDArray[np.int32], keys: Pixels, unknown: Pixels, num_strays: int) -> bool:
    """Give each stray pixel the nearest in colour of the classes at most STRAY_PX away. False: they are no strays."""
    if num_strays >= STRAY_SHARE * labels.size:
        return False
    rows, columns = np.nonzero(unknown)
    own = _channels(keys[rows, columns])
    best = np.full(num_strays, np.inf)
    chosen = np.full(num_strays, UNKNOWN)
    height, width = labels.shape
    reach = range(-STRAY_PX, STRAY_PX + 1)
    for down, right in ((d, r) for d in reach for r in reach):
        there = np.clip(rows + down, 0, height - 1), np.clip(columns + right, 0, width - 1)
        distance = ((own - _channels(keys[there])) ** 2).sum(axis=1).astype(float)
        distance[unknown[there]] = np.inf
        nearer = distance < best
        best[nearer], chosen[nearer] = distance[nearer], labels[there][nearer]
    if not np.isfinite(best).all():
        return False
    labels[rows, columns] = chosen
    return True


def _channels(keys: Pixels) -> NDArray[np.int64]:
    wide = keys.astype(np.int64)
    return np.stack([wide >> 16 & 255, wide >> 8 & 255, wide & 255], axis=1)


def _unknown(keys: Pixels, unknown: Pixels, is_colour: bool, is_lossy: bool, name: str) -> Problem:
    found, counts = np.unique(keys[unknown], return_counts=True)
    most = np.argsort(-counts, kind="stable")[:3]
    words = [f"#{int(found[i]):06X}" if is_colour else str(int(found[i])) for i in most]
    kind = "colour" if is_colour else "value"
    kinds = f"{kind} {words[0]}" if len(found) == 1 else f"{len(found)} {kind}s, {', '.join(words)} among them,"
    came = f"{name}: {kinds} on {int(counts.sum())} pixels, not in the class list"
    if is_lossy:
        return Problem("lossy labels", f"{came}; JPEG has changed them", AGAIN)
    return Problem("unknown value", came, "add it to the class list, or export the map without smoothing")
