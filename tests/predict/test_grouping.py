from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt

from segwise.predict.grouping import assign, nearest, peaks


def test_the_nearest_seed_is_the_euclidean_one_up_to_the_masks_error() -> None:
    random = np.random.default_rng(0)
    seeds = np.zeros((60, 70), dtype=np.int32)
    for index in range(1, 9):
        seeds[random.integers(60), random.integers(70)] = index
    _, (rows, columns) = distance_transform_edt(seeds == 0, return_indices=True)
    assert np.mean(nearest(seeds) == seeds[rows, columns]) > 0.95


def test_of_two_peaks_within_the_radius_the_higher_stays() -> None:
    heat = np.zeros((20, 30), dtype=np.float32)
    heat[10, 10], heat[10, 12], heat[10, 25] = 0.9, 0.8, 0.7
    count, seeds = peaks(heat, np.ones_like(heat, dtype=np.uint8), 0.2, 4)
    assert count == 2
    assert seeds[10, 12] == 0 < seeds[10, 10]


def test_every_pixel_of_the_mask_gets_a_seed_of_its_own_component() -> None:
    mask = np.zeros((20, 40), dtype=np.uint8)
    mask[2:18, 2:18], mask[2:18, 22:38] = 1, 1
    seeds = np.zeros(mask.shape, dtype=np.int32)
    seeds[10, 4], seeds[10, 16] = 1, 2  # the right component has none, and its pixels point into the left one
    away = np.full(mask.shape, -20, dtype=np.float32)
    count, labels = assign(mask, seeds, 2, (np.zeros_like(away), away))
    assert count == 3
    assert np.array_equal(labels > 0, mask > 0)
    assert set(np.unique(labels[:, 22:38])) == {0, 3}


def test_pixels_follow_their_offsets_rather_than_the_nearest_seed() -> None:
    mask = np.ones((10, 30), dtype=np.uint8)
    seeds = np.zeros(mask.shape, dtype=np.int32)
    seeds[5, 5], seeds[5, 25] = 1, 2
    dx = np.broadcast_to(np.where(np.arange(30) < 20, 5 - np.arange(30), 25 - np.arange(30)), mask.shape).astype(
        np.float32
    )
    _, labels = assign(mask, seeds, 2, (np.zeros_like(dx), dx))
    assert np.array_equal(labels, np.where(np.arange(30)[None] < 20, 1, 2) * np.ones((10, 1), dtype=int))
