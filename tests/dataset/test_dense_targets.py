from __future__ import annotations

import numpy as np
from scipy import ndimage

from segwise.dataset.dense_targets import dense_targets
from tests.factory import draw_discs


def test_offsets_lead_from_every_object_pixel_to_its_objects_centroid() -> None:
    labels = draw_discs(np.random.default_rng(3))
    found = dense_targets(labels)
    small = labels[::2, ::2]
    rows, columns = (np.arange(n) * 2 + 0.5 for n in small.shape)
    for value in range(1, labels.max() + 1):
        row, column = ndimage.center_of_mass(labels == value)
        here = small == value
        np.testing.assert_allclose((found["offset"][0] + rows[:, None])[here], row, atol=1e-3)
        np.testing.assert_allclose((found["offset"][1] + columns[None])[here], column, atol=1e-3)
    assert not found["offset"][:, small == 0].any()


def test_the_radius_is_that_of_a_disc_of_the_objects_area() -> None:
    labels = np.zeros((64, 64), dtype=np.int32)
    labels[8:24, 8:40] = 3
    radius = dense_targets(labels)["radius"][0]
    np.testing.assert_allclose(radius[4:12, 4:20], np.sqrt(16 * 32 / np.pi), rtol=1e-6)
    assert np.count_nonzero(radius) == 8 * 16


def test_distance_falls_from_the_middle_of_each_object_to_its_border_even_where_two_touch() -> None:
    labels = np.zeros((32, 64), dtype=np.int32)
    labels[8:24, 8:24], labels[8:24, 24:40] = 1, 2
    distance = dense_targets(labels)["distance"][0]
    assert distance.max() == 1
    assert distance[8, 11:13].max() < 0.2  # both sides of the seam
    assert distance[8, 8] > 0.8
    assert not distance[:, 20:].any()


def test_each_object_has_one_peak_inside_it() -> None:
    ring = np.zeros((64, 64), dtype=np.int32)
    rows, columns = np.mgrid[:64, :64]
    radius = np.hypot(rows - 31.5, columns - 31.5)
    ring[(radius < 28) & (radius > 20)] = 5  # its centroid lies in the hole
    found = dense_targets(ring)
    peak = np.unravel_index(found["center"][0].argmax(), found["center"][0].shape)
    assert ring[::2, ::2][peak] == 5
    assert found["center"].max() > 0.9


def test_a_crop_without_objects_gives_maps_of_nothing() -> None:
    found = dense_targets(np.zeros((32, 32), dtype=np.int32))
    assert {name: value.shape for name, value in found.items()} == {
        **dict.fromkeys(("thing", "radius", "center", "distance"), (1, 16, 16)),
        "offset": (2, 16, 16),
    }
    assert not any(value.any() for value in found.values())
    assert all(value.dtype == np.float32 for value in found.values())
