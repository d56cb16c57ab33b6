"""The dense network: one training serves `semantic` (class scores) and `hybrid` (class scores and object heads)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from segwise.models.encoder import Encoder

STRIDES = (16, 8, 4, 2)
OFFSET_UNIT_PX = 8.0  # the offset head answers in this unit, so that its weights have the size of the others'


class DenseNet(nn.Module):
    """U-Net decoder to stride 2 with four heads.

    Args:
        widths: decoder channels at strides 16, 8, 4, 2.
        num_classes: K, without the background.
    """

    def __init__(self, encoder: Encoder, widths: Sequence[int], num_classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        below = (encoder.channels[32], *widths[:-1])
        skips = [encoder.channels.get(stride, 0) for stride in STRIDES]
        self.blocks = nn.ModuleList(
            nn.Sequential(_conv(a + skip, b), _conv(b, b)) for a, skip, b in zip(below, skips, widths, strict=True)
        )
        self.classes = nn.Conv2d(widths[-1], num_classes + 1, 3, padding=1)
        self.objects = nn.Sequential(_conv(widths[-1], 32), nn.Conv2d(32, 4, 1))
        nn.init.constant_(self.objects[1].bias[:1], -3.0)  # type: ignore[index]  # centres are rare: start at 5 %

    def decode(self, image: Tensor) -> Tensor:
        """Float (B, 3, h, w), normalised, sides multiples of 32 → features (B, widths[-1], h / 2, w / 2)."""
        features = self.encoder(image)
        x: Tensor = features[32]
        for stride, block in zip(STRIDES, self.blocks, strict=True):
            x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = block(torch.cat((x, features[stride]), dim=1) if stride in features else x)
        return x

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """`logits` (B, K+1, h/2, w/2); `center` and `distance` logits (B, 1, h/2, w/2); `offset` (B, 2, h/2, w/2),
        (dy, dx) in network-input pixels from each pixel to its object's centre."""
        x = self.decode(image)
        center, distance, offset = self.objects(x).split((1, 1, 2), dim=1)
        return {
            "logits": self.classes(x),
            "center": center,
            "offset": offset * OFFSET_UNIT_PX,
            "distance": distance,
        }


def _conv(inputs: int, outputs: int) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))
