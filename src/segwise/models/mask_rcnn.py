"""Mask R-CNN on a feature pyramid of the encoder: torchvision's heads without its transform, which would resize."""

from __future__ import annotations

from collections import OrderedDict
from typing import cast

from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign, box_iou

from segwise.models.encoder import Encoder
from segwise.models.fcos_learning import lies_in
from segwise.models.params import InstanceParams

LEVELS = (4, 8, 16, 32)
RATIOS = (0.5, 1.0, 2.0)
FOREGROUND_IOU = 0.5  # of a proposal with an object, from which it is that object's


class MaskRcnn(nn.Module):
    """Region proposals, then a class, a box and a 28×28 mask for each. Images are normalised, sides multiples of 32.

    Args:
        num_classes: K, without the background.
    """

    # torchvision cuts training masks with roi_align(aligned=False), which takes a pixel's index for its centre: what is
    # learnt lies this many input pixels up and left of the box, on both axes
    mask_shift_px = 0.5

    def __init__(self, encoder: Encoder, params: InstanceParams, num_classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.levels = tuple(stride for stride in LEVELS if stride in encoder.channels)
        width = params.pyramid_width
        self.pyramid = FeaturePyramidNetwork(
            [encoder.channels[stride] for stride in self.levels], width, norm_layer=nn.BatchNorm2d
        )
        sizes = [size for stride, size in zip(LEVELS, params.anchor_sizes_px, strict=True) if stride in self.levels]
        self.proposals = _proposals(width, tuple(sizes), params)
        self.heads = _heads(width, [str(stride) for stride in self.levels], params, num_classes)
        nn.init.normal_(
            self.heads.mask_predictor.mask_fcn_logits.weight, std=0.01
        )  # torchvision's start is 100 × larger

    def _features(self, image: Tensor) -> OrderedDict[str, Tensor]:
        found = self.encoder(image)
        return cast("OrderedDict[str, Tensor]", self.pyramid(OrderedDict((str(s), found[s]) for s in self.levels)))

    def losses(self, image: Tensor, objects: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """Losses of a batch (B, 3, h, w) whose images have `boxes` (N, 4), `labels` (N,), `masks` (N, h, w) and
        `ignored` bool (h, w): what lies there and belongs to no object is neither rewarded nor punished.

        Batch normalisation learns in training mode only; it lies in the encoder and the pyramid.
        """
        features = self._features(image)
        images = ImageList(image, [(int(image.shape[2]), int(image.shape[3]))] * len(image))
        was_training = self.training
        self.proposals.train()  # torchvision's parts answer losses in training mode only
        self.heads.train()
        boxes, first = self.proposals(images, features, objects)
        boxes = [_known(found, item) for found, item in zip(boxes, objects, strict=True)]
        _, second = self.heads(features, boxes, images.image_sizes, objects)
        self.proposals.train(was_training)
        self.heads.train(was_training)
        return {**first, **second}

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """One image (1, 3, h, w) → `boxes` xyxy (N, 4) in its pixels, `labels` int64 (N,), `scores` (N,), `masks`
        (N, 28, 28), probabilities inside the box."""
        features = self._features(image)
        size = (image.shape[2], image.shape[3])
        boxes, _ = self.proposals(ImageList(image, [size]), features)
        found, _ = self.heads(features, boxes, [size])
        return found[0]["boxes"], found[0]["labels"], found[0]["scores"], found[0]["masks"][:, 0]


class _Proposals(RegionProposalNetwork):  # type: ignore[misc]  # torchvision is not typed
    """torchvision's, in which an anchor without an object that lies in an ignored region is asked for nothing."""

    def assign_targets_to_anchors(
        self, anchors: list[Tensor], targets: list[dict[str, Tensor]]
    ) -> tuple[list[Tensor], list[Tensor]]:
        labels, boxes = super().assign_targets_to_anchors(anchors, targets)
        for found, own, item in zip(labels, anchors, targets, strict=True):
            found[(found == 0) & lies_in(item["ignored"], _centres(own))] = -1
        return labels, boxes


def _known(boxes: Tensor, objects: dict[str, Tensor]) -> Tensor:
    """The proposals, xyxy (N, 4), that the heads may learn from: those of an object, or outside of ignored regions."""
    is_unknown = lies_in(objects["ignored"], _centres(boxes))
    if len(objects["boxes"]) and len(boxes):
        is_unknown &= box_iou(boxes, objects["boxes"]).amax(1) < FOREGROUND_IOU
    return boxes[~is_unknown]


def _centres(boxes: Tensor) -> Tensor:
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def _proposals(width: int, sizes: tuple[float, ...], params: InstanceParams) -> RegionProposalNetwork:
    anchors = AnchorGenerator(tuple((size,) for size in sizes), (RATIOS,) * len(sizes))
    training, testing = params.max_proposals, params.max_proposals
    return _Proposals(
        anchors,
        RPNHead(width, len(RATIOS)),
        fg_iou_thresh=0.7,
        bg_iou_thresh=0.3,
        batch_size_per_image=256,
        positive_fraction=0.5,
        pre_nms_top_n={"training": training, "testing": testing},
        post_nms_top_n={"training": training, "testing": testing},
        nms_thresh=0.7,
    )


def _heads(width: int, levels: list[str], params: InstanceParams, num_classes: int) -> RoIHeads:
    return RoIHeads(
        MultiScaleRoIAlign(levels, output_size=7, sampling_ratio=2),
        TwoMLPHead(width * 7 * 7, params.box_width),
        FastRCNNPredictor(params.box_width, num_classes + 1),
        fg_iou_thresh=FOREGROUND_IOU,
        bg_iou_thresh=FOREGROUND_IOU,
        batch_size_per_image=params.rois_per_image,
        positive_fraction=0.25,
        bbox_reg_weights=None,
        score_thresh=params.min_score,
        nms_thresh=params.max_overlap,
        detections_per_img=params.max_objects,
        mask_roi_pool=MultiScaleRoIAlign(levels, output_size=14, sampling_ratio=2),
        mask_head=MaskRCNNHeads(width, (width,) * params.mask_layers, 1),
        mask_predictor=MaskRCNNPredictor(width, width, num_classes + 1),
    )
