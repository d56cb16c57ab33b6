"""What `hybrid` exports of the dense network: the class scores and the heads that tell objects apart."""

from __future__ import annotations

from torch import Tensor, nn

from segwise.models.dense import DenseNet

NETWORK = "dense"
STRIDE_PX = 32
OUTPUTS = ("logits", "center", "offset", "distance")
DYNAMIC_AXES = {"image": {2: "h", 3: "w"}, **{name: {2: "h2", 3: "w2"} for name in OUTPUTS}}


class Graph(nn.Module):
    """Float (1, 3, h, w) → `logits` (1, K+1, h/2, w/2), `center` in [0, 1] (1, 1, h/2, w/2), `offset` (dy, dx) in
    network-input pixels (1, 2, h/2, w/2), `distance` in [0, 1] (1, 1, h/2, w/2)."""

    def __init__(self, network: DenseNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        out = self.network(image)
        return out["logits"], out["center"].sigmoid(), out["offset"], out["distance"].sigmoid()
