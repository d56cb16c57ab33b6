"""Deep images are read over one range, measured over the whole set."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from segwise.dataset.arrival import value_range
from segwise.dataset.images import decode_image


def png(values: np.ndarray) -> bytes:
    return bytes(cv2.imencode(".png", values)[1])


def test_the_range_is_that_of_all_images_together(tmp_path: Path) -> None:
    dim, bright = (np.full((50, 40), value, dtype=np.uint16) for value in (100, 3000))
    path = tmp_path / "dim.png"
    path.write_bytes(png(dim))
    assert value_range.measure([path, png(bright)]) == (100.0, 3000.0)


def test_a_hot_pixel_does_not_decide_the_range() -> None:
    values = np.random.default_rng(0).integers(200, 1200, (100, 100)).astype(np.uint16)
    values[5, 5] = 65535
    low, high = value_range.measure([png(values)])
    assert 200 <= low < 210
    assert 1190 < high <= 1200


def test_a_constant_set_has_a_range_that_can_be_divided_by() -> None:
    found = value_range.measure([png(np.full((9, 9), 700, dtype=np.uint16))])
    assert found == (700.0, 701.0)
    assert decode_image(png(np.full((9, 9), 700, dtype=np.uint16)), value_range=found).max() == 0


@pytest.mark.parametrize(("found", "is_outside"), [((0, 109), False), ((0, 111), True), ((-11, 100), True)])
def test_a_tenth_of_the_range_is_tolerated(found: tuple[float, float], is_outside: bool) -> None:
    assert value_range.outside((0, 100), found) is is_outside
