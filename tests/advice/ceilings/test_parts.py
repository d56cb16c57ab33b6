from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from segwise.advice.ceilings import hybrid, instance, semantic
from segwise.advice.ceilings.concentration import share_of
from segwise.advice.ceilings.folds import fitted, folds
from segwise.advice.ceilings.labelled import labelled
from segwise.advice.ceilings.pairs import pairs, solidity
from segwise.advice.ceilings.params import CeilingParams
from segwise.advice.ceilings.scored import score
from segwise.dataset.coco import ImageRecord
from segwise.dataset.dense_targets import dense_targets
from segwise.dataset.loader import Source, flatten
from segwise.evaluation.objects import tally
from segwise.predict import hybrid as served_hybrid
from segwise.predict import semantic as served_semantic
from segwise.spec import ClassSpec, ModelSpec
from segwise.types import ClassInfo, Image, Objects, Prediction
from tests.advice.ceilings.sets import DISC, SIZE, box, disc, record


def test_groups_are_in_one_half_and_the_order_does_not_matter() -> None:
    groups = [f"g{i % 7}" for i in range(30)]
    fold = folds(groups)
    assert set(fold) == {0, 1}
    assert all(len({f for f, g in zip(fold, groups, strict=True) if g == name}) == 1 for name in groups)
    assert folds(groups[::-1]).tolist() == fold[::-1].tolist()


def test_each_half_is_read_at_the_point_that_was_best_for_the_other() -> None:
    fold = np.array([0, 0, 1, 1])
    wrong = np.array([[0, 9], [0, 9], [9, 0], [9, 0]])  # by image and point: each half has its own best point
    chosen, best = fitted(fold, 2, lambda point, weights: float(weights @ wrong[:, point]))
    assert chosen.tolist() == [1, 1, 0, 0]
    assert best == 0  # of equals the first


def test_a_single_group_is_fitted_on_itself() -> None:
    chosen, best = fitted(folds(["a", "a"]), 2, lambda point, weights: float(weights.sum() * (1 - point)))
    assert chosen.tolist() == [1, 1] and best == 1


def test_the_share_of_images_that_holds_an_error_is_the_smallest() -> None:
    error = np.array([0, 1, 8, 1, 0, 0, 0, 0, 0, 0], dtype=float)
    assert share_of(error, 0.8) == 0.1
    assert share_of(error, 0.81) == 0.2
    assert share_of(error, 1.0) == pytest.approx(0.3)
    assert share_of(np.zeros(4), 0.8) == 0


def test_two_boxes_side_by_side_share_a_quarter_of_their_outline() -> None:
    found = pairs(labelled(record("a", [box(10, 10, 20, 20), box(20, 10, 30, 20), box(40, 10, 50, 20)]), DISC))
    assert (found.first.tolist(), found.second.tolist()) == ([0], [1])
    assert found.contact.tolist() == [0.25]
    assert found.hidden.tolist() == [0] and found.ratio.tolist() == [1]
    assert found.waist[0] == pytest.approx(0)


def test_contact_is_a_share_of_the_shorter_outline() -> None:
    found = pairs(labelled(record("a", [box(10, 10, 20, 20), box(20, 0, 60, 40)]), DISC))
    assert found.contact.tolist() == [0.25]


def test_a_pair_that_overlaps_hides_its_share_of_the_smaller_one() -> None:
    found = pairs(labelled(record("a", [box(10, 10, 30, 30), box(25, 10, 35, 20)]), DISC))
    assert found.hidden.tolist() == [0.5] and found.ratio.tolist() == [0.25]


def test_corners_that_meet_are_a_pair_and_other_classes_are_none() -> None:
    masks = [box(10, 10, 20, 20), box(20, 20, 30, 30), box(30, 20, 40, 30)]
    classes = (*DISC, ClassInfo(2, "other", True))
    found = pairs(labelled(record("a", masks, [1, 1, 2]), classes))
    assert (found.first.tolist(), found.second.tolist()) == ([0], [1])
    assert found.contact.tolist() == [0]
    assert found.waist[0] > 0.1


def test_discs_have_a_waist_that_convex_objects_have_not() -> None:
    found = pairs(labelled(record("a", [disc(40, 30, 10), disc(40, 51, 10)]), DISC))
    assert found.waist[0] > 0.05
    assert solidity(box(0, 0, 5, 7)) == 1


def random_objects(rng: np.random.Generator, num: int) -> Objects:
    masks = [disc(*rng.uniform(15, 80, 2), rng.uniform(3, 20)) for _ in range(num)]
    return Objects.from_masks(masks, rng.integers(1, 3, num).tolist(), [1.0] * num, SIZE)


def perfect_logits(class_map: np.ndarray) -> np.ndarray:
    return np.stack([np.where(class_map == value, 20, -20) for value in range(3)])[None].astype(np.float32)


def spec_of(approach: str) -> ModelSpec:
    classes = (ClassSpec(id=1, name="disc", isthing=True), ClassSpec(id=2, name="other", isthing=True))
    none = (0.0, 0.0, 0.0)
    return ModelSpec(approach=approach, classes=classes, zoom=1, stride_px=32, mean=none, std=none, onnx_sha256="")  # type: ignore[arg-type]


def assert_same(found: Prediction, expected: Prediction) -> None:
    assert np.array_equal(found.class_map, expected.class_map)
    assert len(found.objects) == len(expected.objects) > 3
    first, second = (
        {mask.tobytes(): int(c) for mask, c in zip(p.objects.masks(), p.objects.class_ids, strict=True)}
        for p in (found, expected)
    )
    assert first == second


@pytest.mark.parametrize("smallest", [0, 1])
def test_semantic_answers_what_the_served_approach_makes_of_a_perfect_network(smallest: int) -> None:
    truth = random_objects(np.random.default_rng(1), 12)
    classes = (*DISC, ClassInfo(2, "other", True))
    labels = labelled(record("a", list(truth.masks()), truth.class_ids.tolist()), classes)
    point = served_semantic.POINT_DEFAULTS | semantic.POINTS[smallest]
    outputs = {"logits": perfect_logits(labels.class_map)}
    expected = served_semantic.decode(outputs, SIZE, spec_of("semantic"), point)
    assert_same(semantic.predictions(labels, CeilingParams())[smallest], expected)


@pytest.mark.parametrize("place", range(len(hybrid.POINTS)))
def test_hybrid_answers_what_the_served_approach_makes_of_perfect_heads(place: int) -> None:
    truth = random_objects(np.random.default_rng(2), 12)
    classes = (*DISC, ClassInfo(2, "other", True))
    labels = labelled(record("a", list(truth.masks()), truth.class_ids.tolist()), classes)
    outputs = {name: value[None] for name, value in dense_targets(labels.owner).items()}
    outputs["logits"] = perfect_logits(labels.class_map)
    point = served_hybrid.POINT_DEFAULTS | hybrid.POINTS[place]
    expected = served_hybrid.decode(outputs, SIZE, spec_of("hybrid"), point)
    assert_same(hybrid.predictions(labels, CeilingParams(dense_zoom=1))[place], expected)


@pytest.mark.parametrize("seed", range(8))
def test_matches_and_counts_agree_with_the_evaluation(seed: int) -> None:
    rng = np.random.default_rng(seed)
    classes = (*DISC, ClassInfo(2, "other", True))
    truth, found = random_objects(rng, 9), random_objects(rng, 11)
    found = Objects.from_masks(
        [*truth.masks()[:4], *found.masks()], [*truth.class_ids[:4], *found.class_ids], [1.0] * 15, SIZE
    )
    labels = labelled(record("a", list(truth.masks()), truth.class_ids.tolist()), classes)
    one = score(labels, [Prediction(np.zeros(SIZE, dtype=np.uint8), found)], {})[0]
    expected = tally(found, labels.truth, 2)
    assert one.sums[:3].tolist() == [int(a[0].sum()) for a in (expected.tp, expected.fp, expected.fn)]
    assert one.counted.tolist() == expected.counted.tolist()
    assert np.count_nonzero(one.is_split) == expected.split.sum()
    assert bool(one.is_merged.any()) == bool(expected.merged.any())


def test_equal_predictions_are_scored_once() -> None:
    labels = labelled(record("a", [disc(30, 30, 10)]), DISC)
    prediction = Prediction(labels.class_map, labels.things)
    first, second = score(labels, [prediction, prediction], {})
    assert first is second


@pytest.mark.parametrize("seed", range(5))
def test_suppression_keeps_what_a_plain_loop_keeps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, 60, (20, 2))
    masks = [box(x, y, x + w, y + h) for (x, y), (w, h) in zip(corners, rng.integers(5, 35, (20, 2)), strict=True)]
    labels = labelled(record("a", masks), DISC)
    visible = [int(np.count_nonzero(labels.owner == i + 1)) for i in range(20)]
    kept: list[int] = []
    for index in sorted(range(20), key=lambda i: (-visible[i], i)):
        boxes = labels.things.boxes_xyxy[[*kept, index]]
        if not kept or instance.box_iou(boxes)[-1, :-1].max() <= 0.3:
            kept.append(index)
    assert instance.answered(labels, CeilingParams(max_overlap=0.3)).tolist() == kept


def test_of_two_that_suppress_each_other_the_one_seen_more_stays() -> None:
    labels = labelled(record("a", [box(10, 10, 40, 40), box(12, 12, 40, 40)]), DISC)  # the smaller one lies on top
    assert instance.answered(labels, CeilingParams()).tolist() == [1]


def test_box_iou_of_known_boxes() -> None:
    found = instance.box_iou(np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]], dtype=np.int32))
    assert found == pytest.approx(np.array([[1, 1 / 3, 0], [1 / 3, 1, 0], [0, 0, 1]]))


@pytest.mark.parametrize("radius", [2, 6, 30])
def test_a_mask_survives_the_cells_of_the_mask_head_the_better_the_smaller_it_is(radius: int) -> None:
    mask = disc(45, 60, radius)
    things = Objects.from_masks([mask], [1], [1.0], SIZE)
    drawn = instance.redrawn(things, 28).masks()[0]
    iou = np.count_nonzero(drawn & mask) / np.count_nonzero(drawn | mask)
    assert iou == 1 if radius < 12 else 0.97 < iou <= 1


def test_a_class_map_in_cells_of_one_pixel_is_the_class_map() -> None:
    labels = labelled(record("a", [disc(30, 30, 10), box(60, 60, 63, 61)]), DISC)
    assert np.array_equal(semantic.at_stride(labels, 1), labels.class_map)
    assert not np.array_equal(semantic.at_stride(labels, 4), labels.class_map)


class Blank(NamedTuple):
    """Labels without pictures."""

    classes: tuple[ClassInfo, ...]

    def pixels(self, one: ImageRecord) -> Image:
        return np.zeros((one.height, one.width, 3), dtype=np.uint8)


@pytest.mark.parametrize("seed", range(4))
def test_the_hybrid_ceiling_splits_the_owners_that_training_learns(seed: int) -> None:
    random = np.random.default_rng(seed)
    corners = zip(random.integers(0, 40, (12, 2)).tolist(), [6, 12, 12, 30] * 3, strict=True)
    masks = [box(x, y, x + side, y + side) for (x, y), side in corners]
    classes = (ClassInfo(1, "a", True), ClassInfo(2, "b", True))
    one = record("a.png", masks, random.integers(1, 3, 12).tolist())
    sample = Source(Blank(classes), [one]).sample(0)
    order = np.argsort([-int(mask.sum()) for mask in masks], kind="stable")  # a sample's objects, the larger first
    learned = np.append(0, order + 1)[flatten(sample.layers)]
    np.testing.assert_array_equal(labelled(one, classes).owner, learned)


def test_an_instance_ceiling_keeps_an_object_inside_one_of_another_class_and_paints_it_on_top() -> None:
    """A window in a facade: suppression is of boxes of one class."""
    classes = (ClassInfo(1, "facade", True), ClassInfo(2, "window", True))
    at = labelled(record("a.png", [box(4, 4, 60, 60), box(6, 6, 58, 58)], [1, 2]), classes)
    (answer,) = instance.predictions(at, CeilingParams(max_overlap=0.5))
    assert sorted(answer.objects.class_ids.tolist()) == [1, 2]
    assert (answer.class_map != at.class_map).mean() < 0.02
