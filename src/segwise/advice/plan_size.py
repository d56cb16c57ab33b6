"""Planned sizes: zoom, crops, batch, tiles. Pure.

nnU-Net plans a target spacing from the median image and the largest patch that memory holds; it never looks at objects.
Here the zoom follows from the thinnest twentieth of the objects, the network's stride, and the gaps between neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from segwise.advice.entry import Entry, percent, pixels, suggestion
from segwise.dataset.params import ProfileParams

Facts = Mapping[str, Any]

DENSE_STRIDE = 2  # of the dense network's answer
INSTANCE_STRIDE = 4  # of the instance network's finest level
BORDER_ERROR = 0.5  # cells: how far an answer on a grid may put a border
MIN_IOU = 0.7  # what the grid alone must leave the small objects, so that the network's own errors fit above 0.5
MIN_BOX_CELLS = 3  # an anchor this wide overlaps its object by IoU > 0.5 however the object falls on the grid
MAX_CLOSED = 0.05  # share of the objects whose gap to a neighbour a zoom below 1 may close
ZOOM_STEP = 0.25
ZOOM_JITTER = 1.3  # training draws zooms within this factor (`augment.zoom_jitter`)
CELL = 32  # network pixels: crops are a multiple
MIN_CROP = 8 * CELL
MIN_BATCH, MAX_BATCH = 4, 32  # batch normalisation needs a few crops


def size_entries(facts: Facts, params: ProfileParams) -> list[Entry]:
    """The entries that follow from sizes; fewer where nothing is countable."""
    if not facts["num_objects"]:
        return [suggestion("zoom", 1.0, "No class is countable, so no object's size asks for another zoom.")]
    dense, dense_why = dense_zoom(facts, params)
    instance, instance_why = instance_zoom(facts, params)
    return [
        Entry("train.dense.zoom", dense, dense_why),
        *crop_entries("dense", dense, facts, params),
        Entry("train.instance.zoom", instance, instance_why),
        *crop_entries("instance", instance, facts, params),
        reading("semantic", dense, params),
        reading("hybrid", dense, params),
        reading("instance", instance, params),
        tiles(max(dense, instance), facts, params),
    ]


def grid_iou(thickness_px: float, zoom: float) -> float:
    """The IoU that a border half a cell off leaves an object of this thickness: 1 − error · perimeter / area."""
    return max(1 - 4 * BORDER_ERROR * DENSE_STRIDE / zoom / thickness_px, 0.0)


def closed_gaps(facts: Facts, zoom: float) -> float:
    """Share of all objects whose gap to the next of their class is narrower than one cell of the dense answer."""
    width, bins = DENSE_STRIDE / zoom, facts["contact"]["gap_histogram"]
    return float(sum(n for i, n in enumerate(bins) if (i + 1) * 0.25 <= width) / facts["num_objects"])


def dense_zoom(facts: Facts, params: ProfileParams) -> tuple[float, str]:
    """The zoom of the dense network and the sentence for it."""
    thin = facts["sizes"]["thickness_px"]["q05"]
    wanted = 4 * BORDER_ERROR * DENSE_STRIDE / (1 - MIN_IOU) / thin
    zoom, held = _within(wanted, facts, params)
    why = f"One object in twenty is thinner than {pixels(thin)}; a border half a cell of stride {DENSE_STRIDE} off "
    why += f"leaves it IoU {grid_iou(thin, zoom):.2f} at zoom {zoom:g}"
    why += f" ({grid_iou(thin, 1):.2f} at zoom 1)" if zoom != 1 else ""
    why += f", and about {MIN_IOU:g} is wanted{held}"
    kept = zoom
    while kept < min(1.0, params.max_zoom) and closed_gaps(facts, kept) - closed_gaps(facts, 1) > MAX_CLOSED:
        kept = min(kept + ZOOM_STEP, params.max_zoom)
    if kept > zoom:
        lost = closed_gaps(facts, zoom) - closed_gaps(facts, 1)
        why += f"; that zoom would close the gap beside {percent(lost)} of the objects, so it is {kept:g}"
    return kept, f"{why}; a pass costs {kept * kept:.2g} times that of zoom 1."


def instance_zoom(facts: Facts, params: ProfileParams) -> tuple[float, str]:
    """The zoom of the instance network and the sentence for it: its masks scale with the box, so boxes decide."""
    small = facts["sizes"]["box_side_px"]["q05"]
    zoom, held = _within(MIN_BOX_CELLS * INSTANCE_STRIDE / small, facts, params)
    cells = small * zoom / INSTANCE_STRIDE
    why = f"One box in twenty is smaller than {pixels(small)}, {cells:.1f} cells of the finest level (stride "
    why += f"{INSTANCE_STRIDE}) at zoom {zoom:g}, and about {MIN_BOX_CELLS} are wanted to find it wherever it falls"
    return zoom, f"{why}{held}."


def _within(wanted: float, facts: Facts, params: ProfileParams) -> tuple[float, str]:
    """The zoom nearest to what small objects want, and what holds it back.

    Where a crop at that zoom could not show 19 of 20 objects whole, small and long objects want different zooms: the
    geometric mean of the two.
    """
    long = facts["sizes"]["box_long_px"]["q95"]
    allowed, asked = largest_crop(params) / long, min(wanted, params.max_zoom)
    if allowed < asked:
        words = f"; small objects alone would want {asked:.2g}, but one in twenty is longer than {pixels(long)}, "
        words += f"and the largest crop within `profile.step_pixels` shows it whole at {allowed:.2g}: this is between"
        return _stepped(math.sqrt(asked * allowed), params), words
    zoom = _stepped(wanted, params)
    if abs(wanted - zoom) > ZOOM_STEP:
        return zoom, f"; {wanted:.2g} would do, `profile.{'min' if zoom > wanted else 'max'}_zoom` holds it"
    return zoom, ""


def largest_crop(params: ProfileParams) -> int:
    """The side of the largest crop of which a step holds MIN_BATCH, network pixels."""
    return max(int(math.sqrt(params.step_pixels / MIN_BATCH)) // CELL * CELL, CELL)


def crop_entries(network: str, zoom: float, facts: Facts, params: ProfileParams) -> list[Entry]:
    """Crop side and batch of a network: twice the longest objects, within the image and the machine."""
    longest = facts["sizes"]["box_long_px"]["q95"] * zoom
    image = _up(facts["sizes"]["image_long_px"]["q100"] * zoom)
    wanted = max(_up(2 * longest), MIN_CROP)
    held = largest_crop(params)
    side = min(wanted, image, held)
    batch = max(min(params.step_pixels // side**2, MAX_BATCH), 1)
    why = f"19 of 20 objects are at most {longest:.0f} network pixels long at zoom {zoom:g}"
    if side == held < min(wanted, image):
        why += f"; twice that, {wanted}, is more than `profile.step_pixels` holds {MIN_BATCH} times"
    elif side == image < wanted:
        why += f", and no image is longer than {image}"
    else:
        why += ", so that a crop shows them whole with their surroundings"
    return [
        Entry(f"train.{network}.crop_px", side, f"{why}."),
        Entry(
            f"train.{network}.batch_size",
            batch,
            f"{batch} crops of {side} × {side} are {batch * side**2:,} pixels of the {params.step_pixels:,} that "
            f"`profile.step_pixels` says a step may hold.",
        ),
    ]


def reading(approach: str, zoom: float, params: ProfileParams) -> Entry:
    """The zooms worth trying on validation beside the trained one."""
    zooms = sorted({_stepped(value, params) for value in (zoom / ZOOM_JITTER, zoom, zoom * ZOOM_JITTER)})
    why = f"Training at zoom {zoom:g} draws zooms within a factor of {ZOOM_JITTER:g}, so the network knows these; "
    return Entry(f"calibrate.{approach}.zooms", zooms, f"{why}validation picks the cheapest that is as good.")


def tiles(zoom: float, facts: Facts, params: ProfileParams) -> Entry:
    """Whether to cut images into tiles, and how far those must overlap."""
    longest, large = facts["sizes"]["image_long_px"]["q100"], facts["sizes"]["box_long_px"]["q99"]
    size = f"The longest image is {longest:.0f} px, {longest * zoom:.0f} network pixels at zoom {zoom:g}"
    if longest * zoom <= params.max_network_px:
        return suggestion("tiles", "none", f"{size}: within the {params.max_network_px} of `profile.max_network_px`.")
    side, overlap = int(params.max_network_px / zoom) // CELL * CELL, _up(large)
    if overlap > side / 2:
        why = f"{size}, and objects of {large:.0f} px are too long for tiles of {side} px: lower the zoom instead."
        return suggestion("tiles", {"tile_px": side, "overlap_px": side // 2}, why)
    why = f"{size}; 99 % of the objects are at most {large:.0f} px long: an overlap of {overlap} px shows them whole."
    return suggestion("tiles", {"tile_px": side, "overlap_px": overlap}, why)


def _stepped(zoom: float, params: ProfileParams) -> float:
    """To the next quarter, within the limits of `profile`."""
    return float(min(max(round(zoom / ZOOM_STEP) * ZOOM_STEP, params.min_zoom), params.max_zoom))


def _up(length: float) -> int:
    return CELL * math.ceil(length / CELL)
