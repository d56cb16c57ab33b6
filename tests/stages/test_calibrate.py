"""What calibration fits: the limits that the decisions state, whatever their natural error is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from segwise.decision.params import Decision
from segwise.evaluation.asked import of_label
from segwise.stages.calibrate import Labelled, measure
from segwise.types import ClassInfo, Objects, Prediction

CLASSES = (ClassInfo(1, "disc", True),)
SIZE = (20, 120)


def squares(num: int) -> Prediction:
    """So many squares of 8 × 8 pixels beside one another, and their class map."""
    masks = [np.zeros(SIZE, dtype=bool) for _ in range(num)]
    for index, mask in enumerate(masks):
        mask[4:12, 2 + 10 * index : 10 + 10 * index] = True
    objects = Objects.from_masks(masks, [1] * num, [0.9] * num, SIZE)
    return Prediction(np.any([*masks, np.zeros(SIZE, bool)], axis=0).astype(np.uint8), objects)


def used(stated: dict[str, Any], *pairs: tuple[int, int]) -> float:
    """`tolerance_used` of images with so many labelled and predicted squares."""
    decisions = {"it": Decision.model_validate(stated)}
    labelled = []
    for num, _ in pairs:
        truth = squares(num)
        said = {"it": of_label(decisions["it"], CLASSES, truth.objects, truth.class_map)}
        labelled.append(Labelled(np.zeros((*SIZE, 3), np.uint8), truth.objects, truth.class_map, said))
    return measure([squares(num) for _, num in pairs], labelled, decisions, CLASSES)["tolerance_used"]


def test_where_the_tolerance_is_of_the_action_a_wrong_count_costs_nothing_and_a_wrong_action_does() -> None:
    stated = {"kind": "count", "action": "if count() < 4 then stop", "tolerance": {"min_accuracy": 0.5}}
    assert used(stated, (10, 5), (1, 2)) == 0  # half of the objects are missed: the action is right all the same
    assert used(stated, (5, 3), (1, 2)) == pytest.approx(1)  # one wrong action of two, half of them allowed


def test_a_limit_in_objects_is_fitted_in_objects() -> None:
    assert used({"kind": "count", "tolerance": {"absolute": 2}}, (10, 9), (2, 1)) == pytest.approx(0.5)
    assert used({"kind": "count", "tolerance": {"relative": 0.1}}, (10, 9), (2, 1)) == pytest.approx((2 / 12) / 0.1)


def test_an_undefined_side_leaves_the_other_one_to_be_fitted() -> None:
    stated = {"kind": "presence", "tolerance": {"min_sensitivity": 0.5, "min_specificity": 0.9}}
    assert used(stated, (3, 0), (3, 3)) == pytest.approx(1)  # no image without: only half of the sensitivity is told
