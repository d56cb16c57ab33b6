from __future__ import annotations

import numpy as np
import pytest

from segwise.evaluation.matching import intersections, iou, pairs
from segwise.evaluation.objects import dsb, f1, panoptic_quality, tally
from segwise.types import Objects
from tests.evaluation.scenes import scene


def from_labels(labels: np.ndarray) -> Objects:
    count = int(labels.max())
    return Objects.from_label_map(labels.astype(np.int32), [1] * count, [1.0] * count)


@pytest.mark.parametrize("seed", range(5))
def test_iou_agrees_with_pycocotools_where_masks_overlap(seed: int) -> None:
    from pycocotools import mask as coco_mask

    truth, predicted = scene(seed + 3)
    if len(truth) and len(predicted):
        expected = coco_mask.iou(predicted.rles(), truth.rles(), truth.is_crowd.astype(np.uint8).tolist())
        assert np.allclose(iou(predicted, truth), expected)
    masks = predicted.masks().reshape(len(predicted), -1).astype(int) @ truth.masks().reshape(len(truth), -1).T.astype(
        int
    )
    assert np.array_equal(intersections(predicted, truth), masks)


def test_pairs_are_the_largest_set_where_partners_are_ambiguous() -> None:
    overlap = np.array([[0.9, 0.6], [0.7, 0.0]])
    rows, columns = pairs(overlap, 0.5)
    assert sorted(zip(rows.tolist(), columns.tolist(), strict=True)) == [(0, 1), (1, 0)]


def test_a_perfect_prediction_has_only_hits() -> None:
    truth, _ = scene(4, num_classes=1, crowds=False)
    t = tally(truth, truth, 1)
    assert t.tp[:, 0].tolist() == [len(truth)] * 10
    assert not t.fp.any()
    assert not t.fn.any()
    assert panoptic_quality(t.pq[:, 0]) == pytest.approx((1, 1, 1))
    assert f1(*(a[0, 0] for a in (t.tp, t.fp, t.fn))) == dsb(t.tp[:, 0], t.fp[:, 0], t.fn[:, 0]) == 1.0


def test_figures_of_a_case_counted_by_hand() -> None:
    truth, found = np.zeros((20, 40)), np.zeros((20, 40))
    truth[0:10, 0:10], truth[0:10, 20:30] = 1, 2
    found[0:10, 0:8], found[12:18, 0:6] = 1, 2  # one hit of IoU .8, one invented, one missed
    t = tally(from_labels(found), from_labels(truth), 1)
    assert (t.tp[0, 0], t.fp[0, 0], t.fn[0, 0]) == (1, 1, 1)
    assert t.tp[:, 0].tolist() == [1] * 7 + [0] * 3
    assert panoptic_quality(t.pq[:, 0]) == pytest.approx((0.4, 0.8, 0.5))
    assert dsb(t.tp[:, 0], t.fp[:, 0], t.fn[:, 0]) == pytest.approx(0.7 / 3)
    assert t.counted[:, 0].tolist() == [2, 2]


def test_an_iou_of_one_half_is_a_hit_for_f1_but_not_for_pq() -> None:
    truth, found = np.zeros((10, 20)), np.zeros((10, 20))
    truth[:, :10], found[:, :5] = 1, 1
    t = tally(from_labels(found), from_labels(truth), 1)
    assert (t.tp[0, 0], t.pq[0, 0]) == (1, 0)


def test_merges_and_splits_are_counted() -> None:
    two, one = np.zeros((10, 40)), np.zeros((10, 40))
    two[:, 0:10], two[:, 10:20] = 1, 2
    one[:, 0:20] = 1
    merged, split = tally(from_labels(one), from_labels(two), 1), tally(from_labels(two), from_labels(one), 1)
    assert (merged.merged[0], merged.split[0]) == (1, 0)
    assert (split.merged[0], split.split[0]) == (0, 1)


def test_predictions_inside_a_crowd_are_no_errors() -> None:
    crowd, inside = np.zeros((20, 20), dtype=bool), np.zeros((20, 20), dtype=bool)
    crowd[:, :15], inside[4:9, 4:9] = True, True
    truth = Objects.from_masks([crowd], [1], [1.0], (20, 20), [True])
    t = tally(Objects.from_masks([inside], [1], [0.9], (20, 20)), truth, 1)
    assert (t.tp.sum(), t.fp.sum(), t.fn.sum(), t.counted.sum()) == (0, 0, 0, 0)


def test_an_object_of_another_class_is_no_match() -> None:
    mask = np.ones((5, 5), dtype=bool)
    t = tally(Objects.from_masks([mask], [2], [1.0], (5, 5)), Objects.from_masks([mask], [1], [1.0], (5, 5)), 2)
    assert (t.fn[0].tolist(), t.fp[0].tolist(), t.tp[0].tolist()) == ([1, 0], [0, 1], [0, 0])
