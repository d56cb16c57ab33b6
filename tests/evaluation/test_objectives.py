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
        {"decision": 0.3, "mix": 3, "f1": 1, "pq": 1, "count": 0}
    )


def test_better_masks_decide_only_between_points_that_use_about_the_same_part_of_the_tolerance() -> None:
    def wanted(quality: float, error: float) -> float:
        values = dict.fromkeys(("f1", "pq", "foreground_iou"), quality)
        return OBJECTIVES["decision"](values | {"count_error": 1, "tolerance_used": error / 0.1})

    assert wanted(0.8, 0.07) > wanted(0.7, 0.07)
    assert wanted(0.7, 0.03) > wanted(0.8, 0.07)
    assert wanted(0.8, 0.07) > wanted(0.2, 0.03)


def test_within_a_tolerance_of_10_percent_the_objective_is_a_tenth_of_the_quality_less_the_error() -> None:
    values = {"f1": 0.8, "pq": 0.7, "foreground_iou": 0.9, "count_error": 0.07, "tolerance_used": 0.07 / 0.1}
    assert OBJECTIVES["decision"](values) == pytest.approx(0.1 * 2.4 - 0.07)


def test_the_used_part_is_the_mean_of_the_defined_ones() -> None:
    tallies, pixels = [tally(*scene(3)[::-1], 2)], np.diag([50, 20, 10])
    assert figures(tallies, pixels, [0.1, float("nan"), 0.3])["tolerance_used"] == pytest.approx(0.2)
    assert figures(tallies, pixels, [float("nan")])["tolerance_used"] == 0


def test_images_without_objects_score_nothing_rather_than_nan() -> None:
    empty = scene(1)[0].select(scene(1)[0].class_ids > 9)
    assert set(figures([tally(empty, empty, 2)], np.diag([9, 0, 0])).values()) == {0.0}
