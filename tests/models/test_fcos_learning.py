from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.ops import box_iou

from segwise.models import fcos_learning as learning
from segwise.models.fcos_mask import _layers, _num_weights, locations
from segwise.predict import instance
from tests.predict.synthetic import discs, instance_outputs, spec

CPU = torch.device("cpu")


def grid(side: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    return locations([(side // s, side // s) for s in (4, 8, 16, 32)], (4, 8, 16, 32), CPU)


def test_locations_are_the_centres_of_the_cells_level_by_level() -> None:
    points, steps = locations([(2, 3), (1, 1)], (4, 8), CPU)
    assert points.tolist() == [[2, 2], [6, 2], [10, 2], [2, 6], [6, 6], [10, 6], [4, 4]]
    assert steps.tolist() == [4] * 6 + [8]


def test_an_object_is_learnt_by_the_locations_around_its_centre_on_the_level_of_its_size() -> None:
    points, steps = grid()
    owners = learning.assign(points, steps, torch.tensor([[8.0, 8, 32, 32], [0.0, 0, 60, 60]]))
    small, large = owners == 0, owners == 1
    assert set(steps[small].tolist()) == {4} and set(steps[large].tolist()) == {8}
    assert (points[small] - 20).abs().max() <= 6 and (points[large] - 30).abs().max() <= 12
    assert small.sum() == 16 and large.sum() == 9  # at 14, 18, 22, 26; at 20, 28, 36


def test_of_two_objects_at_a_location_it_learns_the_smaller() -> None:
    points, steps = grid()
    owners = learning.assign(points, steps, torch.tensor([[0.0, 0, 30, 30], [12.0, 12, 20, 20]]))
    at = ((points == torch.tensor([14.0, 14.0])).all(1) & (steps == 4)).nonzero()
    assert owners[at].item() == 1
    assert (owners == 0).any()


def test_an_object_smaller_than_a_cell_is_learnt_by_the_nearest_location() -> None:
    points, steps = grid()
    owners = learning.assign(points, steps, torch.tensor([[8.2, 8.2, 9.0, 9.0]]))
    assert points[owners == 0].tolist() == [[10.0, 10.0]]


def test_without_objects_nothing_is_learnt() -> None:
    points, steps = grid()
    assert (learning.assign(points, steps, torch.zeros(0, 4)) == -1).all()


def test_the_score_loss_is_least_at_the_quality_and_counts_what_is_far_from_it_more() -> None:
    quality = torch.tensor([0.0, 0.3, 0.9])
    exact = torch.logit(quality, eps=1e-6)
    assert learning.quality_focal_loss(exact, quality).item() == pytest.approx(0, abs=1e-6)
    near, far = (learning.quality_focal_loss(exact[1:] + gap, quality[1:]) for gap in (0.5, 1.0))
    assert far > 4 * near > 0


def test_the_score_loss_is_that_of_the_paper() -> None:
    rng = np.random.default_rng(0)
    logits, quality = rng.standard_normal(20), rng.random(20)
    share = 1 / (1 + np.exp(-logits))
    entropy = -(quality * np.log(share) + (1 - quality) * np.log(1 - share))
    expected = float((np.abs(quality - share) ** 2 * entropy).sum())
    assert learning.quality_focal_loss(torch.tensor(logits), torch.tensor(quality)).item() == pytest.approx(expected)


def test_the_mask_loss_is_nought_for_perfect_masks_and_for_none() -> None:
    target = (torch.rand(3, 28, 28) > 0.5).float()
    assert learning.mask_loss((target - 0.5) * 100, target).item() == pytest.approx(0, abs=1e-4)
    assert learning.mask_loss((0.5 - target) * 100, target) > 1
    assert learning.mask_loss(torch.zeros(0, 28, 28), torch.zeros(0, 28, 28)) == 0


def test_the_overlap_of_pairs_is_the_diagonal_of_all_overlaps() -> None:
    torch.manual_seed(0)
    low = torch.rand(2, 30, 2) * 20
    a, b = torch.cat((low, low + torch.rand(2, 30, 2) * 30), dim=2)
    assert torch.allclose(learning.paired_iou(a, b), box_iou(a, b).diagonal())
    assert learning.paired_iou(torch.zeros(1, 4), torch.zeros(1, 4)).item() == 0


def test_masks_cut_for_training_come_back_where_they_were_without_a_shift() -> None:
    truth = discs((120, 150), 20, seed=7)
    boxes = torch.tensor(truth.boxes_xyxy.astype(np.float32))
    cut = learning.covered(torch.tensor(truth.masks().astype(np.uint8)), torch.arange(len(truth)), boxes).numpy()
    outputs = {**instance_outputs(truth), "masks": cut}

    def wrong_pixels(shift: float) -> int:
        shifted = {**outputs, "mask_shift": np.full(2, shift, np.float32)}
        found = instance.decode(shifted, truth.size, spec("instance"), instance.POINT_DEFAULTS)
        return int((found.objects.masks().any(axis=0) != truth.masks().any(axis=0)).sum())

    assert wrong_pixels(0.0) < 0.02 * truth.masks().sum()
    assert wrong_pixels(0.0) < min(wrong_pixels(0.5), wrong_pixels(-0.5))


def test_cells_of_the_class_shares_hold_the_covered_part() -> None:
    masks = torch.zeros(3, 4, 4)
    masks[0, 0, 0], masks[1, :2, :], masks[2, 0, 1] = 1, 1, 1
    objects = {"boxes": torch.zeros(3, 4), "labels": torch.tensor([1, 2, 1]), "masks": masks}
    assert learning.class_shares(objects, 2, (4, 4), 2).tolist() == [[[0.5, 0], [0, 0]], [[1, 1], [0, 0]]]


def test_the_weights_of_an_objects_layers_are_used_once_each() -> None:
    flat = torch.arange(_num_weights(10), dtype=torch.float32)[None]
    layers = _layers(flat, 10)
    assert [(tuple(w.shape), tuple(b.shape)) for w, b in layers] == [
        ((1, 8, 10), (1, 8, 1)),
        ((1, 8, 8), (1, 8, 1)),
        ((1, 1, 8), (1, 1, 1)),
    ]
    used = torch.cat([part.flatten() for layer in layers for part in layer])
    assert sorted(used.tolist()) == flat[0].tolist()
