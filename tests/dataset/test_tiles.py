"""Tiles of one picture are recognised by their edges; pictures that were never together are not."""

from __future__ import annotations

import numpy as np
import pytest

from segwise.dataset.similarity import tiles
from segwise.types import Image
from tests.dataset.textures import quarters, texture
from tests.factory import draw_discs, paint_pixels

SEAMS = {(0, 1, 0), (2, 3, 0), (0, 2, 1), (1, 3, 1)}  # of four quarters: first, second, axis


def found(images: list[Image]) -> set[tuple[int, int, int]]:
    return {(s.first, s.second, s.axis) for s in tiles.tiling([tiles.edges(image) for image in images]).seams}


def test_the_seams_of_cut_pictures_are_found_and_no_others() -> None:
    images = [tile for seed in range(6) for tile in quarters(texture(seed))]
    assert found(images) == {(4 * k + a, 4 * k + b, axis) for k in range(6) for a, b, axis in SEAMS}


def test_the_order_of_the_tiles_does_not_matter() -> None:
    images = [tile for seed in range(3) for tile in quarters(texture(seed))]
    order = np.random.default_rng(1).permutation(len(images)).tolist()
    shuffled = {(order[a], order[b], axis) for a, b, axis in found([images[k] for k in order])}
    assert shuffled == found(images)


def test_grey_tiles_and_tiles_of_other_sizes_are_found_beside_each_other() -> None:
    grey = np.repeat(texture(7, (128, 200))[..., :1], 3, axis=2)
    left, right = np.ascontiguousarray(grey[:, :80]), np.ascontiguousarray(grey[:, 80:])
    others = [texture(seed, (128, 90)) for seed in range(20, 28)]
    assert found([right, *others, left]) == {(9, 0, 0)}


@pytest.mark.parametrize("grain_px", [4, 16, 64])
def test_pictures_that_were_never_together_have_no_seams(grain_px: int) -> None:
    assert found([texture(seed, grain_px=grain_px) for seed in range(60)]) == set()


def test_objects_on_a_plain_ground_that_meet_at_an_edge_by_chance_make_no_seam() -> None:
    rngs = [np.random.default_rng(seed) for seed in range(60)]
    assert found([paint_pixels(draw_discs(rng, (96, 96)), "fluorescence", rng) for rng in rngs]) == set()


def test_plain_images_and_images_one_pixel_wide_have_no_seams() -> None:
    images = [np.full((20, 30, 3), grey, np.uint8) for grey in (0, 0, 200, 201)]
    images += [np.zeros((20, 1, 3), np.uint8), np.full((1, 1, 3), 9, np.uint8)]
    assert found(images) == set()
    assert tiles.tiling([]).seams == ()


def test_a_shifted_edge_is_no_seam() -> None:
    whole = texture(3, (160, 200))
    left, right = whole[:150, :100], whole[4:154, 100:]
    assert found([np.ascontiguousarray(image) for image in (left, right)]) == set()
    assert found([np.ascontiguousarray(image) for image in (whole[:150, :100], whole[:150, 100:])]) == {(0, 1, 0)}


def test_the_share_of_cuts_that_would_be_found_is_high_where_edges_say_much_and_low_where_they_say_little() -> None:
    rich = tiles.tiling([tiles.edges(texture(seed)) for seed in range(20)])
    plain = tiles.tiling([tiles.edges(texture(seed, grain_px=400, noise=12)) for seed in range(20)])
    assert rich.recall > 0.95
    assert plain.recall < 0.5


def test_a_seam_is_measured_as_by_hand() -> None:
    lines = np.random.default_rng(0).integers(0, 255, (4, 50, 3), dtype=np.uint8)
    before, last, first, after = lines.astype(float)
    beside = (((last - before) ** 2).mean() + ((after - first) ** 2).mean()) / 2 + 1 / 6
    step, correlation, sharpness = tiles.seam(lines)
    assert step == pytest.approx(((first - last) ** 2).mean() / beside, rel=1e-5)
    assert correlation == pytest.approx(np.corrcoef(first.ravel(), last.ravel())[0, 1], abs=1e-5)
    shifted = [
        ((last[max(k, 0) : 50 + min(k, 0)] - first[max(-k, 0) : 50 - max(k, 0)]) ** 2).mean() for k in range(-6, 7)
    ]
    assert sharpness == pytest.approx(min(np.delete(shifted, 6)) / shifted[6], rel=1e-4)
