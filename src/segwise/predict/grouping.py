"""Splitting a mask into objects: seeds, and the seed that each pixel belongs to. All in image pixels."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from segwise.predict.maps import Labels, Map, components


def peaks(heat: Map, mask: NDArray[np.uint8], threshold: float, radius_px: float) -> tuple[int, Labels]:
    """Seeds at the highest points of `heat` inside `mask`, none lower than `threshold`.

    Of two peaks nearer than `radius_px` the lower goes. Returns their number and a map int32 (H, W).
    """
    radius = max(1, round(radius_px))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    top = (heat >= cv2.dilate(heat, kernel)) & (heat >= threshold) & (mask > 0)
    return components(top.view(np.uint8))


def cores(distance: Map, mask: NDArray[np.uint8], threshold: float) -> tuple[int, Labels]:
    """Seeds where the distance to the object's border is at least `threshold`: an eroded core for each object."""
    return components(((distance >= threshold) & (mask > 0)).view(np.uint8))


def nearest(seeds: Labels) -> Labels:
    """The nearest seed of every pixel, int32 (H, W); all 0 where there is no seed."""
    is_seed = seeds > 0
    if not is_seed.any():
        return np.zeros_like(seeds)
    _, cell = cv2.distanceTransformWithLabels((~is_seed).view(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
    owner = np.zeros(int(cell.max()) + 1, dtype=np.int32)
    owner[cell[is_seed]] = seeds[is_seed]
    return np.asarray(owner[cell], dtype=np.int32)


def assign(
    mask: NDArray[np.uint8], seeds: Labels, num_seeds: int, shift: tuple[Map, Map] | None = None
) -> tuple[int, Labels]:
    """Give each pixel of `mask` to a seed of its own connected component.

    A pixel asks for the seed nearest to where it points (`shift`: dy, dx in pixels; without it, to itself).
    If that seed lies in another component, the one nearest to the pixel counts, then any of the component.
    A component without a seed becomes one object. Returns the number of labels and the map int32 (H, W).
    """
    num_components, component = components(mask)
    place = np.flatnonzero(mask)
    home = component.ravel()[place]
    seed_place = np.flatnonzero(seeds)
    seed_home = np.zeros(num_seeds + 1, dtype=np.int32)
    seed_home[seeds.ravel()[seed_place]] = component.ravel()[seed_place]
    some_seed = np.zeros(num_components + 1, dtype=np.int32)
    some_seed[seed_home[1:]] = np.arange(1, num_seeds + 1)
    seedless = np.flatnonzero(some_seed[1:] == 0) + 1
    some_seed[seedless] = num_seeds + 1 + np.arange(seedless.size)
    seed_home = np.concatenate([seed_home, seedless.astype(np.int32)])

    near = nearest(seeds).ravel()
    own = near[place]
    label = own if shift is None else near[_targets(place, mask.shape, shift)]
    label = np.where(seed_home[label] == home, label, own)
    label = np.where(seed_home[label] == home, label, some_seed[home])
    out = np.zeros(mask.size, dtype=np.int32)
    out[place] = label
    return num_seeds + seedless.size, out.reshape(mask.shape)


def _targets(place: NDArray[np.int64], size: tuple[int, ...], shift: tuple[Map, Map]) -> NDArray[np.int64]:
    height, width = size
    row, column = np.divmod(place, width)
    row = np.clip(np.rint(row + shift[0].ravel()[place]), 0, height - 1).astype(np.int64)
    column = np.clip(np.rint(column + shift[1].ravel()[place]), 0, width - 1).astype(np.int64)
    return row * width + column
