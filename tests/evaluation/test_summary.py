from __future__ import annotations

import numpy as np
import pytest

from segwise.decision.params import Decision
from segwise.evaluation import pixels
from segwise.evaluation.measure import Measured, measure
from segwise.evaluation.params import EvaluateParams
from segwise.evaluation.rows import columns, per_image_rows
from segwise.evaluation.summary import summarise
from segwise.spec import canonical_json
from segwise.types import ClassInfo, ClassMap, Objects, Prediction
from tests.evaluation.scenes import scene

CLASSES = (ClassInfo(1, "one", True), ClassInfo(2, "two", True))
PARAMS = EvaluateParams(replicates=20)


def painted(objects: Objects) -> ClassMap:
    out = np.zeros(objects.size, dtype=np.uint8)
    for (x0, y0, x1, y1), crop, class_id in zip(objects.boxes_xyxy, objects.crops, objects.class_ids, strict=True):
        out[y0:y1, x0:x1][crop] = class_id
    return out


def measured(
    num: int = 8, *, perfect: bool = False, tied: bool = True, decisions: dict[str, Decision] | None = None
) -> list[Measured]:
    out = []
    for index in range(num):
        truth, predicted = scene(index, crowds=False, tied=tied)
        found = truth if perfect else predicted
        out.append(
            measure(
                f"{index:02}.png", Prediction(painted(found), found), found, truth, painted(truth), CLASSES,
                group=f"g{index // 2}", attributes={"modality": "ab"[index % 2]}, decisions=decisions,
            )
        )  # fmt: skip
    return out


def test_shuffled_input_gives_identical_figures() -> None:
    images = measured()
    shuffled = [images[i] for i in np.random.default_rng(0).permutation(len(images))]
    assert canonical_json(summarise(images, CLASSES, PARAMS)) == canonical_json(summarise(shuffled, CLASSES, PARAMS))


def test_a_perfect_prediction_has_perfect_figures() -> None:
    figures = summarise(measured(perfect=True), CLASSES, PARAMS)
    perfect = {
        name: figures[name] for name in ("miou", "dice", "ap", "ap50", "ap75", "pq", "f1", "dsb", "count_exact_rate")
    }
    assert perfect == dict.fromkeys(perfect, 1.0)
    assert (figures["count_error"], figures["coverage_error"]) == (0.0, 0.0)


def test_the_slices_divide_the_images() -> None:
    figures = summarise(measured(7), CLASSES, PARAMS)
    parts = figures["slices"]["modality"]
    assert {name: part["num_images"] for name, part in parts.items()} == {"a": 4, "b": 3}
    assert figures["num_images"] == 7


def test_a_slice_has_the_figures_of_its_images_alone() -> None:
    images = measured()
    alone = summarise([m for m in images if m.attributes["modality"] == "a"], CLASSES, PARAMS)
    part = summarise(images, CLASSES, PARAMS)["slices"]["modality"]["a"]
    assert {name: alone[name] for name in part} == part


def test_intervals_hold_the_figure_of_the_whole() -> None:
    figures = summarise(measured(), CLASSES, EvaluateParams(replicates=200))
    for name, (low, high) in figures["intervals"].items():
        assert low - 0.05 <= figures[name] <= high + 0.05, name


def test_what_is_undefined_is_null_and_what_is_missed_is_zero() -> None:
    empty = Objects.from_masks([], [], [], (10, 10))
    blank = np.zeros((10, 10), dtype=np.uint8)
    nothing = measure("a.png", Prediction(blank, empty), empty, empty, blank, 2)
    figures = summarise([nothing], CLASSES, PARAMS)
    assert (figures["ap"], figures["f1"], figures["pq"], figures["count_error"]) == (None, None, None, None)
    truth, _ = scene(1, crowds=False)
    none = Objects.from_masks([], [], [], truth.size)
    missed = measure("b.png", Prediction(painted(none), none), none, truth, painted(truth), 2)
    figures = summarise([missed], CLASSES, PARAMS)
    assert (figures["ap"], figures["f1"], figures["pq"], figures["count_error"]) == (0.0, 0.0, 0.0, 1.0)


def test_an_uncountable_class_has_pixel_figures_and_one_segment_an_image() -> None:
    stuff = (ClassInfo(1, "sky", False),)
    none = Objects.from_masks([], [], [], (10, 10))
    truth, found = np.zeros((10, 10), np.uint8), np.zeros((10, 10), np.uint8)
    truth[:8], found[:6] = 1, 1
    figures = summarise([measure("a.png", Prediction(found, none), none, none, truth, 1)], stuff, PARAMS)
    assert figures["pq"] == pytest.approx(0.75)
    assert figures["ap"] is None
    assert figures["coverage_error"] == pytest.approx(0.20)


def test_every_image_has_a_row_in_order() -> None:
    rows = per_image_rows(measured()[::-1])
    assert [row["file_name"] for row in rows] == [f"{i:02}.png" for i in range(8)]
    assert all(row["true_count"] >= 0 for row in rows)


def test_a_row_says_what_label_and_prediction_answer_to_each_decision() -> None:
    decisions = {
        "number": Decision.model_validate({"kind": "count", "action": "if count(one) > 2 then act"}),
        "share": Decision(kind="coverage"),
        "any": Decision(kind="presence", classes=("two",)),
        "which": Decision(kind="itemize"),
    }
    images = measured(decisions=decisions)
    rows = per_image_rows(images, decisions)
    for row, m in zip(rows, images, strict=True):
        counted = m.tally.counted
        assert (row["number.true"], row["number.predicted"]) == tuple(counted.sum(axis=1))
        assert row["number.error"] == np.abs(counted[1] - counted[0]).sum()
        assert row["number.acts_true"] == (counted[0, 0] > 2)
        assert row["share.true"] == pytest.approx(row["true_coverage"])
        assert row["share.predicted"] == pytest.approx(row["predicted_coverage"])
        error = np.abs(np.subtract(*pixels.coverage(m.pixels))).mean()  # of each class, so that two never cancel out
        assert row["share.error"] == pytest.approx(error)
        assert row["any.error"] == ((counted[0, 1] > 0) != (counted[1, 1] > 0))
        assert row["which.error"] == (m.tally.fp[0] + m.tally.fn[0]).sum()
    assert set(columns(decisions, ["modality"])) == set(rows[0])


def test_a_region_is_no_object_in_any_count() -> None:
    classes = (ClassInfo(1, "nut", True), ClassInfo(2, "tissue", False))
    masks = [np.zeros((40, 60), dtype=bool) for _ in range(2)]
    masks[0][5:15, 5:15] = True
    masks[1][20:40, :] = True
    truth = Objects.from_masks(masks, [1, 2], [1.0, 1.0], (40, 60))
    nuts = truth.select(truth.class_ids == 1)
    image = measure("a.png", Prediction(painted(truth), nuts), nuts, truth, painted(truth), classes)
    (row,) = per_image_rows([image])
    assert (row["true_count"], row["predicted_count"], row["f1"]) == (1, 1, 1.0)
    figures = summarise([image], classes, PARAMS)
    assert figures["num_objects"] == 1
    assert figures["per_class"]["tissue"]["pq"] == 1.0  # still one segment an image
