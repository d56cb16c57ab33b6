"""Zones are the pixels whose centres lie in the polygon, and neighbours share none."""

from __future__ import annotations

import numpy as np
import pytest
from shapely import contains_xy
from shapely.geometry import Polygon

from segwise.decision import zones
from segwise.types import Objects

SIZE = (37, 53)


def star(random: np.random.Generator, num: int) -> list[tuple[float, float]]:
    """A random simple polygon: corners by angle around the middle, in fractions."""
    angles, radii = np.sort(random.uniform(0, 2 * np.pi, num)), random.uniform(0.05, 0.5, num)
    return [(0.5 + r * np.cos(a), 0.5 + r * np.sin(a)) for a, r in zip(angles, radii, strict=True)]


@pytest.mark.parametrize("seed", range(30))
def test_the_pixels_of_a_zone_are_those_whose_centres_shapely_finds_inside(seed: int) -> None:
    random = np.random.default_rng(seed)
    corners = star(random, int(random.integers(3, 12)))
    height, width = SIZE
    y, x = np.mgrid[:height, :width] + 0.5
    expected = contains_xy(Polygon([(a * width, b * height) for a, b in corners]), x, y)
    assert np.array_equal(zones.polygon(corners, SIZE), expected)


@pytest.mark.parametrize("seed", range(10))
def test_zones_that_share_edges_hold_every_pixel_once(seed: int) -> None:
    random = np.random.default_rng(seed)
    size = (40, 60)  # centres fall on the edges at halves and quarters
    x, y = (random.choice([0.25, 0.5, 0.5125, random.random()]) for _ in range(2))
    around = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
    fans = {str(i): [around[i], around[(i + 1) % 4], (float(x), float(y))][:: random.choice([-1, 1])] for i in range(4)}
    assert np.all(np.sum(list(zones.masks(fans, size).values()), axis=0) == 1)


def test_a_half_and_the_whole_image_are_exact() -> None:
    half = [(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)]
    assert np.array_equal(zones.polygon(half, (4, 6)), np.arange(6)[None].repeat(4, 0) < 3)
    assert zones.polygon([(0, 0), (1, 0), (1, 1), (0, 1)], (4, 6)).all()
    assert list(zones.masks({}, (2, 3))) == [zones.WHOLE]


def test_a_centre_on_an_edge_belongs_to_one_side() -> None:
    halves = {
        "top": [(0.0, 0.0), (1.0, 0.0), (1.0, 0.5), (0.0, 0.5)],
        "bottom": [(0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0)],
        "left": [(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)],
        "right": [(0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)],
        "diamond": [(0.5, 0.0), (1.0, 0.5), (0.5, 1.0), (0.0, 0.5)],
    }
    found = zones.masks(halves, (5, 5))  # the middle row and column lie on edges
    assert np.array_equal(found["top"], ~found["bottom"])
    assert np.array_equal(found["left"], ~found["right"])
    assert found["diamond"].sum(axis=1).tolist() == [1, 3, 5, 3, 1]


def test_a_polygon_that_crosses_itself_holds_what_is_enclosed_an_odd_number_of_times() -> None:
    bow_tie = [(0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0)]
    inside = zones.polygon(bow_tie, (41, 41))
    assert inside[20, 3] and inside[20, 37] and not inside[3, 20] and not inside[37, 20]


def test_an_object_lies_where_its_centroid_lies() -> None:
    mask = np.zeros(SIZE, dtype=bool)
    mask[4:9, 10:20], mask[4:20, 10:12] = True, True  # an L: its centroid is off its box's middle
    rows, columns = zones.centers(Objects.from_masks([mask], [1], [1.0], SIZE))
    y, x = np.nonzero(mask)
    assert (rows[0], columns[0]) == (int(y.mean() + 0.5), int(x.mean() + 0.5))


def test_the_centre_of_two_pixels_is_in_the_same_one_wherever_they_lie() -> None:
    masks = np.zeros((2, *SIZE), dtype=bool)
    masks[0, 0, 2:4], masks[1, 0, 3:5] = True, True
    _, columns = zones.centers(Objects.from_masks(list(masks), [1, 1], [1.0, 1.0], SIZE))
    assert columns.tolist() == [3, 4]
