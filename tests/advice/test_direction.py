"""Directions are found where there are some, and only there."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import ttest_1samp

from segwise.advice.direction import MIN_GROUPS, edges, examine, places, safe_moves, tallness
from tests.advice.shapes import boxes

Figures = dict[tuple[str, str], NDArray[np.float64]]


def figures(down: float = 0.0, tall: float = 0.0, right: float = 0.0, count: int = 40) -> Figures:
    rng = np.random.default_rng(0)
    spread = {("down", "street"): 0.05, ("right", "street"): 0.05, ("tall", "objects"): 0.2, ("edges", "images"): 0.1}
    means = {("down", "street"): down, ("right", "street"): right, ("tall", "objects"): tall, ("edges", "images"): 0.0}
    out = {}
    for key, sigma in spread.items():
        noise = rng.normal(0, sigma, count)
        out[key] = means[key] + noise - noise.mean()
    return out


def groups(count: int = 40) -> list[str]:
    return [f"g{i}" for i in range(count)]


def test_figures_around_zero_leave_every_move_safe() -> None:
    found = examine(figures(), groups())
    assert not any(t.counts for t in found)
    assert all(safe_moves(found).values())


def test_a_class_that_lies_low_forbids_upside_down_and_quarter_turns_but_not_mirrors() -> None:
    found = examine(figures(down=0.3), groups())
    assert [t.of for t in found if t.counts] == ["street"]
    assert safe_moves(found) == {"left-right": True, "up-down": False, "quarter-turn": False}


def test_tall_objects_forbid_only_the_quarter_turn() -> None:
    assert safe_moves(examine(figures(tall=0.4), groups())) == {
        "left-right": True,
        "up-down": True,
        "quarter-turn": False,
    }


def test_a_certain_but_small_direction_does_not_count() -> None:
    found = {t.name: t for t in examine(figures(right=0.04), groups())}
    assert found["right"].p < 0.01
    assert not found["right"].counts


def test_images_of_one_group_count_once() -> None:
    values = figures(down=0.3)
    few = [f"g{i % (MIN_GROUPS - 1)}" for i in range(40)]
    found = examine(values, few)
    assert {t.num_groups for t in found} == {MIN_GROUPS - 1}
    assert not any(t.counts for t in found)


def test_the_probability_is_students_corrected_for_the_number_of_tests() -> None:
    values = figures(down=0.03, tall=0.05)
    found = {(t.name, t.of): t.p for t in examine(values, groups())}
    plain = {key: float(ttest_1samp(own, 0).pvalue) for key, own in values.items()}
    worst = 0.0
    for rank, key in enumerate(sorted(plain, key=plain.__getitem__)):
        worst = max(worst, min(plain[key] * (len(plain) - rank), 1.0))
        assert found[key] == pytest.approx(worst)


def test_a_figure_that_no_image_has_counts_as_nothing() -> None:
    (found,) = examine({("down", "none"): np.full(10, np.nan)}, groups(10))
    assert (found.num_groups, found.p, found.counts) == (0, 1.0, False)


def test_edges_tell_upright_from_level_lines_and_sides_from_diagonals() -> None:
    stripes = np.tile(np.where(np.arange(120) % 12 < 6, 30, 200).astype(np.uint8), (120, 1))
    rows, columns = np.mgrid[:120, :120]
    slanted = np.where((rows + columns) % 16 < 8, 30, 200).astype(np.uint8)
    noise = np.random.default_rng(0).integers(0, 255, (200, 200)).astype(np.uint8)
    upright, straight = edges(stripes)
    assert upright > 0.95 and straight > 0.95
    assert edges(np.ascontiguousarray(stripes.T))[0] == pytest.approx(-upright)
    assert edges(slanted)[1] < -0.8
    assert np.abs(edges(noise)).max() < 0.05
    assert edges(np.zeros((20, 20), dtype=np.uint8)) == (0, 0)


def test_tallness_leaves_out_objects_cut_by_the_border() -> None:
    assert tallness(boxes([(10, 10, 20, 30), (0, 10, 79, 12)])) == pytest.approx(1.0)
    assert np.isnan(tallness(boxes([(0, 0, 5, 9)])))


def test_places_are_the_middles_of_classes_against_the_middle_of_the_image() -> None:
    labels = np.zeros((40, 80), dtype=np.uint8)
    labels[30:40] = 1
    labels[:, 60:80][:30] = 2
    found = places(labels, [1, 2, 3])
    assert found[1] == pytest.approx((0, 0.375))
    assert found[2] == pytest.approx((0.375, -0.125))
    assert 3 not in found
