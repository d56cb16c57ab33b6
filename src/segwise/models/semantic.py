"""What `semantic` exports of the dense network: the class scores alone."""

from __future__ import annotations

from torch import Tensor, nn

from segwise.models.dense import DenseNet

NETWORK = "dense"
STRIDE_PX = 32
OUTPUTS = ("logits",)
DYNAMIC_AXES = {"image": {2: "h", 3: "w"}, "logits": {2: "h2", 3: "w2"}}


class Graph(nn.Module):
    """Float (1, 3, h, w) → `logits` (1, K+1, h/2, w/2)."""

    def __init__(self, network: DenseNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        return (self.network.classes(self.network.decode(image)),)
