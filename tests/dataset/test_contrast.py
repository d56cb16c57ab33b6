"""Each image's range of values is stretched to the whole one, the same way for training and for serving."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from segwise.dataset import coco
from segwise.dataset.contrast import set_contrast
from segwise.dataset.loader import Source
from segwise.predict.predictor import prepare
from segwise.types import Image
from tests.predict.synthetic import spec


def noisy(low: int, high: int, shape: tuple[int, int] = (64, 64)) -> Image:
    return np.random.default_rng(0).integers(low, high + 1, (*shape, 3), dtype=np.uint8)


def test_as_is_changes_nothing() -> None:
    image = noisy(20, 60)
    assert set_contrast(image, "as_is") is image


@pytest.mark.parametrize(("low", "high"), [(3, 40), (100, 220), (0, 255)])
def test_the_range_between_the_quantiles_becomes_the_whole_one(low: int, high: int) -> None:
    image = noisy(low, high)
    black, white = (np.quantile(image, q, method="inverted_cdf") for q in (0.005, 0.998))
    wanted = np.clip((image - float(black)) * 255 / (float(white) - float(black)), 0, 255)
    assert np.abs(set_contrast(image, "stretched") - wanted).max() <= 0.5


def test_an_image_and_a_fainter_one_become_alike() -> None:
    image = noisy(0, 240)
    faint = (image / 6 + 5).astype(np.uint8)
    gap = np.abs(set_contrast(image, "stretched").astype(int) - set_contrast(faint, "stretched"))
    assert gap.max() <= 8  # a sixth of the levels is left
    assert np.abs(image.astype(int) - faint).max() > 150


def test_the_hue_stays() -> None:
    image = np.tile(np.array([[[10, 20, 40], [20, 40, 80]]], dtype=np.uint8), (8, 8, 1))
    out = set_contrast(image, "stretched").astype(float)
    assert out[0, 0, 0] < out[0, 0, 1] < out[0, 0, 2] < out[0, 1, 2]


@pytest.mark.parametrize("value", [0, 7, 255])
def test_an_empty_image_stays_empty(value: int) -> None:
    """Noise of two levels is not made to fill the range, and a flat image divides by nothing."""
    flat = np.full((16, 16, 3), value, dtype=np.uint8)
    assert np.ptp(set_contrast(flat, "stretched")) == 0
    faint = flat.copy()
    faint[::2] = np.clip(value + 2, 0, 255)
    assert np.ptp(set_contrast(faint, "stretched").astype(int)) <= 2 * 255 / 16 + 1


def test_training_and_serving_see_the_same_pixels(tiny_dataset: Path) -> None:
    dataset = coco.read(tiny_dataset)
    record = dataset.images[0]
    path = dataset.image_path(record)
    Pillow.fromarray((np.asarray(Pillow.open(path)) / 5).astype(np.uint8)).save(path)
    trained = Source(dataset, dataset.images, contrast="stretched").sample(0).image
    served, size = prepare(dataset.pixels(record), spec("semantic").model_copy(update={"contrast": "stretched"}), 1.0)
    mean, std = np.array([0.5, 0.4, 0.3]), np.array([0.2, 0.3, 0.4])
    expected = ((trained / 255 - mean) / std).transpose(2, 0, 1)
    assert trained.max() == 255
    assert np.allclose(served[0, :, : size[0], : size[1]], expected[:, : size[0], : size[1]], atol=1e-5)
