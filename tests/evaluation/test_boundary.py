from __future__ import annotations

import numpy as np
import pytest

from segwise.evaluation.boundary import boundary_counts, boundary_f, mean_boundary_f
from segwise.types import IGNORE_INDEX


def blobs(seed: int, num_classes: int, size: tuple[int, int] = (60, 80)) -> np.ndarray:
    """A class map of a few filled circles."""
    random = np.random.default_rng(seed)
    rows, columns = np.indices(size)
    out = np.zeros(size, np.uint8)
    for _ in range(8):
        y, x, radius = random.integers(0, size[0]), random.integers(0, size[1]), random.integers(4, 14)
        out[(rows - y) ** 2 + (columns - x) ** 2 < radius**2] = random.integers(1, num_classes + 1)
    return out


def reference(truth: np.ndarray, predicted: np.ndarray, class_id: int, radius_px: float) -> float:
    """F by eroded masks and all distances between their boundaries."""
    from scipy.ndimage import binary_erosion

    masks = (predicted == class_id, truth == class_id)
    found, there = (np.argwhere(mask & ~binary_erosion(mask, border_value=1)) for mask in masks)
    distance = np.linalg.norm(found[:, None] - there[None, :], axis=2)
    precision, recall = ((distance.min(axis=axis) <= radius_px).mean() for axis in (1, 0))
    return 2 * precision * recall / (precision + recall)


@pytest.mark.parametrize("tolerance", [0.0001, 0.02, 0.05])
@pytest.mark.parametrize("seed", range(4))
def test_boundary_f_agrees_with_all_distances_between_the_boundaries(seed: int, tolerance: float) -> None:
    truth, predicted = blobs(seed, 3), np.roll(blobs(seed, 3), (1, 2), (0, 1))
    predicted[blobs(seed + 50, 1) > 0] = 2
    f = boundary_f(boundary_counts(truth, predicted, 3, tolerance))
    for class_id in set(np.unique(truth)) & set(np.unique(predicted)) - {0}:
        expected = reference(truth, predicted, class_id, max(1.0, tolerance * 100))  # the diagonal of 60 × 80 is 100
        assert f[class_id - 1] == pytest.approx(expected, abs=1e-9)


def test_the_ids_of_classes_do_not_matter() -> None:
    """Detectron2's boundary IoU erodes the map of ids, so that of two touching classes one loses its boundary."""
    truth, predicted = np.zeros((40, 40), np.uint8), np.zeros((40, 40), np.uint8)
    truth[5:35, 5:20], truth[5:35, 20:35] = 1, 2
    predicted[5:35, 5:26], predicted[5:35, 26:35] = 1, 2
    counts = boundary_counts(truth, predicted, 2)
    swapped = boundary_counts((3 - truth) * (truth > 0), (3 - predicted) * (predicted > 0), 2)
    assert np.array_equal(counts, swapped[:, ::-1])
    assert counts[2].tolist() == [86, 86]  # each rectangle of 30 × 15 has both of its short sides and the common line


def test_a_shift_within_the_tolerance_is_no_error_and_beyond_it_is_one() -> None:
    truth = np.zeros((60, 80), np.uint8)
    truth[20:40, 20:50] = 1
    within, beyond = np.roll(truth, 3, axis=1), np.roll(truth, 8, axis=1)
    assert mean_boundary_f(boundary_counts(truth, within, 1, 0.03)) == 1.0
    assert mean_boundary_f(boundary_counts(truth, beyond, 1, 0.03)) < 0.8


def test_ignored_pixels_have_no_boundary_and_make_none() -> None:
    truth, predicted = np.zeros((30, 30), np.uint8), np.zeros((30, 30), np.uint8)
    truth[:, 10:], predicted[:, 10:] = 1, 1
    truth[:, 20:] = IGNORE_INDEX
    predicted[5:10, 22:28] = 0
    counts = boundary_counts(truth, predicted, 1)
    assert counts[:, 0].tolist() == [30, 30, 30, 30]


def test_a_class_in_neither_map_is_undefined_and_one_in_a_single_map_is_zero() -> None:
    truth, predicted = np.zeros((20, 20), np.uint8), np.zeros((20, 20), np.uint8)
    truth[5:10, 5:10], predicted[5:10, 5:10] = 1, 2
    f = boundary_f(boundary_counts(truth, predicted, 3))
    assert f[:2].tolist() == [0.0, 0.0]
    assert np.isnan(f[2])
    assert mean_boundary_f(boundary_counts(truth, predicted, 3)) == 0.0
