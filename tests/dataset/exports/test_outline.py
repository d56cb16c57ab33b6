"""Outlines run along the edges of pixels: every rasteriser of polygons gives the mask back."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image, ImageDraw

from segwise.dataset.exports import outline
from tests.dataset.exports.readers import rasterised

SIZE = (14, 15)
ANY_MASK = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=9)).filter(np.any)
PLACE = st.integers(0, 5)
fixed = settings(derandomize=True, deadline=None, max_examples=200, database=None)


def whole(crop: np.ndarray, x0: int, y0: int) -> np.ndarray:
    out = np.zeros(SIZE, dtype=bool)
    out[y0 : y0 + crop.shape[0], x0 : x0 + crop.shape[1]] = crop
    return out


@fixed
@given(ANY_MASK, PLACE, PLACE)
def test_parts_less_their_holes_are_the_mask_and_valid_polygons(crop: np.ndarray, x0: int, y0: int) -> None:
    found = outline.parts(crop, x0, y0)
    mask = np.zeros(SIZE, dtype=bool)
    for part in found:
        mask |= rasterised([part.outer], SIZE) & ~rasterised(part.holes, SIZE)
    np.testing.assert_array_equal(mask, whole(crop, x0, y0))
    shape = shapely.MultiPolygon([shapely.Polygon(p.outer, p.holes) for p in found])
    assert shape.is_valid, shapely.is_valid_reason(shape)
    assert shape.area == crop.sum()


@fixed
@given(ANY_MASK, PLACE, PLACE)
def test_one_joined_ring_gives_the_mask_too(crop: np.ndarray, x0: int, y0: int) -> None:
    ring, bridges = outline.joined(outline.parts(crop, x0, y0))
    np.testing.assert_array_equal(rasterised([ring], SIZE), whole(crop, x0, y0))
    assert len(bridges) == sum(1 + len(p.holes) for p in outline.parts(crop)) - 1


@fixed
@given(ANY_MASK)
def test_rings_turn_at_every_corner_and_never_touch_themselves(crop: np.ndarray) -> None:
    for part in outline.parts(crop):
        for ring, area_sign in [(part.outer, 1), *((hole, -1) for hole in part.holes)]:
            steps = np.roll(ring, -1, axis=0) - ring
            assert ((steps[:, 0] == 0) != (steps[:, 1] == 0)).all()
            assert ((steps[:, 0] == 0) != (np.roll(steps, 1, axis=0)[:, 0] == 0)).all()
            assert len(np.unique(ring, axis=0)) == len(ring)
            x, y = ring.T
            assert np.sign(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) == area_sign  # clockwise with y downwards


@fixed
@given(ANY_MASK, PLACE, PLACE)
def test_an_inset_outline_is_filled_alike_by_coco_opencv_and_pillow(crop: np.ndarray, x0: int, y0: int) -> None:
    for exact in outline.parts(crop, x0, y0):
        if not exact.holes:
            wanted = rasterised([exact.outer], SIZE)
            ring = outline.inset(exact).outer
            np.testing.assert_array_equal(rasterised([ring], SIZE), wanted)
            drawn = cv2.fillPoly(np.zeros(SIZE, dtype=np.uint8), [ring.astype(np.int32)], 1)  # as Ultralytics does
            np.testing.assert_array_equal(drawn.astype(bool), wanted)
            image = Image.new("1", SIZE[::-1])  # as labelme does
            ImageDraw.Draw(image).polygon([tuple(point) for point in ring.tolist()], outline=1, fill=1)
            np.testing.assert_array_equal(np.array(image), wanted)


@pytest.mark.parametrize(
    ("rows", "num_parts", "num_holes"),
    [
        (["##", "##"], 1, 0),
        (["#.", ".#"], 2, 0),
        ([".#", "#."], 2, 0),
        (["###", "#.#", "###"], 1, 1),
        (["###", "#.#", "##."], 1, 1),  # a hole that meets the outside at a corner is a hole
        (["####", "#.##", "##.#", "####"], 1, 2),
        (["#####", "#...#", "#.#.#", "#...#", "#####"], 2, 1),  # an island in a hole
        (["#####", "##..#", "#.#.#", "#..##", "#####"], 2, 1),  # an island that meets the hole at two corners
        (["#.#.#"], 3, 0),
    ],
)
def test_pixels_that_meet_at_a_corner_are_not_connected(rows: list[str], num_parts: int, num_holes: int) -> None:
    crop = np.array([[c == "#" for c in row] for row in rows])
    found = outline.parts(crop)
    assert (len(found), sum(len(p.holes) for p in found)) == (num_parts, num_holes)


def test_a_square_has_four_corners_from_the_upper_left_one_clockwise() -> None:
    (part,) = outline.parts(np.ones((3, 4), dtype=bool), x0=10, y0=20)
    assert part.outer.tolist() == [[10, 20], [14, 20], [14, 23], [10, 23]]
    assert part.holes == ()


@pytest.mark.parametrize("tolerance_px", [0.8, 2.0])
def test_a_simplified_outline_has_fewer_corners_and_stays_valid_and_near(tolerance_px: float) -> None:
    y, x = np.mgrid[:60, :60]
    away = np.hypot(y - 30, x - 30)
    crop = (away < 28) & (away > 12)
    (exact,), (simple,) = outline.parts(crop), outline.parts(crop, tolerance_px=tolerance_px)
    assert len(simple.outer) < len(exact.outer) / 2
    wanted, found = shapely.Polygon(exact.outer, exact.holes), shapely.Polygon(simple.outer, simple.holes)
    assert found.is_valid
    assert len(simple.holes) == 1
    assert shapely.hausdorff_distance(wanted.boundary, found.boundary) <= tolerance_px + 1e-9


@fixed
@given(ANY_MASK, st.sampled_from([0.5, 1.0, 3.0]))
def test_no_part_is_lost_by_simplifying(crop: np.ndarray, tolerance_px: float) -> None:
    exact, simple = outline.parts(crop), outline.parts(crop, tolerance_px=tolerance_px)
    assert [len(p.holes) for p in exact] == [len(p.holes) for p in simple]
    assert all(shapely.Polygon(p.outer, p.holes).is_valid for p in simple)
