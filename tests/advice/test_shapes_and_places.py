"""Outlines, thickness and crowding agree with geometry."""

from __future__ import annotations

import math

import numpy as np
import pytest

from segwise.advice.crowding import MIN_POINTS, NEAR_DIAMETERS, centers, clark_evans, crowding
from segwise.advice.outlines import outlines, thickness
from segwise.types import Objects
from tests.advice.shapes import SIZE, boxes, disc_mask


def of_masks(*masks: np.ndarray) -> Objects:
    return Objects.from_masks(list(masks), [1] * len(masks), [1.0] * len(masks), masks[0].shape)  # type: ignore[arg-type]


@pytest.mark.parametrize("diameter", [6, 7.5, 12, 25, 50])
def test_a_discs_thickness_is_its_diameter(diameter: float) -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(20):
        y, x = rng.uniform(29, 31, 2)
        things = of_masks(disc_mask(y, x, diameter))
        found.append(thickness(things.areas_px, outlines(things, 1.0).perimeter_px)[0])
    assert np.mean(found) == pytest.approx(diameter, rel=0.05)


def test_a_long_strip_is_about_twice_its_width_thick() -> None:
    things = boxes([(2, 20, 78, 26)])
    exact = 4 * 76 * 6 / (2 * (76 + 6))
    assert thickness(things.areas_px, outlines(things, 1.0).perimeter_px)[0] == pytest.approx(exact, rel=0.02)
    assert exact == pytest.approx(2 * 6, rel=0.1)


def test_a_hole_lengthens_the_outline() -> None:
    ring = disc_mask(30, 40, 40) & ~disc_mask(30, 40, 20)
    full, holed = outlines(of_masks(disc_mask(30, 40, 40)), 1.0), outlines(of_masks(ring), 1.0)
    assert holed.perimeter_px[0] - full.perimeter_px[0] == pytest.approx(math.pi * 20, rel=0.15)


def test_a_box_needs_four_clicks_and_a_disc_more_the_finer_it_is_drawn() -> None:
    assert outlines(boxes([(10, 10, 40, 30)]), 1.0).vertices.tolist() == [4]
    disc = of_masks(disc_mask(30, 40, 50))
    assert outlines(disc, 0.5).vertices[0] > outlines(disc, 3.0).vertices[0] >= 4


def test_centres_are_the_centroids_of_the_masks(rng: np.random.Generator) -> None:
    masks = rng.random((5, *SIZE)) > 0.7
    wanted = [(np.nonzero(mask)[1].mean(), np.nonzero(mask)[0].mean()) for mask in masks]
    assert centers(of_masks(*masks)) == pytest.approx(np.array(wanted))


def test_crowding_agrees_with_comparing_every_pair_of_a_class(rng: np.random.Generator) -> None:
    points, classes, sizes = rng.uniform(0, 100, (40, 2)), rng.integers(1, 3, 40), rng.uniform(4, 20, 40)
    found = crowding(classes, points, sizes)
    away = np.linalg.norm(points[:, None] - points, axis=2)
    away[(classes[:, None] != classes) | np.eye(40, dtype=bool)] = np.inf
    nearest = away.argmin(axis=1)
    assert found.nearest == pytest.approx(away.min(axis=1) / ((sizes + sizes[nearest]) / 2))
    assert found.neighbours.tolist() == (away <= NEAR_DIAMETERS * sizes[:, None]).sum(axis=1).tolist()


def test_an_object_alone_in_its_class_has_no_nearest() -> None:
    found = crowding(np.array([1, 2, 2]), np.array([[0.0, 0], [9, 9], [9, 12]]), np.array([3.0, 3, 3]))
    assert found.nearest.tolist() == [np.inf, 1, 1]


def test_random_points_are_neither_clustered_nor_even_and_a_grid_is_even() -> None:
    random = clark_evans(np.random.default_rng(3).uniform(0, 1000, (3000, 2)), 1e6)
    grid = clark_evans(np.stack(np.meshgrid(np.arange(20.0), np.arange(20.0)), axis=-1).reshape(-1, 2), 400)
    assert random == pytest.approx(1, abs=0.05)
    assert grid == pytest.approx(2, abs=0.01)
    assert math.isnan(clark_evans(np.zeros((MIN_POINTS - 1, 2)), 100))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)
