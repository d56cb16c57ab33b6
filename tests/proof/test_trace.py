"""Every labelled object followed to its prediction, and every prediction to its label, on scenes drawn by hand."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from segwise.evaluation.objects import tally
from segwise.proof import trace
from segwise.types import ClassInfo, Mask, Objects

SIZE = (20, 40)
CLASSES = (ClassInfo(1, "cell", True), ClassInfo(2, "grain", True), ClassInfo(3, "tissue", False))


def box(x0: int, y0: int, x1: int, y1: int) -> Mask:
    mask = np.zeros(SIZE, dtype=bool)
    mask[y0:y1, x0:x1] = True
    return mask


def objects(*masks: Mask, classes: tuple[int, ...] = (), crowd: tuple[bool, ...] = ()) -> Objects:
    number = len(masks)
    ids, scores = list(classes or (1,) * number), [0.9 - 0.1 * i for i in range(number)]
    return Objects.from_masks(masks, ids, scores, SIZE, crowd or None)


def test_each_outcome_is_told_with_both_ids() -> None:
    truth = objects(
        box(0, 0, 4, 4), box(5, 0, 9, 4), box(9, 0, 13, 4), box(20, 0, 24, 4), box(30, 0, 34, 4), box(20, 10, 24, 14),
        classes=(1, 1, 1, 1, 2, 1),
    )  # fmt: skip
    predicted = objects(
        box(5, 0, 14, 4), box(0, 0, 4, 4), box(20, 0, 24, 1), box(30, 0, 34, 4), box(36, 16, 40, 20),
        classes=(1, 1, 1, 1, 1),
    )  # fmt: skip
    rows = trace.of_image("a.png", predicted, truth, (11, 12, 13, 14, 15, 16), CLASSES)
    told = {row.label_id: (row.prediction_id, row.outcome, row.iou) for row in rows if row.of == "label"}
    assert told == {
        11: (2, "right", 1.0),
        12: (1, "splitting", 0.444444),
        13: (1, "splitting", 0.444444),
        14: (3, "outline", 0.25),
        15: (4, "class", 1.0),
        16: (None, "missed", None),
    }
    others = {row.prediction_id: row.outcome for row in rows if row.of == "prediction"}
    assert others[5] == "invented"
    assert others[4] == "class"
    assert others[3] == "outline"


def test_two_labels_under_one_prediction_are_no_two_answers() -> None:
    merged = trace.of_image(
        "a.png", objects(box(0, 0, 9, 4)), objects(box(0, 0, 4, 4), box(5, 0, 9, 4)), (1, 2), CLASSES
    )
    assert [(row.of, row.label_id, row.prediction_id, row.outcome) for row in merged] == [
        ("label", 1, 1, "splitting"),
        ("label", 2, 1, "splitting"),
        ("prediction", None, 1, "splitting"),
    ]


def test_the_answer_is_of_the_labels_own_class_even_where_another_fits_better() -> None:
    predicted = objects(box(0, 0, 10, 4), box(0, 0, 8, 4), classes=(2, 1))
    rows = trace.of_image("a.png", predicted, objects(box(0, 0, 10, 4)), (5,), CLASSES)
    assert [(row.of, row.prediction_id, row.outcome) for row in rows] == [
        ("label", 2, "right"),
        ("prediction", 1, "invented"),
    ]


def test_crowds_have_no_row_and_a_prediction_in_one_counts_for_nothing() -> None:
    truth = objects(box(0, 0, 4, 4), box(10, 0, 30, 20), crowd=(False, True))
    rows = trace.of_image("a.png", objects(box(0, 0, 4, 4), box(12, 2, 16, 6)), truth, (7, 8), CLASSES)
    assert [(row.of, row.label_id, row.outcome) for row in rows] == [
        ("label", 7, "right"),
        ("prediction", None, trace.IN_CROWD),
    ]
    found = trace.summary(rows)
    assert (found["num_predictions"], found["num_in_crowds"], found["f1"]) == (1, 1, 1.0)


def test_what_is_not_countable_is_not_traced() -> None:
    truth = objects(box(0, 0, 20, 20), box(30, 0, 34, 4), classes=(3, 1))
    rows = trace.of_image("a.png", objects(box(0, 0, 20, 20), classes=(3,)), truth, (1, 2), CLASSES)
    assert [(row.label_id, row.class_name, row.outcome) for row in rows] == [(2, "cell", "missed")]


def test_touching_is_to_share_a_border_or_a_corner_or_to_overlap() -> None:
    apart = objects(box(0, 0, 4, 4), box(5, 0, 9, 4))
    sides = objects(box(0, 0, 4, 4), box(4, 0, 8, 4), box(20, 0, 24, 4))
    corners = objects(box(0, 0, 4, 4), box(4, 4, 8, 8), box(20, 4, 24, 8), box(16, 8, 20, 12))
    inside = objects(box(0, 0, 10, 10), box(3, 3, 5, 5), box(15, 0, 19, 4))
    assert trace.touches(apart).tolist() == [False, False]
    assert trace.touches(sides).tolist() == [True, True, False]
    assert trace.touches(corners).tolist() == [True, True, True, True]
    assert trace.touches(inside).tolist() == [True, True, False]


@pytest.mark.parametrize("seed", range(8))
def test_the_counts_are_those_of_the_evaluation(seed: int) -> None:
    rng = np.random.default_rng(seed)

    def drawn(number: int) -> Objects:
        corners = rng.integers(0, (30, 14), size=(number, 2))
        masks = [box(x, y, x + int(rng.integers(3, 9)), y + int(rng.integers(3, 6))) for x, y in corners]
        return objects(*masks, classes=tuple(rng.integers(1, 3, size=number).tolist()))

    predicted, truth = drawn(7), drawn(8)
    found = trace.summary(trace.of_image("a.png", predicted, truth, range(8), CLASSES))
    expected = tally(predicted, truth, 2)
    right = found["labels"].get("right", 0)
    assert right == expected.tp[0].sum()
    assert found["num_labels"] - right == expected.fn[0].sum()
    assert sum(found["unanswering"].values()) == expected.fp[0].sum()


def test_without_objects_there_is_no_figure() -> None:
    assert trace.of_image("a.png", objects(), objects(), (), CLASSES) == []
    assert trace.summary([])["f1"] is None


def test_the_table_has_a_line_a_row_and_nothing_where_nothing_is() -> None:
    rows = trace.of_image("a,b.png", objects(box(20, 0, 24, 4)), objects(box(0, 0, 4, 4)), (3,), CLASSES)
    read = list(csv.DictReader(io.StringIO(trace.as_csv(rows))))
    assert [(r["image"], r["of"], r["label_id"], r["prediction_id"], r["touches"]) for r in read] == [
        ("a,b.png", "label", "3", "", "no"),
        ("a,b.png", "prediction", "", "1", ""),
    ]
