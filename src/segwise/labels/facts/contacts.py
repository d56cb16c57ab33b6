"""Facts of objects among each other, in one image: who shares pixels with whom, who lies against whom. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwise.types import Objects

DUPLICATE_IOU = 0.99  # above it two masks are one object labelled twice
COLUMNS: dict[str, Any] = {
    "overlap_px": np.int64,
    "nested_share": float,
    "earlier_iou": float,
    "earlier_id": np.int64,
    "other_class_iou": float,
    "other_class_id": np.int64,
    "overlap_share": float,
    "overlap_id": np.int64,
    "is_touching": bool,
    "contact_share": float,
    "contact_id": np.int64,
    "host_share": float,
    "any_contact_share": float,
}
_NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))

Owners = NDArray[np.uint16]


@dataclass(frozen=True, slots=True, eq=False)
class Contacts:
    """What the objects of one image have to do with each other; crowds take no part.

    Attributes:
        columns: facts of each object (COLUMNS), each (N,); `*_id` is another object's id, -1 = none:
            overlap_px: its pixels that another object owns too, of whatever class.
            nested_share: the largest share of its area inside one object of another class.
            earlier_iou, earlier_id: largest IoU with an object of its class that comes before it.
            other_class_iou, other_class_id: largest IoU with an object of another class that comes before it.
            overlap_share, overlap_id: as the smaller one of a pair of its class that is no duplicate: the largest
                share of its area inside the other one.
            is_touching: another object of its class is beside it (corners count) or shares pixels with it.
            contact_share, contact_id: the largest share of its outline along one other object of its class.
            host_share, any_contact_share: the same along one, and along all, other objects of whatever class.
        overlap_px: pixels that several objects own, each counted once less than owned.
        conflict_px: pixels that regions of two stuff classes own, counted per pair.
        shared_px: pixels that two objects of one class share, per class id; duplicates left out.
    """

    columns: dict[str, NDArray[Any]]
    overlap_px: int
    conflict_px: int
    shared_px: dict[int, int]


def owners_of(things: Objects) -> Owners:
    """How many objects own each pixel, uint16 (H, W); crowds do not count."""
    owners = np.zeros(things.size, dtype=np.uint16)
    for index in np.flatnonzero(~things.is_crowd):
        x0, y0, x1, y1 = things.boxes_xyxy[index]
        owners[y0:y1, x0:x1] += things.crops[index]
    return owners


def contacts(
    things: Objects,
    owners: Owners,
    outline_px: NDArray[np.int64],
    stuff: NDArray[np.bool_] | None = None,
    ids: NDArray[np.int64] | None = None,
) -> Contacts:
    """See `Contacts`.

    Args:
        owners: from `owners_of`.
        outline_px: length of each object's outline, int64 (N,), see `shapes.outline`.
        stuff: which objects are of a stuff class, bool (N,); by default none.
        ids: the objects' ids, int64 (N,); by default 0, 1, ….
    """
    stuff = np.zeros(len(things), dtype=bool) if stuff is None else stuff
    ids = np.arange(len(things), dtype=np.int64) if ids is None else ids
    areas = things.areas_px
    own = _shared(things, owners)
    first, second, inter = _pairs(things, own)
    columns, shared = _overlaps(things.class_ids, areas, first, second, inter)
    columns |= _touching(things, areas, outline_px)
    columns["overlap_px"] = own
    same = things.class_ids[first] == things.class_ids[second]
    columns["is_touching"][np.concatenate([first[same], second[same]])] = True
    for name in ("earlier_id", "other_class_id", "overlap_id", "contact_id"):
        columns[name] = np.append(ids, -1)[columns[name]]
    is_conflict = stuff[first] & stuff[second] & ~same
    total = int((owners[owners > 1].astype(np.int64) - 1).sum())
    return Contacts(columns, total, int(inter[is_conflict].sum()), shared)


def _shared(things: Objects, owners: Owners) -> NDArray[np.int64]:
    own = np.zeros(len(things), dtype=np.int64)
    if owners.max(initial=0) > 1:
        for index in np.flatnonzero(~things.is_crowd):
            x0, y0, x1, y1 = things.boxes_xyxy[index]
            own[index] = np.count_nonzero(owners[y0:y1, x0:x1][things.crops[index]] > 1)
    return own


def _pairs(things: Objects, own: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Pairs (first < second) that share pixels, and how many they share."""
    some = np.flatnonzero(own > 0)
    boxes = things.boxes_xyxy[some]
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    i, j = np.nonzero(np.triu((low < high).all(axis=2), k=1))
    first, second = some[i], some[j]
    windows = np.concatenate([low[i, j], high[i, j]], axis=1)
    inter = np.array(
        [_intersection(things, a, b, w) for a, b, w in zip(first, second, windows, strict=True)], dtype=np.int64
    )
    return first[inter > 0], second[inter > 0], inter[inter > 0]


def _intersection(things: Objects, a: int, b: int, window: NDArray[Any]) -> int:
    def part(index: int) -> NDArray[np.bool_]:
        x, y = things.boxes_xyxy[index, :2]
        return things.crops[index][window[1] - y : window[3] - y, window[0] - x : window[2] - x]

    return int(np.count_nonzero(part(a) & part(b)))


def _overlaps(
    classes: NDArray[Any], areas: NDArray[Any], first: NDArray[Any], second: NDArray[Any], inter: NDArray[Any]
) -> tuple[dict[str, NDArray[Any]], dict[int, int]]:
    n = len(areas)
    same, iou = classes[first] == classes[second], inter / (areas[first] + areas[second] - inter)
    smaller = np.where(areas[first] < areas[second], first, second)  # of equals the later one
    larger = first + second - smaller
    is_overlap = same & (iou <= DUPLICATE_IOU)
    both, others = np.concatenate([first, second]), np.concatenate([second, first])
    nested = _largest(n, both, others, np.tile(inter, 2) / areas[both], np.tile(~same, 2))[0]
    columns: dict[str, NDArray[Any]] = {"nested_share": nested}
    columns["earlier_iou"], columns["earlier_id"] = _largest(n, second, first, iou, same)
    columns["other_class_iou"], columns["other_class_id"] = _largest(n, second, first, iou, ~same)
    share = inter / areas[smaller]
    columns["overlap_share"], columns["overlap_id"] = _largest(n, smaller, larger, share, is_overlap)
    sums = np.bincount(classes[first][is_overlap], weights=inter[is_overlap])
    return columns, {int(c): int(sums[c]) for c in np.flatnonzero(sums)}


def _largest(
    n: int, whose: NDArray[Any], other: NDArray[Any], value: NDArray[Any], chosen: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """For each of n objects the largest value among the chosen pairs it is `whose` of, and the other one's position,
    -1 = none."""
    order = np.flatnonzero(chosen)
    order = order[np.argsort(value[order], kind="stable")]
    out, index = np.zeros(n), np.full(n, -1, dtype=np.int64)
    out[whose[order]], index[whose[order]] = value[order], other[order]  # the last, largest one stays
    return out, index


def _touching(things: Objects, areas: NDArray[np.int64], outline_px: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    n = len(things)
    top = np.full(things.size, -1, dtype=np.int32)
    order = np.lexsort((np.arange(n), -areas))
    for index in order[~things.is_crowd[order]]:
        x0, y0, x1, y1 = things.boxes_xyxy[index]
        top[y0:y1, x0:x1][things.crops[index]] = index
    is_touching = np.zeros(n, dtype=bool)
    sides = []
    for dy, dx in _NEIGHBOURS:
        a, b = _beside(top, dy, dx)
        same = things.class_ids[a] == things.class_ids[b]
        is_touching[a[same]] = is_touching[b[same]] = True
        if not (dy and dx):
            sides.append(np.minimum(a, b) * n + np.maximum(a, b))
    pairs, length = np.unique(np.concatenate(sides), return_counts=True)
    a, b = np.divmod(pairs, max(n, 1))
    both, others = np.concatenate([a, b]), np.concatenate([b, a])
    share = np.tile(length, 2) / np.maximum(outline_px[both], 1)
    same = things.class_ids[both] == things.class_ids[others]
    columns: dict[str, NDArray[Any]] = {"is_touching": is_touching}
    columns["contact_share"], columns["contact_id"] = _largest(n, both, others, share, same)
    columns["host_share"] = _largest(n, both, others, share, np.ones(len(both), dtype=bool))[0]
    columns["any_contact_share"] = np.bincount(both, weights=share, minlength=n)
    return columns


def _beside(top: NDArray[np.int32], dy: int, dx: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Owners of neighbouring pixels where they are two objects."""
    height, width = top.shape
    here = top[: height - dy, max(-dx, 0) : width - max(dx, 0)]
    there = top[dy:, max(dx, 0) : width - max(-dx, 0)]
    differ = here != there
    a, b = here[differ].astype(np.int64), there[differ].astype(np.int64)
    both = (a >= 0) & (b >= 0)
    return a[both], b[both]
