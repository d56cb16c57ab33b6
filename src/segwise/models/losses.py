"""Losses of the dense network. Every mean runs over the pixels that count; none counting gives 0."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from segwise.models.params import DenseLossParams
from segwise.types import IGNORE_INDEX


def dense_losses(
    out: dict[str, Tensor], target: dict[str, Tensor], params: DenseLossParams, weights: Tensor | None = None
) -> dict[str, Tensor]:
    """Each loss, already weighted.

    Args:
        out: the answer of `DenseNet`, heads at stride 2.
        target: `class_map` int64 (B, h, w); `center`, `distance`, `thing`, `radius` float (B, 1, h/2, w/2), `offset`
            (B, 2, h/2, w/2) as made by `dataset.dense_targets`; `thing` is 1 on countable objects. An offset's error
            counts in radii of its object, so that a large one does not outweigh the class scores.
        weights: loss weight of each class, float (K+1,).
    """
    logits = functional.interpolate(out["logits"].float(), scale_factor=2.0, mode="bilinear", align_corners=False)
    class_map, thing = target["class_map"], target["thing"]
    valid = (class_map[:, None, ::2, ::2] != IGNORE_INDEX).float()
    distance = (out["distance"].float().sigmoid() - target["distance"]).abs()
    offset = (out["offset"].float() - target["offset"]).abs().sum(1, True) / target["radius"].clamp(min=1)
    return {
        "class": class_loss(logits, class_map, weights),
        "dice": params.dice * dice_loss(logits, class_map),
        "center": params.center * center_loss(out["center"].float(), target["center"], valid),
        "offset": params.offset * masked_mean(offset, thing),
        "distance": params.distance * masked_mean(distance, valid),
    }


def class_loss(logits: Tensor, class_map: Tensor, weights: Tensor | None) -> Tensor:
    """Cross-entropy of logits (B, K+1, h, w) against int64 (B, h, w); ignored pixels have no gradient."""
    total = functional.cross_entropy(logits, class_map, weight=weights, ignore_index=IGNORE_INDEX, reduction="sum")
    counted = class_map != IGNORE_INDEX
    if weights is None:
        return total / counted.sum().clamp(min=1)
    return total / weights[class_map[counted]].sum().clamp(min=1e-6)


def dice_loss(logits: Tensor, class_map: Tensor) -> Tensor:
    """1 − soft Dice over the batch, mean over the classes (without background) that occur in it."""
    valid = (class_map != IGNORE_INDEX)[:, None]
    truth = functional.one_hot(class_map.clamp(max=logits.shape[1] - 1), logits.shape[1]).permute(0, 3, 1, 2) * valid
    share = logits.softmax(1) * valid
    both, sizes = (share * truth).sum((0, 2, 3))[1:], (share + truth).sum((0, 2, 3))[1:]
    present = truth.sum((0, 2, 3))[1:] > 0
    dice = 1 - (2 * both + 1) / (sizes + 1)
    return (dice * present).sum() / present.sum().clamp(min=1)


def center_loss(logits: Tensor, heat: Tensor, valid: Tensor) -> Tensor:
    """Focal cross-entropy against a soft heat map in [0, 1]: pixels answered well weigh little (quality focal loss)."""
    gap = (logits.sigmoid() - heat).abs().square()
    total = (gap * functional.binary_cross_entropy_with_logits(logits, heat, reduction="none") * valid).sum()
    return total / (heat * valid).sum().clamp(min=1)


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of `values` where `mask` is 1."""
    return torch.sum(values * mask) / mask.sum().clamp(min=1)
