from __future__ import annotations

import numpy as np
import pytest
import torch

from segwise.models.losses import center_loss, class_loss, dense_losses, dice_loss, masked_mean
from segwise.models.params import DenseLossParams
from segwise.types import IGNORE_INDEX


def scene(num_classes: int = 2) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    torch.manual_seed(0)
    shapes = {"logits": num_classes + 1, "center": 1, "offset": 2, "distance": 1}
    out = {name: torch.randn(2, channels, 8, 8, requires_grad=True) for name, channels in shapes.items()}
    target = {
        "class_map": torch.randint(0, num_classes + 1, (2, 16, 16)),
        "thing": (torch.rand(2, 1, 8, 8) > 0.5).float(),
        "offset": torch.randn(2, 2, 8, 8),
        "radius": 1 + torch.rand(2, 1, 8, 8) * 9,
        "center": torch.rand(2, 1, 8, 8),
        "distance": torch.rand(2, 1, 8, 8),
    }
    return out, target


def test_ignored_pixels_have_no_gradient() -> None:
    out, target = scene()
    target["class_map"][:, :, :8] = IGNORE_INDEX
    target["thing"][:, :, :, :4] = 0
    sum(dense_losses(out, target, DenseLossParams()).values()).backward()
    for name, value in out.items():
        assert value.grad is not None
        far = value.grad[..., :3]  # column 3 touches counted pixels: the class scores are enlarged before the loss
        assert torch.count_nonzero(far) == 0, name
        assert torch.count_nonzero(value.grad[..., 5:]) > 0, name


def test_an_offset_that_is_off_by_the_same_part_of_its_object_costs_the_same_at_any_size() -> None:
    out, target = scene()
    out = {name: value.detach() for name, value in out.items()}
    larger = {**target, "offset": target["offset"] * 40, "radius": target["radius"] * 40}
    once = dense_losses(out, target, DenseLossParams())["offset"].item()
    again = dense_losses({**out, "offset": out["offset"] * 40}, larger, DenseLossParams())["offset"].item()
    assert again == pytest.approx(once, rel=1e-5)


def test_an_image_of_ignored_pixels_alone_gives_a_finite_loss() -> None:
    out, target = scene()
    target["class_map"][:] = IGNORE_INDEX
    target["thing"][:] = 0
    losses = dense_losses(out, target, DenseLossParams(), torch.tensor([1.0, 2.0, 3.0]))
    assert all(torch.isfinite(value) for value in losses.values())
    assert losses["class"] == 0


@pytest.mark.parametrize("weights", [None, (1.0, 3.0, 0.5)])
def test_the_class_loss_is_the_weighted_mean_of_the_pixels_that_count(weights: tuple[float, ...] | None) -> None:
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((2, 3, 5, 5))
    labels = rng.integers(0, 3, (2, 5, 5))
    labels[0, :2] = IGNORE_INDEX
    per_class = np.ones(3) if weights is None else np.array(weights)
    share = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    image, row, column = np.nonzero(labels != IGNORE_INDEX)
    value = labels[image, row, column]
    expected = -(per_class[value] * np.log(share[image, value, row, column])).sum() / per_class[value].sum()
    given = None if weights is None else torch.tensor(weights, dtype=torch.float64)
    assert class_loss(torch.tensor(logits), torch.tensor(labels), given).item() == pytest.approx(expected)


def test_dice_is_nought_for_a_perfect_answer_and_ignores_absent_classes() -> None:
    labels = torch.zeros(1, 8, 8, dtype=torch.int64)
    labels[:, :4] = 1
    perfect = torch.nn.functional.one_hot(labels, 3).permute(0, 3, 1, 2).float() * 50
    assert dice_loss(perfect, labels).item() == pytest.approx(0, abs=1e-4)
    assert dice_loss(-perfect, labels) > 0.8


def test_the_centre_loss_is_least_at_the_heat_map() -> None:
    heat = torch.rand(1, 1, 6, 6) * 0.9 + 0.05
    valid = torch.ones_like(heat)
    exact = torch.logit(heat)
    assert center_loss(exact, heat, valid) == pytest.approx(0, abs=1e-6)
    assert center_loss(exact + 0.5, heat, valid) > 0


def test_a_mean_over_nothing_is_nought() -> None:
    assert masked_mean(torch.ones(3), torch.zeros(3)) == 0
