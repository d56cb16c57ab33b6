"""What the single-stage network learns: which location learns which object, and the losses. Pure.

Tian et al. 2019, "FCOS: fully convolutional one-stage object detection" (levels by size, centre sampling); Li et al.
2020, "Generalized focal loss" (the score learns the overlap of the box it comes with).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.ops import roi_align

RADIUS = 1.5  # a location learns an object whose centre is this many of its strides away, at most, on either axis
SIDE_IN_STRIDES = 8.0  # the longest object of a level (square root of its box's area), in strides of that level
MASK_SIDE = 28


def assign(points: Tensor, steps: Tensor, boxes: Tensor) -> Tensor:
    """The object that each location learns, int64 (P,): an index of `boxes`, or -1 for none.

    An object is learnt on one level, by the locations inside its box and within RADIUS strides of its centre, and
    always by the nearest, so that none is too small to be learnt. Of several objects the one of smallest area wins.

    Args:
        points: x and y of the locations, float (P, 2).
        steps: strides of their levels, float (P,).
        boxes: xyxy float (N, 4).
    """
    if not len(boxes):
        return torch.full((len(points),), -1, dtype=torch.int64, device=points.device)
    areas, centers = area(boxes), (boxes[:, :2] + boxes[:, 2:]) / 2
    gaps = (points[:, None] - centers).abs().amax(-1)
    is_inside = torch.cat((points[:, None] - boxes[:, :2], boxes[:, 2:] - points[:, None]), dim=-1).amin(-1) > 0
    is_level = steps[:, None] == _level_of(areas.sqrt(), steps)
    nearest = torch.where(is_level, gaps, torch.inf).argmin(0)
    learns = is_level & is_inside & (gaps <= RADIUS * steps[:, None])
    learns[nearest, torch.arange(len(boxes), device=boxes.device)] = True
    least, index = torch.where(learns, areas, torch.inf).min(1)
    return torch.where(least.isinf(), -1, index)


def _level_of(side: Tensor, steps: Tensor) -> Tensor:
    """The stride of the level for objects of `side` (N,): the finest whose SIDE_IN_STRIDES they do not exceed."""
    strides: Tensor = steps.unique()  # type: ignore[no-untyped-call]  # torch has no type for it
    return strides[torch.bucketize(side, SIDE_IN_STRIDES * strides[:-1])]


def quality_focal_loss(logits: Tensor, quality: Tensor) -> Tensor:
    """Cross-entropy against a quality in [0, 1], weighted by the squared error, summed: the generalised focal loss with
    β = 2."""
    gap = (logits.sigmoid() - quality).square()
    return (gap * functional.binary_cross_entropy_with_logits(logits, quality, reduction="none")).sum()


def lies_in(region: Tensor, points: Tensor) -> Tensor:
    """Whether each point (x, y) of float (P, 2), pixels, lies in the region, bool (h, w): bool (P,)."""
    height, width = region.shape
    x, y = points.long().unbind(1)
    return region[y.clamp(0, height - 1), x.clamp(0, width - 1)]


def mask_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy plus 1 − soft Dice (Milletari et al. 2016), mean over the objects; of none 0.

    Args:
        logits, target: float (N, m, m); the target is the covered share of each cell, in [0, 1].
    """
    if not len(logits):
        return logits.sum()
    share = logits.sigmoid()
    both, sizes = (share * target).sum((1, 2)), (share.square() + target.square()).sum((1, 2))
    dice = 1 - (2 * both + 1) / (sizes + 1)
    return functional.binary_cross_entropy_with_logits(logits, target) + dice.mean()


def covered(masks: Tensor, index: Tensor, boxes: Tensor) -> Tensor:
    """The covered share of each of the 28×28 cells of `boxes` (N, 4), float (N, 28, 28).

    Args:
        masks: (M, h, w), 0 or 1.
        index: whose mask each box cuts, int64 (N,).
    """
    places = torch.cat((index[:, None].to(boxes.dtype), boxes), dim=1)
    shares: Tensor = roi_align(masks[:, None].to(boxes.dtype), places, MASK_SIDE, sampling_ratio=2, aligned=True)
    return shares[:, 0]


def class_shares(objects: dict[str, Tensor], num_classes: int, size: Sequence[int], stride: int) -> Tensor:
    """The share of each cell of `stride` pixels that each class covers, float (K, h / stride, w / stride)."""
    masks, labels = objects["masks"], objects["labels"].tolist()
    out = objects["boxes"].new_zeros((num_classes, *size))
    for label, mask in zip(labels, masks, strict=True):
        out[label - 1] = torch.maximum(out[label - 1], mask.to(out.dtype))
    return functional.avg_pool2d(out, stride)


def paired_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of box i of `a` with box i of `b`, xyxy float (N, 4) → (N,)."""
    low, high = torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])
    both = (high - low).clamp(min=0).prod(1)
    return both / (area(a) + area(b) - both).clamp(min=1e-6)


def area(boxes: Tensor) -> Tensor:
    """Areas of boxes, xyxy (N, 4) → (N,)."""
    return (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(1)
