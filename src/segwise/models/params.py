"""Parameters of training and export. Light: importing this module imports no deep-learning library."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from segwise.config import Section
from segwise.types import Contrast

Unit = Annotated[float, Field(ge=0, le=1)]
NonNegative = Annotated[float, Field(ge=0)]
Precision = Literal["32-true", "bf16-mixed", "16-mixed"]
Architecture = Literal["mask_rcnn", "fcos_mask"]


class EncoderParams(Section):
    """`name` is any timm encoder; `pretrained` is `packaged` (ImageNet weights of tf_efficientnet_lite0 that are
    installed with segwise), `hub` (timm downloads), `none`, or the path of a .safetensors file."""

    name: str = "tf_efficientnet_lite0"
    pretrained: str = "packaged"


class AugmentParams(Section):
    """Random changes of a training crop; each `*_p` is a probability.

    `turns`: which mirror images and quarter turns are drawn: `all` eight, `mirrored` (left-right and upside down),
    `left-right`, `up-down` or `none`; those that could have been photographed as well.
    `zoom_jitter` 1.25 draws the zoom between `zoom` / 1.25 and `zoom` · 1.25, evenly in its logarithm.
    """

    turns: Literal["all", "mirrored", "left-right", "up-down", "none"] = "all"
    zoom_jitter: Annotated[float, Field(ge=1)] = 1.3
    brightness_p: Unit = 0.5
    colour_p: Unit = 0.5
    invert_p: Unit = 0.1
    grey_p: Unit = 0.1
    blur_p: Unit = 0.1
    noise_p: Unit = 0.1


class TrainParams(Section):
    """What both networks share. `steps` is the budget: the learning rate is annealed over exactly these steps.

    Attributes:
        contrast: `as_is`, or `stretched`: each image's own range of values fills 0..255; see `dataset.contrast`.
        zoom: the image is enlarged by this factor before the network.
        crop_px: side of a training crop, network pixels; a multiple of 32.
        batch_size: crops per step and per device.
        interval: steps between two validations and checkpoints; at most `steps` count.
        patience: validations without a better loss before training stops (the best weights are kept); 0 = never.
        ema_decay: decay of the running average of the weights, which is what is kept; 0 = off.
        balance: image attribute whose values are drawn equally often by weight 1 / count^`balance_power`; none = off.
        ignore_classes: names of classes whose pixels and objects training neither rewards nor punishes.
        workers, threads: loader processes, and CPU threads of the arithmetic; both can change the last bits.
    """

    encoder: EncoderParams = EncoderParams()
    contrast: Contrast = "as_is"
    zoom: PositiveFloat = 1.75
    crop_px: Annotated[int, Field(gt=0, multiple_of=32)] = 256
    batch_size: PositiveInt = 8
    steps: PositiveInt = 330
    interval: PositiveInt = 66
    lr: PositiveFloat = 3e-3
    encoder_lr_scale: PositiveFloat = 0.5
    weight_decay: NonNegative = 1e-2
    warmup: Unit = 0.1
    gradient_clip: NonNegative = 5.0
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0
    patience: Annotated[int, Field(ge=0)] = 0
    balance: str | None = "modality"
    balance_power: Unit = 0.5
    ignore_classes: tuple[str, ...] = ()
    augment: AugmentParams = AugmentParams()
    seed: Annotated[int, Field(ge=0)] = 0
    precision: Precision = "32-true"
    accelerator: str = "auto"
    devices: PositiveInt | Literal["auto"] = "auto"
    strategy: str = "auto"
    workers: Annotated[int, Field(ge=0)] = 0
    threads: PositiveInt = 2


class DenseLossParams(Section):
    """Weights of the dense network's losses, added to cross-entropy. `offset` is per radius of the object."""

    dice: NonNegative = 1.0
    center: NonNegative = 1.0
    offset: NonNegative = 1.0
    distance: NonNegative = 1.0


class DenseParams(TrainParams):
    """The network of `semantic` and `hybrid`: an encoder and a U-Net decoder to stride 2.

    `decoder_widths`: channels at strides 16, 8, 4 and 2. `class_weights`: weight of a class in cross-entropy, by name
    (also `background`); a class not named has 1.
    """

    decoder_widths: tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt] = (96, 48, 32, 24)
    loss: DenseLossParams = DenseLossParams()
    class_weights: dict[str, PositiveFloat] = Field({})


class InstanceParams(TrainParams):
    """An instance network on a feature pyramid of the encoder.

    Attributes:
        architecture: `mask_rcnn`, two stages, or `fcos_mask`, a single one: about a quarter of the time per image.
        pyramid_width: channels of the pyramid; for `fcos_mask` of its head as well.
        anchor_sizes_px: `mask_rcnn`: side of the anchors at strides 4, 8, 16 and 32, network pixels.
        box_width: `mask_rcnn`: units of the box head's two layers.
        mask_layers: `mask_rcnn`: 3×3 convolutions of the mask head.
        tower_layers: `fcos_mask`: 3×3 convolutions before scores and before boxes.
        mask_channels: `fcos_mask`: channels of the features that masks are made of.
        rois_per_image: `mask_rcnn`: proposals sampled for the heads' losses in training, a quarter with an object.
        masks_per_image: `fcos_mask`: locations with an object that masks are learnt from in training.
        max_proposals: boxes per level of the pyramid that are looked at in inference, the best ones.
        max_objects: most objects per image that the graph answers.
        min_score: objects below are never answered.
        max_overlap: boxes of one class that overlap more (IoU) are one object.
    """

    zoom: PositiveFloat = 1.5
    steps: PositiveInt = 250
    interval: PositiveInt = 50
    lr: PositiveFloat = 3e-3
    augment: AugmentParams = AugmentParams(zoom_jitter=1.25)
    architecture: Architecture = "fcos_mask"
    pyramid_width: PositiveInt = 64
    anchor_sizes_px: tuple[PositiveFloat, PositiveFloat, PositiveFloat, PositiveFloat] = (12, 24, 48, 96)
    box_width: PositiveInt = 256
    mask_layers: PositiveInt = 3
    tower_layers: PositiveInt = 1
    mask_channels: PositiveInt = 8
    rois_per_image: PositiveInt = 64
    masks_per_image: PositiveInt = 24
    max_proposals: PositiveInt = 1000
    max_objects: PositiveInt = 600
    min_score: Unit = 0.05
    max_overlap: Unit = 0.5


class ConvertParams(Section):
    """`opset` of the ONNX graph; `max_abs_diff` is how far its outputs may be from the trained network's."""

    opset: Annotated[int, Field(ge=13)] = 17
    max_abs_diff: PositiveFloat = 1e-3
