"""What is measured on pixels: noise, sharpness, colour, and the kinds that attributes name."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from segwise.advice.colour import chroma, told_by_colour
from segwise.advice.kinds import omega_squared
from segwise.advice.pixels import is_grey, look, noise, sharpness
from tests.advice.shapes import SIZE, box_mask, boxes


def picture(seed: int = 0) -> NDArray[np.uint8]:
    """A smooth grey pattern, uint8 (H, W)."""
    rough = np.random.default_rng(seed).uniform(40, 200, (200, 300)).astype(np.float32)
    smooth = cv2.GaussianBlur(rough, (0, 0), 1.5)
    stretched = cv2.normalize(smooth, np.empty_like(smooth), 40, 200, cv2.NORM_MINMAX)
    return np.asarray(stretched, dtype=np.uint8)


@pytest.mark.parametrize("sigma", [2.0, 6.0, 12.0])
def test_the_noise_that_was_added_is_found(sigma: float) -> None:
    flat = np.full((300, 300), 120.0)
    grey = np.rint(flat + np.random.default_rng(0).normal(0, sigma, flat.shape)).astype(np.uint8)
    assert noise(grey) == pytest.approx(sigma, rel=0.05)


def test_blur_lowers_sharpness_and_contrast_leaves_it() -> None:
    grey = picture()
    dimmed = np.rint(grey * 0.5).astype(np.uint8)
    assert sharpness(np.asarray(cv2.GaussianBlur(grey, (0, 0), 3), dtype=np.uint8)) < 0.7 * sharpness(grey)
    assert sharpness(dimmed) == pytest.approx(sharpness(grey), rel=0.1)
    assert sharpness(np.full((20, 20), 9, dtype=np.uint8)) == 0


def test_a_look_says_by_how_much_objects_are_brighter_than_unlabelled_pixels() -> None:
    inside = box_mask((10, 10, 30, 30))
    grey = np.where(inside, 150, 40).astype(np.uint8)
    grey[:, :40:2] += 2
    found = look(np.repeat(grey[..., None], 3, axis=2), grey, inside, ~inside)
    assert found.object_contrast == pytest.approx(grey[inside].mean() - grey[~inside].mean())
    assert found.background_spread == pytest.approx(grey[~inside].std())
    assert found.levels == 4 and found.is_grey
    nothing = look(np.repeat(grey[..., None], 3, axis=2), grey, np.zeros(SIZE, dtype=bool), ~inside)
    assert math.isnan(nothing.object_contrast)


def test_a_grey_picture_stays_grey_through_jpeg_and_a_coloured_one_does_not() -> None:
    grey = np.repeat(picture()[..., None], 3, axis=2)
    packed = cv2.imdecode(cv2.imencode(".jpg", grey)[1], cv2.IMREAD_COLOR)
    tinted = grey.copy()
    tinted[..., 0] += 6
    assert is_grey(np.asarray(packed, dtype=np.uint8)) and not is_grey(tinted)


def test_chroma_is_an_objects_colour_without_its_light() -> None:
    image = np.zeros((*SIZE, 3), dtype=np.uint8)
    image[10:20, 10:20], image[30:40, 10:20] = (200, 200, 200), (180, 40, 40)
    image[30:40, 30:40] = (90, 20, 20)
    grey, red, dark_red = chroma(image, boxes([(10, 10, 20, 20), (10, 30, 20, 40), (30, 30, 40, 40)]))
    assert np.abs(grey).max() < 2
    assert red[0] > 30 and dark_red[0] > 15


def test_classes_of_own_colours_are_told_by_them_and_others_are_not() -> None:
    rng = np.random.default_rng(0)
    ids, groups = np.repeat([1, 2, 3], 100), np.tile(np.arange(20), 15)
    apart = np.array([[0, 0], [40, 0], [0, 40]])[ids - 1] + rng.normal(0, 3, (300, 2))
    assert told_by_colour(apart, ids, groups) == 1
    assert told_by_colour(rng.normal(0, 3, (300, 2)), ids, groups) < 0.15
    assert math.isnan(told_by_colour(apart[:100], ids[:100], groups[:100]))


def test_omega_squared_agrees_with_the_f_statistic() -> None:
    from scipy.stats import f_oneway

    rng = np.random.default_rng(1)
    parts = [rng.normal(mean, 1, size) for mean, size in ((0, 30), (1, 20), (2.5, 25))]
    numbers = np.concatenate([*parts, [np.nan]])
    values = ["a"] * 30 + ["b"] * 20 + ["c"] * 25 + ["a"]
    f = float(f_oneway(*parts).statistic)
    assert omega_squared(numbers, values) == pytest.approx(2 * (f - 1) / (2 * (f - 1) + 75))


def test_an_attribute_that_says_nothing_explains_nothing_however_many_values_it_has() -> None:
    rng = np.random.default_rng(2)
    shares = [omega_squared(rng.normal(size=200), [str(v) for v in rng.integers(0, 40, 200)]) for _ in range(50)]
    assert np.mean(shares) < 0.05
    assert omega_squared(rng.normal(size=5), list("abcde")) == 0
