"""What `instance` exports: one of the networks that answer objects, chosen by name; they share their methods."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from segwise.models.fcos_mask import FcosMask
from segwise.models.mask_rcnn import MaskRcnn

NETWORK = "instance"
STRIDE_PX = 32
OUTPUTS = ("boxes", "labels", "scores", "masks")
DYNAMIC_AXES = {"image": {2: "h", 3: "w"}, **{name: {0: "n"} for name in OUTPUTS}}
InstanceNet = MaskRcnn | FcosMask
ARCHITECTURES: dict[str, type[MaskRcnn] | type[FcosMask]] = {"mask_rcnn": MaskRcnn, "fcos_mask": FcosMask}


class Graph(nn.Module):
    """The network as it predicts: float (1, 3, h, w) → `boxes` (N, 4), `labels` (N,), `scores` (N,), `masks`
    (N, 28, 28)."""

    def __init__(self, network: InstanceNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        return cast("tuple[Tensor, ...]", self.network(image))


def total(losses: dict[str, Any]) -> Tensor:
    """The sum of the losses."""
    return torch.stack(list(losses.values())).sum()
