"""A single-stage network: a score and a box at every location, and a mask by filters of each object's own.

Scores and boxes as in FCOS (Tian et al. 2019), see `fcos_learning`. Tian, Shen and Chen 2020, "Conditional convolutions
for instance segmentation": a small network, whose weights are predicted for each object, turns features that all share
into its mask. Other than there, that network sees the features inside the box alone (RoIAlign): its cost is a constant
per object, whatever the image's size.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import FeaturePyramidNetwork, batched_nms, clip_boxes_to_image, roi_align
from torchvision.ops import generalized_box_iou_loss as giou_loss

from segwise.models import fcos_learning as learning
from segwise.models.encoder import Encoder
from segwise.models.fcos_learning import MASK_SIDE
from segwise.models.params import InstanceParams

LEVELS = (4, 8, 16, 32)
FILTER_WIDTHS = (8, 8, 1)  # of an object's own layers
PRIOR = 0.02  # score of every location before training: objects are rare
BOX_WEIGHT = 2.0  # of the boxes' loss beside the others
LARGEST_LOG_SIDE = 6.0  # a side is at most e^6 strides


class Dense(NamedTuple):
    """What is answered at the P locations of all levels, and what masks are made of.

    `logits` (B, K, P), `boxes` xyxy (B, 4, P) and `features` (B, 2C, P); x and y of the locations `points` (P, 2), the
    strides of their levels `steps` (P,); `masks` (B, M, h/2, w/2).
    """

    logits: Tensor
    boxes: Tensor
    features: Tensor
    points: Tensor
    steps: Tensor
    masks: Tensor


class FcosMask(nn.Module):
    """Scores and a box at each location of a feature pyramid, then a 28×28 mask for each box that is kept. Images are
    normalised, sides multiples of 32.

    Args:
        num_classes: K, without the background.
    """

    mask_shift_px = 0.0

    def __init__(self, encoder: Encoder, params: InstanceParams, num_classes: int) -> None:
        super().__init__()
        self.encoder, self.params = encoder, params
        self.levels = tuple(stride for stride in LEVELS if stride in encoder.channels)
        width, skip = params.pyramid_width, encoder.channels.get(self.levels[0] // 2, 0)
        self.pyramid = FeaturePyramidNetwork(
            [encoder.channels[stride] for stride in self.levels], width, norm_layer=nn.BatchNorm2d
        )
        self.class_tower = Tower(width, params.tower_layers, len(self.levels))
        self.box_tower = Tower(width, params.tower_layers, len(self.levels))
        self.scores = _head(width, num_classes, bias=torch.logit(torch.tensor(PRIOR)).item())
        self.sides = _head(width, 4, bias=1.0)
        self.scales = nn.Parameter(torch.ones(len(self.levels)))
        self.mask_features = MaskFeatures(width, skip, params.mask_channels, num_classes)
        self.filters = nn.Linear(2 * width, _num_weights(params.mask_channels + 2))
        nn.init.normal_(self.filters.weight, std=0.01)

    @property
    def mask_stride(self) -> int:
        """Of the features that masks are made of."""
        return self.levels[0] // 2

    def _dense(self, image: Tensor) -> Dense:
        found = self.encoder(image)
        maps = list(self.pyramid(OrderedDict((str(s), found[s]) for s in self.levels)).values())
        points, steps = locations([(m.shape[2], m.shape[3]) for m in maps], self.levels, image.device)
        logits, sides, features = [], [], []
        for level, x in enumerate(maps):
            of_class, of_box = self.class_tower(x, level), self.box_tower(x, level)
            logits.append(self.scores(of_class).flatten(2))
            sides.append((self.sides(of_box) * self.scales[level]).flatten(2))
            features.append(torch.cat((of_class, of_box), dim=1).flatten(2))
        left, top, right, bottom = (torch.cat(sides, dim=2).clamp(max=LARGEST_LOG_SIDE).exp() * steps).unbind(1)
        x, y = points.unbind(1)
        boxes = torch.stack((x - left, y - top, x + right, y + bottom), dim=1)
        masks = self.mask_features(maps[0], found.get(self.mask_stride))
        return Dense(torch.cat(logits, dim=2), boxes, torch.cat(features, dim=2), points, steps, masks)

    def _mask_logits(self, masks: Tensor, boxes: list[Tensor], features: Tensor) -> Tensor:
        """Float (N, 28, 28) of the boxes of all images (xyxy, one tensor per image), `features` (N, 2C)."""
        x = roi_align(masks, boxes, MASK_SIDE, 1 / self.mask_stride, sampling_ratio=1, aligned=True).flatten(2)
        x = torch.cat((x, _grid(x).expand(x.shape[0], -1, -1)), dim=1)
        for number, (weight, bias) in enumerate(_layers(self.filters(features), masks.shape[1] + 2)):
            x = torch.matmul(weight, x if number == 0 else x.relu()) + bias
        return x.reshape(-1, MASK_SIDE, MASK_SIDE)

    def losses(self, image: Tensor, objects: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """Losses of a batch (B, 3, h, w) whose images have `boxes` (N, 4), `labels` (N,), `masks` (N, h, w) and
        `ignored` bool (h, w): what lies there and belongs to no object is neither rewarded nor punished.

        Batch normalisation learns in training mode only.
        """
        dense = Dense(*(value.float() for value in self._dense(image)))  # boxes and losses in full precision
        quality = torch.zeros_like(dense.logits)
        counts = torch.stack([~learning.lies_in(item["ignored"], dense.points) for item in objects])
        sides, rois, features, covered = [], [], [], []
        for number, item in enumerate(objects):
            owners = learning.assign(dense.points, dense.steps, item["boxes"])
            at = torch.nonzero(owners >= 0)[:, 0]
            counts[number, at] = True
            owners, boxes, truth = owners[at], dense.boxes[number][:, at].T, item["boxes"][owners[at]]
            overlaps = learning.paired_iou(boxes.detach(), truth)
            quality[number, item["labels"][owners] - 1, at] = overlaps
            sides.append(giou_loss(boxes, truth))
            some = torch.randperm(len(at), device=at.device)[: self.params.masks_per_image]
            rois.append(torch.where(overlaps[some, None] >= 0.5, boxes[some].detach(), truth[some]))
            features.append(dense.features[number][:, at[some]].T)
            covered.append(learning.covered(item["masks"], owners[some], rois[-1]))
        count = max(sum(map(len, sides)), 1)
        scores, wanted = (value.transpose(1, 2)[counts] for value in (dense.logits, quality))
        shapes = self._mask_logits(dense.masks, rois, torch.cat(features)).float()
        return {
            "score": learning.quality_focal_loss(scores, wanted) / count,
            "box": BOX_WEIGHT * torch.cat(sides).sum() / count,
            "mask": learning.mask_loss(shapes, torch.cat(covered)),
            "pixel": self._pixel_loss(dense, objects, image.shape[2:]),
        }

    def _pixel_loss(self, dense: Dense, objects: list[dict[str, Tensor]], size: Sequence[int]) -> Tensor:
        logits = self.mask_features.classes(dense.masks).float()
        shares = [learning.class_shares(item, logits.shape[1], size, self.mask_stride) for item in objects]
        ignored = torch.stack([item["ignored"] for item in objects])[:, None].to(logits.dtype)
        known = (functional.max_pool2d(ignored, self.mask_stride) == 0).to(logits.dtype).expand_as(logits)
        losses = functional.binary_cross_entropy_with_logits(logits, torch.stack(shares), weight=known, reduction="sum")
        return losses / known.sum().clamp(min=1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """One image (1, 3, h, w) → `boxes` xyxy (N, 4) in its pixels, `labels` int64 (N,), `scores` (N,), `masks`
        (N, 28, 28), probabilities inside the box."""
        dense, p = self._dense(image), self.params
        all_scores = dense.logits[0].sigmoid()
        labels, at = torch.nonzero(all_scores > p.min_score).unbind(1)
        scores = all_scores[labels, at]
        order = scores.argsort(descending=True)[: p.max_proposals * len(self.levels)]
        labels, at, scores = labels[order], at[order], scores[order]
        boxes = clip_boxes_to_image(dense.boxes[0].T[at], (image.shape[2], image.shape[3]))
        kept = batched_nms(boxes, scores, labels, p.max_overlap)[: p.max_objects]
        masks = self._mask_logits(dense.masks, [boxes[kept]], dense.features[0].T[at[kept]])
        return boxes[kept], labels[kept] + 1, scores[kept], masks.sigmoid()


class Tower(nn.Module):
    """3×3 convolutions that the levels share, with a normalisation of each level's own: their statistics differ."""

    def __init__(self, width: int, num_layers: int, num_levels: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1, bias=False) for _ in range(num_layers))
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(num_layers * num_levels))

    def forward(self, x: Tensor, level: int) -> Tensor:
        first = level * len(self.convs)
        for number, conv in enumerate(self.convs):
            x = functional.relu(self.norms[first + number](conv(x)))
        return x


class MaskFeatures(nn.Module):
    """What masks are made of: the finest level of the pyramid at twice its size, with the encoder's own features there.
    `classes` says the class of each pixel from them, in training alone, so that they learn fast."""

    def __init__(self, width: int, skip: int, channels: int, num_classes: int) -> None:
        super().__init__()
        self.reduce = _conv(width, 32)
        self.refine = nn.Sequential(_conv(32 + skip, 32), nn.Conv2d(32, channels, 1))
        self.classes = nn.Conv2d(channels, num_classes, 1)

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        x = functional.interpolate(self.reduce(x), scale_factor=2.0, mode="nearest")
        found: Tensor = self.refine(x if skip is None else torch.cat((x, skip), dim=1))
        return found


def locations(sizes: Sequence[tuple[int, int]], strides: Sequence[int], device: torch.device) -> tuple[Tensor, Tensor]:
    """Centres (x, y) of the cells of maps of `sizes` (h, w), float (P, 2), row by row, level by level; and the strides
    of their levels, float (P,). In pixels of the network's input."""
    points, steps = [], []
    for (height, width), stride in zip(sizes, strides, strict=True):
        y, x = torch.meshgrid(
            torch.arange(height, device=device), torch.arange(width, device=device), indexing="ij"
        )  # sizes may be traced: nothing here may ask a tensor for its length
        points.append((torch.stack((x, y), dim=-1).reshape(-1, 2) + 0.5) * stride)
        steps.append(torch.full_like(points[-1][:, 0], float(stride)))
    return torch.cat(points), torch.cat(steps)


def _conv(inputs: int, outputs: int) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def _head(inputs: int, outputs: int, bias: float) -> nn.Conv2d:
    conv = nn.Conv2d(inputs, outputs, 3, padding=1)
    nn.init.normal_(conv.weight, std=0.01)
    nn.init.constant_(conv.bias, bias)  # type: ignore[arg-type]  # it has one
    return conv


def _grid(like: Tensor) -> Tensor:
    """x and y of the cells of a box in units of half its sides from its centre, float (1, 2, 28 · 28)."""
    side = (torch.arange(MASK_SIDE, dtype=like.dtype, device=like.device) + 0.5) / MASK_SIDE * 2 - 1
    y, x = torch.meshgrid(side, side, indexing="ij")
    return torch.stack((x, y)).reshape(1, 2, -1)


def _shapes(inputs: int) -> list[tuple[int, int]]:
    """(outputs, inputs) of an object's own layers."""
    return [(b, a) for a, b in pairwise((inputs, *FILTER_WIDTHS))]


def _num_weights(inputs: int) -> int:
    return sum(b * a + b for b, a in _shapes(inputs))


def _layers(flat: Tensor, inputs: int) -> list[tuple[Tensor, Tensor]]:
    """Weights (N, b, a) and biases (N, b, 1) of the layers out of `flat` (N, all of them)."""
    layers, start = [], 0
    for b, a in _shapes(inputs):
        weight, bias = flat[:, start : start + b * a], flat[:, start + b * a : start + b * a + b]
        layers.append((weight.reshape(-1, b, a), bias.reshape(-1, b, 1)))
        start += b * a + b
    return layers
