from __future__ import annotations

import numpy as np
import pytest

from segwise.evaluation.objectives import OBJECTIVES, figures
from segwise.evaluation.objects import tally
from tests.evaluation.scenes import scene


def test_a_perfect_prediction_reaches_every_objectives_best() -> None:
    truths = [scene(i, crowds=False)[0] for i in range(5)]
    perfect = figures([tally(t, t, 2) for t in truths], np.diag([50, 20, 10]))
    assert {name: objective(perfect) for name, objective in OBJECTIVES.items()} == pytest.approx(
        {"mix": 3, "f1": 1, "pq": 1, "count": 0}
    )


def test_images_without_objects_score_nothing_rather_than_nan() -> None:
    empty = scene(1)[0].select(scene(1)[0].class_ids > 9)
    assert set(figures([tally(empty, empty, 2)], np.diag([9, 0, 0])).values()) == {0.0}
