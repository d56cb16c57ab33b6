from __future__ import annotations

import numpy as np
import pytest

from segwise.evaluation import pixels
from segwise.types import IGNORE_INDEX


def maps(seed: int, num_classes: int = 3, ignored: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = random.integers(0, num_classes + 1, (4, 30, 40)).astype(np.uint8)
    predicted = np.where(random.random(truth.shape) < 0.6, truth, random.integers(0, num_classes + 1, truth.shape))
    truth[random.random(truth.shape) < ignored] = IGNORE_INDEX
    return truth, predicted.astype(np.uint8)


def test_miou_agrees_with_torchmetrics_over_the_data_set() -> None:
    torch = pytest.importorskip("torch")
    from torchmetrics.classification import MulticlassJaccardIndex

    truth, predicted = maps(0)
    metric = MulticlassJaccardIndex(num_classes=4, average="macro", ignore_index=IGNORE_INDEX)
    for t, p in zip(truth, predicted, strict=True):
        metric.update(torch.tensor(p.astype(np.int64)), torch.tensor(t.astype(np.int64)))
    matrix = sum(pixels.confusion(t, p, 3) for t, p in zip(truth, predicted, strict=True))
    assert pixels.mean_of(pixels.iou(matrix)) == pytest.approx(float(metric.compute()), abs=1e-6)


def test_ignored_pixels_count_nowhere() -> None:
    truth, predicted = maps(1, ignored=0.5)
    assert pixels.confusion(truth, predicted, 3).sum() == np.count_nonzero(truth != IGNORE_INDEX)


def test_dice_of_a_class_is_the_f1_of_its_pixels_and_undefined_where_it_never_occurs() -> None:
    truth, predicted = np.array([[0, 1, 1, 0]], np.uint8), np.array([[0, 1, 0, 0]], np.uint8)
    dice = pixels.dice(pixels.confusion(truth, predicted, 2))
    assert dice[1] == pytest.approx(2 / 3)
    assert np.isnan(dice[2])


def test_the_foreground_is_right_where_only_the_class_is_wrong() -> None:
    matrix = pixels.confusion(np.array([[0, 1, 2]], np.uint8), np.array([[0, 2, 1]], np.uint8), 2)
    assert pixels.foreground_iou(matrix) == 1.0
    assert pixels.iou(matrix)[1] == 0.0


def test_maps_of_different_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="shapes"):
        pixels.confusion(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8), 1)
