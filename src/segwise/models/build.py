"""A network by its name: built from parameters for training, or from its folder for export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from safetensors.torch import load_file, save_file
from torch import nn

from segwise.config import Section, parse
from segwise.errors import IntegrityError
from segwise.models import encoder as encoders
from segwise.models.dense import DenseNet
from segwise.models.encoder import Encoder
from segwise.models.instance import ARCHITECTURES, InstanceNet
from segwise.models.params import DenseParams, InstanceParams
from segwise.spec import ClassSpec, canonical_json, sha256_of

Classes = tuple[ClassSpec, ...]


class NetworkCard(Section):
    """`network.json`: what export needs beside the weights. `params` are those of the network's training."""

    network: str
    params: dict[str, Any]
    classes: tuple[ClassSpec, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    weights_sha256: str
    value_range: tuple[float, float] | None = None


def build(params: DenseParams | InstanceParams, num_classes: int) -> DenseNet | InstanceNet:
    """The network that `params` describe, with K = `num_classes`; the encoder carries its pretrained weights."""
    encoder = encoders.build(params.encoder)
    if isinstance(params, InstanceParams):
        return ARCHITECTURES[params.architecture](encoder, params, num_classes)
    return DenseNet(encoder, params.decoder_widths, num_classes)


def save(
    folder: Path,
    network: nn.Module,
    name: str,
    params: DenseParams | InstanceParams,
    classes: Classes,
    value_range: tuple[float, float] | None = None,
) -> None:
    """Write `weights.safetensors` and `network.json` of the network called `name`."""
    encoder = cast("Encoder", network.encoder)
    weights = folder / "weights.safetensors"
    save_file({key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}, weights)
    card = NetworkCard(
        network=name,
        params=params.model_dump(mode="json"),
        classes=classes,
        mean=encoder.mean,
        std=encoder.std,
        weights_sha256=sha256_of(weights),
        value_range=value_range,
    )
    (folder / "network.json").write_text(canonical_json(card.model_dump(mode="json")), encoding="utf-8")


def load(folder: Path) -> tuple[DenseNet | InstanceNet, DenseParams | InstanceParams, NetworkCard]:
    """The trained network of `folder`, in evaluation mode.

    Raises:
        IntegrityError: a file is missing or the weights are others than recorded.
    """
    path, weights = folder / "network.json", folder / "weights.safetensors"
    for file in (path, weights):
        if not file.is_file():
            expected = f"a trained network with {file.name}"
            raise IntegrityError(expected, f"none in {folder}", "run `dvc repro` to train it")
    card = parse(NetworkCard, json.loads(path.read_text(encoding="utf-8")), str(path))
    if sha256_of(weights) != card.weights_sha256:
        expected = f"{weights} with SHA-256 {card.weights_sha256}"
        raise IntegrityError(expected, "other bytes", "run `dvc repro` to train it again")
    model: type[DenseParams] | type[InstanceParams] = InstanceParams if card.network == "instance" else DenseParams
    params: DenseParams | InstanceParams = parse(model, card.params, str(path))
    bare = params.model_copy(update={"encoder": params.encoder.model_copy(update={"pretrained": "none"})})
    network = build(bare, len(card.classes))
    network.load_state_dict(load_file(weights))
    return network.eval(), params, card
