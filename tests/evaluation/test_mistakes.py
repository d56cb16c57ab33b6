from __future__ import annotations

import numpy as np
import pytest

from segwise.evaluation import mistakes
from segwise.evaluation.matching import intersections, iou
from segwise.evaluation.mistakes import KINDS, ObjectRows, object_rows
from segwise.evaluation.objects import tally
from segwise.evaluation.reliability import BINS, calibration_error, reliability
from segwise.types import Objects
from tests.evaluation.scenes import scene

SIZE = (40, 100)


def boxes(*spans: tuple[int, int, int], scores: list[float] | None = None, crowds: list[bool] | None = None) -> Objects:
    """Objects of SIZE from (first column, last column, class)."""
    masks = []
    for start, stop, _ in spans:
        mask = np.zeros(SIZE, dtype=bool)
        mask[10:20, start:stop] = True
        masks.append(mask)
    return Objects.from_masks(masks, [s[2] for s in spans], scores or [1.0] * len(spans), SIZE, crowds)


def rows_of(predicted: Objects, truth: Objects, things: tuple[int, ...] = (1, 2)) -> ObjectRows:
    shared = intersections(predicted, truth)
    return object_rows(predicted, truth, shared, iou(predicted, truth, shared), np.array(things))


def kinds(predicted: Objects, truth: Objects) -> dict[str, int]:
    found = rows_of(predicted, truth).of_kinds(2).sum(axis=1)
    return {name: int(n) for name, n in zip(KINDS, found, strict=True) if n}


@pytest.mark.parametrize("seed", range(20))
def test_the_kinds_add_up_to_all_mistakes_class_by_class(seed: int) -> None:
    truth, predicted = scene(seed)
    counted = tally(predicted, truth, 2)
    found = rows_of(predicted, truth)
    assert found.of_kinds(2).sum(axis=0).tolist() == (counted.fn[0] + counted.fp[0]).tolist()
    labelled = found.class_ids[~found.is_predicted & (found.fates == mistakes.RIGHT)]
    assert np.bincount(labelled, minlength=3)[1:].tolist() == counted.tp[0].tolist()


def test_a_right_object_is_no_mistake() -> None:
    assert kinds(boxes((0, 10, 1), (20, 30, 2)), boxes((0, 10, 1), (20, 30, 2))) == {}


def test_an_object_found_under_another_class_is_a_class_error_on_both_sides() -> None:
    assert kinds(boxes((0, 10, 2)), boxes((0, 10, 1))) == {"class": 2}


def test_two_objects_under_one_prediction_are_a_splitting_error() -> None:
    assert kinds(boxes((0, 20, 1)), boxes((0, 10, 1), (10, 20, 1))) == {"splitting": 1}  # IoU .5 with the first
    assert kinds(boxes((0, 30, 1)), boxes((0, 10, 1), (10, 20, 1), (20, 30, 1))) == {"splitting": 4}


def test_an_object_cut_into_pieces_is_a_splitting_error() -> None:
    assert kinds(boxes((0, 10, 1), (10, 20, 1), (20, 30, 1)), boxes((0, 30, 1))) == {"splitting": 4}
    assert kinds(boxes((0, 20, 1), (20, 30, 1)), boxes((0, 30, 1))) == {"splitting": 1}  # the larger piece is right


def test_a_prediction_over_objects_of_two_classes_merges_neither_class() -> None:
    assert kinds(boxes((0, 30, 1)), boxes((0, 12, 1), (12, 30, 2))) == {"class": 2, "missed": 1}


def test_a_poor_outline_is_told_from_a_miss_beside_an_invention() -> None:
    assert kinds(boxes((6, 26, 1)), boxes((0, 16, 1))) == {"outline": 2}
    assert kinds(boxes((30, 40, 1)), boxes((0, 10, 1))) == {"missed": 1, "invented": 1}


def test_what_lies_in_a_crowd_is_no_mistake() -> None:
    truth = boxes((0, 50, 1), crowds=[True])
    assert kinds(boxes((5, 15, 1)), truth) == {}
    assert kinds(boxes((5, 15, 2)), truth) == {"invented": 1}


def test_regions_are_not_among_the_objects() -> None:
    found = rows_of(boxes((0, 10, 1), (20, 30, 2)), boxes((0, 10, 1)), things=(1,))
    assert found.class_ids.tolist() == [1, 1]
    assert found.fates.tolist() == [mistakes.RIGHT] * 2


def test_the_calibration_error_of_a_case_counted_by_hand() -> None:
    truth = boxes((0, 10, 1), (20, 30, 1))
    found = boxes((0, 10, 1), (20, 30, 1), (40, 50, 1), (60, 70, 1), scores=[0.91, 0.95, 0.93, 1.0])
    sums = reliability(rows_of(found, truth), 2)
    assert sums[0].sum() == 4 and sums[0, BINS - 1, 0] == 4
    assert calibration_error(sums.sum(axis=2)) == pytest.approx(abs(3.79 - 2) / 4)


def test_scores_that_mean_what_they_say_have_no_calibration_error() -> None:
    truth = boxes(*((20 * i, 20 * i + 10, 1) for i in range(3)))
    found = boxes(*((20 * i, 20 * i + 10, 1) for i in range(4)), scores=[0.75] * 4)
    assert calibration_error(reliability(rows_of(found, truth), 1).sum(axis=2)) == pytest.approx(0)
    assert np.isnan(calibration_error(np.zeros((3, BINS))))


def test_the_calibration_error_agrees_with_torchmetrics() -> None:
    torch = pytest.importorskip("torch")
    from torchmetrics.classification import BinaryCalibrationError

    random = np.random.default_rng(0)
    scores, fates = random.random(500), random.integers(0, 2, 500).astype(np.int8) * mistakes.INVENTED
    ones = np.ones(500, dtype=np.int64)
    rows = ObjectRows(ones.astype(bool), ones, ones, scores, fates)
    expected = BinaryCalibrationError(n_bins=BINS, norm="l1")(
        torch.tensor(scores), torch.tensor((fates == mistakes.RIGHT).astype(int))
    )
    assert calibration_error(reliability(rows, 1).sum(axis=2)) == pytest.approx(float(expected), abs=1e-6)
