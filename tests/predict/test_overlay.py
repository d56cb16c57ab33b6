from __future__ import annotations

import io

import numpy as np
import PIL.Image
import pytest

from segwise.predict.overlay import draw, png
from segwise.types import ClassInfo, Prediction
from tests.predict.synthetic import discs, label_map

CLASSES = (ClassInfo(1, "cell", True),)


@pytest.mark.parametrize("scale", [1, 2])
def test_only_objects_and_their_outlines_are_tinted(scale: int) -> None:
    objects = discs((60, 80), 5, seed=0)
    class_map = (label_map(objects) > 0).astype(np.uint8)
    image = np.full((60, 80, 3), 100, dtype=np.uint8)
    drawn = draw(image, Prediction(class_map, objects), CLASSES, scale=scale)
    changed = (drawn[::scale, ::scale] != 100).any(axis=2)
    assert drawn.shape == (60 * scale, 80 * scale, 3)
    assert np.mean(changed[class_map > 0]) > 0.95
    assert np.mean(changed[class_map == 0]) < 0.15
    assert (image == 100).all()


def test_a_prediction_without_objects_leaves_the_image_alone() -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    empty = discs((20, 30), 0, seed=0)
    assert np.array_equal(draw(image, Prediction(np.zeros((20, 30), np.uint8), empty), CLASSES), image)


def test_an_uncountable_class_is_shown_as_an_area() -> None:
    class_map = np.zeros((20, 20), dtype=np.uint8)
    class_map[:10] = 1
    drawn = draw(
        np.zeros((20, 20, 3), np.uint8), Prediction(class_map, discs((20, 20), 0, 0)), (ClassInfo(1, "sky", False),)
    )
    assert drawn[:10].any(axis=2).all()
    assert not drawn[10:].any()


def test_png_bytes_hold_the_picture() -> None:
    image = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    assert np.array_equal(np.array(PIL.Image.open(io.BytesIO(png(image)))), image)
