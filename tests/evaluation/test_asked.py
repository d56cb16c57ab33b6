"""What a decision is told by label and prediction: nobody is asked about crowds and ignored pixels."""

from __future__ import annotations

import numpy as np
import pytest

from segwise.decision.params import Decision
from segwise.evaluation.asked import asked
from segwise.evaluation.objects import tally
from segwise.types import IGNORE_INDEX, ClassInfo, ClassMap, Objects, Prediction
from tests.evaluation.scenes import scene

CLASSES = (ClassInfo(1, "nut", True), ClassInfo(2, "bolt", True), ClassInfo(3, "rust", False))
SIZE = (40, 60)


def square(y: int, x: int, side: int = 10) -> np.ndarray:
    mask = np.zeros(SIZE, dtype=bool)
    mask[y : y + side, x : x + side] = True
    return mask


def objects(*masks: np.ndarray, ids: tuple[int, ...] = (), crowd: tuple[bool, ...] = ()) -> Objects:
    return Objects.from_masks(masks, ids or [1] * len(masks), [1.0] * len(masks), SIZE, crowd or None)


def empty_map() -> ClassMap:
    return np.zeros(SIZE, dtype=np.uint8)


@pytest.mark.parametrize("seed", range(40))
def test_counts_and_matches_are_those_of_the_evaluation(seed: int) -> None:
    truth, predicted = scene(seed)
    blank = np.zeros(truth.size, dtype=np.uint8)
    label, said, matches = asked(Decision(kind="itemize"), CLASSES, Prediction(blank, predicted), truth, blank)
    whole = tally(predicted, truth, 2)
    assert label.counts.tolist() == [whole.counted[0].tolist()]
    assert said.counts.tolist() == [whole.counted[1].tolist()]
    assert matches.tolist() == [whole.tp[0].sum(), whole.fp[0].sum(), whole.fn[0].sum()]


def test_a_prediction_in_a_crowd_is_counted_only_where_a_labelled_object_answers_it() -> None:
    truth = objects(square(0, 0, 30), square(5, 5), crowd=(True, False))
    found = objects(square(5, 5), square(18, 18), square(18, 45))
    _, said, matches = asked(Decision(kind="count"), CLASSES, Prediction(empty_map(), found), truth, empty_map())
    assert said.counts.tolist() == [[2, 0]]
    assert matches.tolist() == [1, 1, 0]


def test_a_crowd_of_another_class_excuses_nothing() -> None:
    truth = objects(square(0, 0, 30), ids=(2,), crowd=(True,))
    _, said, matches = asked(
        Decision(kind="count"), CLASSES, Prediction(empty_map(), objects(square(5, 5))), truth, empty_map()
    )
    assert said.counts.tolist() == [[1, 0]]
    assert matches.tolist() == [0, 1, 0]


def test_ignored_pixels_are_covered_by_nobody() -> None:
    truth_map, seen = empty_map(), empty_map()
    truth_map[:, :30], truth_map[:10, 30:] = IGNORE_INDEX, 3
    seen[:, :45] = 3  # half of what the label speaks of
    decision = Decision(kind="coverage", classes=("rust",))
    label, said, _ = asked(decision, CLASSES, Prediction(seen, objects()), objects(), truth_map)
    assert label.coverage.item() == pytest.approx(0.25)
    assert said.coverage.item() == 0.5


def test_an_object_too_small_to_be_asked_for_is_neither_missed_nor_invented() -> None:
    decision = Decision(kind="itemize", min_area_px=50)
    truth = objects(square(0, 0, 7), square(20, 20))
    answered = Prediction(empty_map(), objects(square(0, 0, 8), square(20, 20), square(30, 50, 4)))
    _, said, matches = asked(decision, CLASSES, answered, truth, empty_map())
    assert matches.tolist() == [1, 0, 0]
    assert said.counts.tolist() == [[2, 0]]
    _, _, matches = asked(decision, CLASSES, Prediction(empty_map(), objects()), truth, empty_map())
    assert matches.tolist() == [0, 0, 1]


def test_objects_outside_of_every_zone_are_not_asked_for() -> None:
    decision = Decision(kind="itemize", zones={"left": ((0, 0), (0.5, 0), (0.5, 1), (0, 1))})
    truth = objects(square(0, 0), square(0, 40))
    found = Prediction(empty_map(), objects(square(0, 0), square(20, 40), square(20, 0)))
    _, _, matches = asked(decision, CLASSES, found, truth, empty_map())
    assert matches.tolist() == [1, 1, 0]


def test_the_iou_of_the_decision_is_the_one_matched_at() -> None:
    found = Prediction(empty_map(), objects(square(0, 0)[:, :] & ~square(0, 0, 3)))  # 91 of 100 pixels
    for iou, expected in ((0.9, [1, 0, 0]), (0.92, [0, 1, 1])):
        decision = Decision(kind="itemize", tolerance={"iou": iou})
        assert asked(decision, CLASSES, found, objects(square(0, 0)), empty_map())[2].tolist() == expected


def test_an_empty_image_answers_with_nothing() -> None:
    label, said, matches = asked(
        Decision(kind="count"), CLASSES, Prediction(empty_map(), objects()), objects(), empty_map()
    )
    assert label.counts.sum() == said.counts.sum() == matches.sum() == 0
