from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from segwise.advice.ceilings.basins import basins
from tests.advice.ceilings.sets import box, disc


def blobs(seed: int) -> np.ndarray:
    noise = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=(80, 90)).astype(np.float32), (0, 0), 3)
    return (noise > 0).astype(np.uint8)


@pytest.mark.parametrize("seed", range(5))
def test_the_parts_of_no_cut_are_the_connected_components(seed: int) -> None:
    mask = blobs(seed)
    count, parts = basins(mask, 1.0).cut(0)
    expected, labels = cv2.connectedComponents(mask, connectivity=8)
    assert count == expected - 1
    assert len(np.unique(np.stack([parts, labels]).reshape(2, -1), axis=1).T) == expected


@pytest.mark.parametrize("seed", range(5))
def test_every_pixel_of_the_mask_is_in_a_part_and_a_wider_neck_only_cuts_parts_further(seed: int) -> None:
    mask = blobs(seed)
    found, last = basins(mask, 0.5), np.zeros(mask.shape, dtype=np.int32)
    last[mask > 0] = 1
    for neck in (0.0, 0.3, 0.6, 0.9, 1.0, 1.1):
        count, parts = found.cut(neck)
        assert np.array_equal(parts > 0, mask > 0)
        assert np.array_equal(np.unique(parts[mask > 0]), np.arange(1, count + 1))
        inside = np.unique(np.stack([parts[mask > 0], last[mask > 0]]), axis=1)
        assert inside.shape[1] == count or neck == 0  # each part lies in one part of the narrower neck
        last = parts


@pytest.mark.parametrize("scale", [1, 3])
@pytest.mark.parametrize("apart", [1.2, 1.6, 1.9])
def test_the_neck_of_two_equal_discs_is_their_common_chord_over_their_diameter(scale: int, apart: float) -> None:
    radius, size = 20 * scale, (60 * scale, 120 * scale)
    away = apart * radius / 2
    mask = disc(30 * scale, 60 * scale - away, radius, size) | disc(30 * scale, 60 * scale + away, radius, size)
    expected = math.sqrt(radius**2 - away**2) / radius  # half the chord over the radius
    found = basins(mask.astype(np.uint8), 1.0)
    assert found.cut(expected - 0.08)[0] == 1
    assert found.cut(expected + 0.08)[0] == 2


def test_a_neck_is_measured_against_the_smaller_side() -> None:
    mask = disc(60, 40, 36, (120, 160)) | box(70, 57, 130, 63, (120, 160)) | disc(60, 130, 10, (120, 160))
    found = basins(mask.astype(np.uint8), 1.0)  # a bridge 6 pixels wide: 0.3 of the small disc, 0.08 of the large one
    assert found.cut(0.2)[0] == 1
    assert found.cut(0.45)[0] == 2


def test_an_object_cut_by_the_images_edge_has_no_neck_there() -> None:
    mask = box(0, 0, 30, 30, (30, 30)).astype(np.uint8)
    assert basins(mask, 1.0).cut(0.9)[0] == 1


def test_an_empty_mask_has_no_parts() -> None:
    count, parts = basins(np.zeros((8, 9), dtype=np.uint8), 1.0).cut(0.5)
    assert count == 0
    assert parts.shape == (8, 9) and not parts.any()
