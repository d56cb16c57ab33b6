from __future__ import annotations

import numpy as np
import pytest

from segwise.evaluation.matching import iou
from segwise.evaluation.objects import tally
from segwise.predict import hybrid, instance, semantic
from segwise.types import Objects, Prediction
from tests.predict.synthetic import dense_outputs, discs, instance_outputs, label_map, spec

SIZE = (120, 150)


def f1_of(prediction: Prediction, truth: Objects, num_classes: int = 1) -> float:
    t = tally(prediction.objects, truth, num_classes)
    tp, fp, fn = t.tp[0].sum(), t.fp[0].sum(), t.fn[0].sum()
    return float(2 * tp / (2 * tp + fp + fn))


@pytest.mark.parametrize("method", [0.0, 1.0])
@pytest.mark.parametrize("zoom", [1.0, 1.5, 2.0])
def test_hybrid_decodes_perfect_maps_to_the_labelled_objects(zoom: float, method: float) -> None:
    truth = discs(SIZE, 25, seed=1)
    point = {**hybrid.POINT_DEFAULTS, "method": method}
    found = hybrid.decode(dense_outputs(truth, 1, zoom), SIZE, spec("hybrid"), point)
    assert len(found.objects) == len(truth)
    assert f1_of(found, truth) == 1.0


def test_hybrid_splits_touching_objects_that_semantic_merges() -> None:
    labels = np.zeros((40, 60), dtype=np.int32)
    labels[10:30, 10:30], labels[10:30, 30:50] = 1, 2
    truth = Objects.from_label_map(labels, [1, 1], [1.0, 1.0])
    outputs = dense_outputs(truth, 1, 2.0)
    merged = semantic.decode(outputs, truth.size, spec("semantic"), semantic.POINT_DEFAULTS)
    split = hybrid.decode(outputs, truth.size, spec("hybrid"), hybrid.POINT_DEFAULTS)
    assert (len(merged.objects), len(split.objects)) == (1, 2)
    assert sorted(split.objects.areas_px.tolist()) == [400, 400]


def nested() -> Objects:
    """A facade, the better one, and a window in it; and the window once more under another name."""
    facade, window = np.zeros((2, 40, 40), dtype=bool)
    facade[2:38, 2:38], window[10:18, 10:18] = True, True
    again = np.roll(window, 1, axis=1)
    return Objects.from_masks([facade, window, again], [1, 2, 3], [0.9, 0.8, 0.7], (40, 40))


def test_an_object_inside_one_of_another_class_is_kept_and_shown() -> None:
    objects = instance.without_covered(nested(), 0.7)
    assert objects.class_ids.tolist() == [1, 2]
    shown = instance.paint(objects)
    assert (shown == 2).sum() == 64
    assert (shown == 1).sum() == 36 * 36 - 64


def test_the_same_thing_by_two_names_is_one_object() -> None:
    """The window and its repetition have an IoU of 56/72 = .78."""
    assert instance.without_covered(nested(), 0.75).class_ids.tolist() == [1, 2]
    assert instance.without_covered(nested(), 0.8).class_ids.tolist() == [1, 2, 3]
    assert instance.without_covered(nested(), 1.0).class_ids.tolist() == [1, 2, 3]


@pytest.mark.parametrize(("module", "approach"), [(semantic, "semantic"), (hybrid, "hybrid")])
def test_dense_approaches_keep_the_classes_apart(module: object, approach: str) -> None:
    truth = discs(SIZE, 12, seed=3, num_classes=3, radius=(6, 8))
    outputs = dense_outputs(truth, 3, 2.0)
    found = module.decode(outputs, SIZE, spec(approach, 3), {**module.POINT_DEFAULTS, "min_area_px": 1.0})  # type: ignore[attr-defined]
    expected = np.concatenate([[0], truth.class_ids])[label_map(truth)]
    assert np.mean(found.class_map == expected) > 0.999
    assert f1_of(found, truth, 3) > 0.99


def test_instance_pastes_masks_back_to_the_labelled_objects() -> None:
    truth = discs(SIZE, 20, seed=5)
    found = instance.decode(instance_outputs(truth), SIZE, spec("instance"), instance.POINT_DEFAULTS)
    t = tally(found.objects, truth, 1)
    assert t.tp[6, 0] == len(truth)  # IoU at least 0.8, from 28 × 28 cells
    assert np.array_equal(found.class_map > 0, found.objects.masks().any(axis=0))


def test_pasting_agrees_with_bilinear_sampling_at_pixel_centres() -> None:
    torch = pytest.importorskip("torch")
    mask = np.random.default_rng(0).random((28, 28), dtype=np.float32)
    box, size = np.array([10.3, 5.6, 41.2, 30.9], dtype=np.float32), (40, 50)
    (x0, y0, x1, y1), crop = instance.paste(mask, box, size, 0.5)
    pasted = np.zeros(size, dtype=bool)
    pasted[y0:y1, x0:x1] = crop
    x = torch.tensor(((np.arange(50) + 0.5 - box[0]) / (box[2] - box[0]) * 2 - 1).astype(np.float32))
    y = torch.tensor(((np.arange(40) + 0.5 - box[1]) / (box[3] - box[1]) * 2 - 1).astype(np.float32))
    grid = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], dim=-1)[None]
    sampled = torch.nn.functional.grid_sample(torch.tensor(mask)[None, None], grid, align_corners=False)[0, 0].numpy()
    clear = np.abs(sampled - 0.5) > 0.03  # OpenCV samples at 1/32 of a cell
    assert np.array_equal(pasted[clear], (sampled >= 0.5)[clear])


def test_masks_cut_by_torchvision_come_back_where_they_were() -> None:
    torch = pytest.importorskip("torch")
    from torchvision.models.detection.roi_heads import project_masks_on_boxes

    truth = discs(SIZE, 20, seed=7)
    boxes, picks = torch.tensor(truth.boxes_xyxy.astype(np.float32)), torch.arange(len(truth))
    cut = project_masks_on_boxes(torch.tensor(truth.masks().astype(np.uint8)), boxes, picks, 28).numpy()
    outputs = {**instance_outputs(truth), "masks": cut}

    def mean_iou(shift: float) -> float:
        found = instance.decode(
            {**outputs, "mask_shift": np.full(2, shift, np.float32)}, SIZE, spec("instance"), instance.POINT_DEFAULTS
        )
        return float(iou(found.objects, truth).max(axis=1).mean())

    assert mean_iou(instance.MASK_SHIFT_PX) > 0.97
    assert mean_iou(instance.MASK_SHIFT_PX) > max(mean_iou(0.0), mean_iou(1.0))


def test_a_box_outside_the_image_yields_no_object() -> None:
    outputs = instance_outputs(discs(SIZE, 2, seed=0))
    outputs["boxes"] = np.array([[150, 10, 150, 20], [-5, -5, -5, -5]], dtype=np.float32)
    assert len(instance.decode(outputs, SIZE, spec("instance"), instance.POINT_DEFAULTS).objects) == 0


def test_candidates_keep_what_is_not_served() -> None:
    outputs = instance_outputs(discs(SIZE, 8, seed=2))
    outputs["scores"] = np.array([0.9, 0.8, 0.7, 0.6, 0.4, 0.3, 0.1, 0.01], dtype=np.float32)
    served = instance.decode(outputs, SIZE, spec("instance"), instance.POINT_DEFAULTS)
    candidates = instance.decode(outputs, SIZE, spec("instance"), instance.POINT_DEFAULTS, candidates=True)
    assert (len(served.objects), len(candidates.objects)) == (4, 7)


def test_of_two_objects_scored_alike_the_one_of_the_clearer_mask_comes_first() -> None:
    outputs = instance_outputs(discs(SIZE, 3, seed=2))
    outputs["scores"] = np.array([0.8, 0.8, 0.8], dtype=np.float32)
    outputs["masks"] = np.stack([np.full((28, 28), v, dtype=np.float32) for v in (0.75, 1.0, 0.4)])
    outputs["masks"][0, :14] = 0.2  # outside of the mask: says nothing about how clear it is
    found = instance.decode(outputs, SIZE, spec("instance"), instance.POINT_DEFAULTS).objects
    assert found.scores.tolist() == pytest.approx([0.8, 0.6])
    assert instance.sureness(outputs["masks"]).tolist() == pytest.approx([0.75, 1.0, 0])


def test_a_covered_duplicate_is_dropped_and_an_overlapping_neighbour_is_kept() -> None:
    a, b, c = np.zeros((3, 30, 30), dtype=bool)
    a[5:20, 5:20], b[6:19, 6:19], c[5:20, 15:29] = True, True, True
    objects = Objects.from_masks([a, b, c], [1, 1, 1], [0.9, 0.8, 0.7], (30, 30))
    assert instance.without_covered(objects, 0.7).scores.tolist() == pytest.approx([0.9, 0.7])


@pytest.mark.parametrize(("module", "approach"), [(semantic, "semantic"), (hybrid, "hybrid"), (instance, "instance")])
def test_an_image_without_objects_yields_none(module: object, approach: str) -> None:
    empty = discs(SIZE, 0, seed=0)
    outputs = instance_outputs(empty) if approach == "instance" else dense_outputs(empty, 1, 1.0)
    for method in (0.0, 1.0):
        found = module.decode(outputs, SIZE, spec(approach), {**module.POINT_DEFAULTS, "method": method})  # type: ignore[attr-defined]
        assert len(found.objects) == 0
        assert not found.class_map.any()


def test_objects_come_best_score_first_and_none_under_the_smallest_area() -> None:
    truth = discs(SIZE, 20, seed=4)
    found = hybrid.decode(
        dense_outputs(truth, 1, 2.0), SIZE, spec("hybrid"), {**hybrid.POINT_DEFAULTS, "min_area_px": 200}
    )
    assert np.all(np.diff(found.objects.scores) <= 0)
    assert 0 < len(found.objects) < len(truth)
    assert found.objects.areas_px.min() >= 200
