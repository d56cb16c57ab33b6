"""Planned for the instance network and for the choice of approach: anchors, caps, touching. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from segwise.advice.entry import Entry, percent, suggestion
from segwise.advice.numbers import MUCH
from segwise.advice.plan_size import INSTANCE_STRIDE, MIN_BOX_CELLS

Facts = Mapping[str, Any]

NUM_ANCHORS = 4
ANCHOR_STEPS = (1.5, 2.5)  # factor from one anchor to the next: an object between two overlaps the nearer by 1 / factor
HEADROOM = 1.5  # new images hold up to this many times the most objects seen
POSITIVE_SHARE = 4  # one sampled proposal in four may be an object
OFTEN, SOMETIMES = 0.1, 0.01  # shares of touching and of overlapping objects that decide what can tell them apart


def object_entries(facts: Facts, zoom: float, crop_px: int) -> list[Entry]:
    """Anchors, samples and the cap of the instance network at its planned zoom and crop."""
    return [anchors(facts, zoom), rois(facts, zoom, crop_px), cap(facts)]


def anchors(facts: Facts, zoom: float) -> Entry:
    """Four sides from the small to the large boxes, evenly in their logarithm."""
    small, large = (facts["sizes"]["box_side_px"][q] * zoom for q in ("q05", "q95"))
    first = max(small, MIN_BOX_CELLS * INSTANCE_STRIDE)
    wanted = max(large / first, 1.0) ** (1 / (NUM_ANCHORS - 1))
    step = min(max(wanted, ANCHOR_STEPS[0]), ANCHOR_STEPS[1])
    sizes = [round(first * step**i) for i in range(NUM_ANCHORS)]
    why = f"Nine boxes in ten have sides of {small:.0f} to {large:.0f} network pixels at zoom {zoom:g}; a step of "
    why += f"{step:.2g} leaves a box between two anchors IoU {1 / step:.2f} with the nearer"
    why += f", and those above {sizes[-1]} are reached by regression alone" if wanted > step else ""
    return Entry("train.instance.anchor_sizes_px", sizes, f"{why}.")


def rois(facts: Facts, zoom: float, crop_px: int) -> Entry:
    """Proposals sampled per crop: four times the objects of a crowded one, a power of two."""
    density = facts["crowding"]["objects_per_megapixel"]["q95"]
    objects = density * (crop_px / zoom) ** 2 / 1e6
    value = min(max(2 ** math.ceil(math.log2(max(POSITIVE_SHARE * objects, 1))), 32), 512)
    most = max(round(objects), 1)
    why = f"In crowded images (95th percentile) a crop of {crop_px / zoom:.0f} image pixels holds {most} "
    why += f"object{'s' * (most > 1)}, and one sampled proposal in four may be one."
    return Entry("train.instance.rois_per_image", value, why)


def cap(facts: Facts) -> Entry:
    """The most objects the network answers."""
    most, usual = facts["objects_per_image"]["q100"], facts["objects_per_image"]["q99"]
    value = max(50 * math.ceil(HEADROOM * most / 50), 100)
    why = f"99 % of the images hold at most {usual:.0f} objects and the fullest {most:.0f}: half as many again fit."
    return Entry("train.instance.max_objects", value, why)


def approach_entry(facts: Facts) -> Entry:
    """What can tell neighbouring objects apart."""
    if not facts["num_objects"]:
        return suggestion("approaches", "semantic", "No class is countable: regions need no objects.")
    touching, overlapping = facts["touching_fraction"], facts["contact"]["num_overlapping_much"] / facts["num_objects"]
    meets = f"{percent(touching)} of the objects touch another of their class and {percent(overlapping)} share more "
    meets += f"than {100 * MUCH:g} % of their pixels with one"
    hidden = {name: own["hidden_fraction"] for name, own in facts["classes"].items() if own["isthing"]}
    under = max(hidden, key=lambda name: (hidden[name], name))
    if hidden[under] >= OFTEN:
        why = f"{percent(hidden[under])} of the pixels of {under} lie under other classes, and {meets}"
        return suggestion("approaches", "instance", f"{why}: a class map shows one class a pixel, masks may overlap.")
    if overlapping >= SOMETIMES:
        why = f"{meets}: a pixel with two owners needs masks of their own, which only `instance` answers."
        return suggestion("approaches", "instance, hybrid beside it", why)
    if touching >= OFTEN:
        why = f"{meets}: the components of a class map would merge them, centres or boxes tell them apart."
        return suggestion("approaches", "hybrid, instance", why)
    why = f"{meets}: the components of a class map count nearly all of them rightly, at the least cost."
    return suggestion("approaches", "semantic, hybrid", why)
