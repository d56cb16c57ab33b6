"""The profile of a data set: what its images and objects are like, in numbers. Pure.

Objects are countable: classes with `isthing: 0` are regions and appear among classes and coverage only. Crowds are
counted apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwise.advice import kinds
from segwise.advice.colour import told_by_colour
from segwise.advice.contact import FAR_PX
from segwise.advice.direction import Test, examine, safe_moves
from segwise.advice.effort import effort
from segwise.advice.measure import Measured, Things
from segwise.advice.numbers import MUCH, quantiles, rounded, share
from segwise.advice.outlines import thickness
from segwise.dataset.coco import Dataset
from segwise.dataset.params import ProfileParams

NEEDED = (0.05, 0.5, 0.95, 0.99, 1.0)  # quantiles that the plan rests on
STRIDES = (2, 4, 8, 16, 32)
CLEAR = 0.5  # objects are brighter or darker than the rest when they differ by this part of its spread

Values = NDArray[Any]


def profile(
    dataset: Dataset, measured: Sequence[Measured], is_deep: Sequence[bool], params: ProfileParams
) -> dict[str, Any]:
    """Sum up the data set; JSON-able.

    Diameters (of a disc of the same area) are pixels, coverage and fractions lie in [0, 1]. An object touches when the
    mask of another one of its class is at most `touch_distance_px` pixels away (diagonals count).

    Args:
        measured: each image, in the data set's order. is_deep: its file has more than 8 bits a channel.
    """
    levels = tuple(sorted({*params.quantiles, *NEEDED}))
    things = [m.things for m in measured]
    groups = Counter(record.group for record in dataset.images)
    sizes = Counter(f"{record.width}x{record.height}" for record in dataset.images)
    counts = np.array([len(t) for t in things])
    return {
        "num_images": len(dataset.images),
        "num_objects": int(counts.sum()),
        "num_regions": sum(sum(m.regions.values()) for m in measured),
        "num_crowds": sum(m.num_crowds for m in measured),
        "num_groups": len(groups),
        "largest_group_images": max(groups.values(), default=0),
        "image_sizes": dict(sorted(sizes.items(), key=lambda item: (-item[1], item[0]))),
        "objects_per_image": quantiles(counts, levels),
        "diameter_px": quantiles(pooled(things, lambda t: t.diameters_px), levels),
        "coverage": quantiles(np.array([m.coverage for m in measured]), levels),
        "touching_fraction": share(pooled(things, lambda t: t.contacts.touches, bool)),
        "sizes": _sizes(measured, levels),
        "contact": _contact(things, levels),
        "crowding": _crowding(measured, levels),
        "pixels": _pixels(measured, is_deep, levels),
        "direction": _direction(dataset, measured),
        "effort": _effort(measured, params, levels),
        "classes": _per_class(dataset, measured, levels),
        "attributes": kinds.slices(dataset, measured),
        "explained": kinds.explained(dataset, measured),
        "splits": dict(sorted(Counter(record.split or "none" for record in dataset.images).items())),
    }


def pooled(things: Sequence[Things], value: Callable[[Things], Values], kind: type = float) -> Values:
    """One value of every object of every image, (N,)."""
    return np.concatenate([np.zeros(0, dtype=kind), *(np.asarray(value(t), dtype=kind) for t in things)])


def _thickness(t: Things) -> Values:
    return thickness(t.areas_px, t.outlines.perimeter_px)


def _sizes(measured: Sequence[Measured], levels: Sequence[float]) -> dict[str, Any]:
    things = [m.things for m in measured]
    relative = [m.things.diameters_px / np.sqrt(m.size[0] * m.size[1]) for m in measured]
    thick, boxes = pooled(things, _thickness), np.concatenate([np.zeros((0, 2)), *(t.boxes_px for t in things)])
    aspect = np.log2(boxes[:, 0] / boxes[:, 1])
    megapixels = np.array([m.size[0] * m.size[1] / 1e6 for m in measured])
    return {
        "image_megapixels": quantiles(megapixels, levels),
        "image_short_px": quantiles(np.array([min(m.size) for m in measured]), levels),
        "image_long_px": quantiles(np.array([max(m.size) for m in measured]), levels),
        "relative_diameter": quantiles(np.concatenate([np.zeros(0), *relative]), levels),
        "thickness_px": quantiles(thick, levels),
        "box_side_px": quantiles(np.sqrt(boxes[:, 0] * boxes[:, 1]), levels),
        "box_long_px": quantiles(boxes.max(axis=1, initial=0), levels),
        "aspect_log2": quantiles(aspect, levels),
        "cut_by_border": share(pooled(things, lambda t: t.is_cut, bool)),
        "thinner_than_two_cells": {str(s): share(thick < 2 * s) for s in STRIDES} if thick.size else {},
    }


def _contact(things: Sequence[Things], levels: Sequence[float]) -> dict[str, Any]:
    touches = pooled(things, lambda t: t.contacts.touches, bool)
    shares, pixels = (pooled(things, lambda t: t.contacts.share), pooled(things, lambda t: t.contacts.contact_px))
    overlap = pooled(things, lambda t: t.contacts.overlap_px / t.areas_px)
    gaps = pooled(things, lambda t: t.contacts.gap_px)
    near = gaps[(gaps > 0) & np.isfinite(gaps)]
    return {
        "num_touching": int(touches.sum()),
        "contact_px": quantiles(pixels[pixels > 0], levels),
        "contact_share": quantiles(shares[shares > 0], levels),
        "num_overlapping": int(np.count_nonzero(overlap)),
        "num_overlapping_much": int(np.count_nonzero(overlap > MUCH)),
        "overlap_share": quantiles(overlap[overlap > 0], levels),
        "gap_px": quantiles(near, levels),
        "num_with_gap": int(near.size),
        "gaps_below_px": {str(p): rounded(float(np.mean(near < p))) for p in (1, 1.5, 2, 3, 4, 8, FAR_PX)}
        if near.size
        else {},
        "gap_histogram": [int(n) for n in np.histogram(near, np.arange(0, FAR_PX + 0.25, 0.25))[0]],
    }


def _crowding(measured: Sequence[Measured], levels: Sequence[float]) -> dict[str, Any]:
    things = [m.things for m in measured]
    nearest = pooled(things, lambda t: t.crowding.nearest)
    density = np.array([len(m.things) / (m.size[0] * m.size[1] / 1e6) for m in measured])
    evenness = np.array([m.clark_evans for m in measured])
    return {
        "nearest_diameters": quantiles(nearest[np.isfinite(nearest)], levels),
        "alone_in_image": share(~np.isfinite(nearest)),
        "neighbours": quantiles(pooled(things, lambda t: t.crowding.neighbours), levels),
        "objects_per_megapixel": quantiles(density, levels),
        "clark_evans": quantiles(evenness[~np.isnan(evenness)], levels),
    }


def _pixels(measured: Sequence[Measured], is_deep: Sequence[bool], levels: Sequence[float]) -> dict[str, Any]:
    looks = [m.look for m in measured]
    lift = np.array([look.object_contrast for look in looks])
    spread = np.array([look.background_spread for look in looks])
    known = lift[~np.isnan(lift)]
    names = ("brightness", "contrast", "sharpness", "noise", "levels")
    return {
        **{name: quantiles(np.array([getattr(look, name) for look in looks]), levels) for name in names},
        "object_contrast": quantiles(known, levels),
        "num_brighter": int(np.count_nonzero(lift > CLEAR * spread)),
        "num_darker": int(np.count_nonzero(-lift > CLEAR * spread)),
        "grey_fraction": share(np.array([look.is_grey for look in looks], dtype=bool)),
        "num_deep": sum(is_deep),
    }


def _direction(dataset: Dataset, measured: Sequence[Measured]) -> dict[str, Any]:
    figures: dict[tuple[str, str], Values] = {
        ("edges", "images"): np.array([m.upright for m in measured]),
        ("tall", "objects"): np.array([m.tall for m in measured]),
    }
    for c in dataset.classes:
        for axis, name in enumerate(("right", "down")):
            nowhere = (np.nan, np.nan)
            figures[name, c.name] = np.array([m.places.get(c.id, nowhere)[axis] for m in measured])
    found = examine(figures, [record.group for record in dataset.images])
    colours = np.concatenate([np.zeros((0, 2)), *(m.colours for m in measured)])
    ids = np.concatenate([np.zeros(0, dtype=np.int64), *(m.colour_ids for m in measured)])
    groups = np.unique([record.group for record in dataset.images], return_inverse=True)[1]
    owners = np.concatenate(
        [np.zeros(0, dtype=np.int64), *(np.full(len(m.colour_ids), g) for m, g in zip(measured, groups, strict=True))]
    )
    told = told_by_colour(colours, ids, owners)
    return {
        "tests": [_test(t) for t in found],
        "safe": safe_moves(found),
        "fourfold": quantiles(np.array([m.fourfold for m in measured]), NEEDED),
        "told_by_colour": None if np.isnan(told) else rounded(told),
    }


def _test(test: Test) -> dict[str, Any]:
    words = {"name": test.name, "of": test.of, "num_groups": test.num_groups, "counts": test.counts}
    return {**words, "move": test.move, "mean": rounded(test.mean), "p": float(f"{test.p:.2g}")}


def _effort(measured: Sequence[Measured], params: ProfileParams, levels: Sequence[float]) -> dict[str, Any]:
    things = [m.things for m in measured]
    vertices = pooled(things, lambda t: t.outlines.vertices)
    present = [sum(pixels > 0 for pixels in m.pixels.values()) for m in measured]
    regions = [sum(number > 0 for number in m.regions.values()) for m in measured]
    rates = {
        name: getattr(params, name) for name in ("minutes_per_object", "minutes_per_class_mask", "minutes_per_box")
    }
    return {
        "vertices_per_object": quantiles(vertices, levels),
        "num_vertices": int(vertices.sum()),
        "rates": rates,
        **effort([len(t) for t in things], present, regions, params),
    }


def _per_class(dataset: Dataset, measured: Sequence[Measured], levels: Sequence[float]) -> dict[str, Any]:
    total = sum(m.size[0] * m.size[1] for m in measured)
    everything = sum(len(m.things) for m in measured)
    return {c.name: _class(c.id, c.isthing, measured, total, everything, levels) for c in dataset.classes}


def _class(
    class_id: int, isthing: bool, measured: Sequence[Measured], total: int, everything: int, levels: Sequence[float]
) -> dict[str, Any]:
    mine = [m.things.class_ids == class_id for m in measured]
    per_image = [int(own.sum()) if isthing else m.regions[class_id] for own, m in zip(mine, measured, strict=True)]

    def of(value: Callable[[Things], Values], kind: type = float) -> Values:
        parts = [np.asarray(value(m.things), dtype=kind)[own] for own, m in zip(mine, measured, strict=True)]
        return np.concatenate([np.zeros(0, dtype=kind), *parts])

    facts: Mapping[str, Any] = {
        "object_share": rounded(sum(per_image) / everything) if everything else 0.0,
        "diameter_px": quantiles(of(lambda t: t.diameters_px), levels),
        "thickness_px": quantiles(of(_thickness), levels),
        "touching_fraction": share(of(lambda t: t.contacts.touches, bool)),
        "objects_per_image": quantiles(np.array(per_image), levels),
    }
    covered = sum(m.pixels[class_id] for m in measured)
    owned = sum(m.owned[class_id] for m in measured)
    return {
        "isthing": isthing,
        "num_objects" if isthing else "num_regions": sum(per_image),
        "num_images": sum(n > 0 for n in per_image),
        "coverage": rounded(covered / total) if total else 0.0,
        "hidden_fraction": rounded(max(1 - covered / owned, 0.0)) if owned else 0.0,
        **(facts if isthing else {"num_objects": 0}),
    }
