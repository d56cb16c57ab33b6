"""The trained network, run in torch, with its preprocessing written once more: what shipped answers are held against.

Nothing here is shared with the Predictor but the decoders, which turn outputs into objects at the operating point: a
fault between an image and the network (channels in another order, another size, padding or normalisation), or in the
exported graph, is in one of the two only. What the network was trained with comes from its own folder.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from segwise.errors import IntegrityError
from segwise.models import build, hybrid, instance, semantic
from segwise.predict.cascade import PARTS, Cascade, read_cascade
from segwise.predict.predictor import Outputs, Predictor, read_model
from segwise.spec import CASCADE_FILE, ModelSpec
from segwise.types import Image

GRAPHS: dict[str, ModuleType] = {"semantic": semantic, "hybrid": hybrid, "instance": instance}
BLACK, WHITE = 0.005, 0.998  # quantiles of an image's values that `contrast: stretched` makes 0 and 255
LEAST_RANGE = 16


class Reference(Predictor):
    """The network of `trained` (weights.safetensors, network.json) with the operating point of a model folder."""

    def __init__(self, spec: ModelSpec, trained: Path) -> None:
        super().__init__(None, spec)
        network, params, card = build.load(trained / GRAPHS[spec.approach].NETWORK)
        if card.classes != spec.classes:
            came = f"{[c.name for c in card.classes]} in {trained}, {[c.name for c in spec.classes]} in the package"
            raise IntegrityError("a package of the classes that were trained", came, "`dvc repro`")
        self._graph = GRAPHS[spec.approach].Graph(network)
        self._mean, self._std, self._contrast = card.mean, card.std, params.contrast
        self._shift = float(getattr(network, "mask_shift_px", 0.0))

    def outputs(self, image: Image, zoom: float | None = None) -> Outputs:
        """See `Predictor.outputs`."""
        factor = self.spec.zoom if zoom is None else zoom
        pixels = stretched(image) if self._contrast == "stretched" else image
        tensor, (height, width) = prepared(pixels, factor, self.spec.stride_px, self._mean, self._std)
        with torch.inference_mode():
            found = [value.numpy() for value in self._graph(tensor)]
        if self.spec.approach == "instance":
            scale = np.array([image.shape[1] / width, image.shape[0] / height], dtype=np.float32)
            boxes = np.asarray(found[0] * np.concatenate([scale, scale]), dtype=np.float32)
            return {"boxes": boxes, **dict(zip(instance.OUTPUTS[1:], found[1:], strict=True)),
                    "mask_shift": self._shift * scale}  # fmt: skip
        cropped = [np.ascontiguousarray(value[:, :, : height // 2, : width // 2]) for value in found]
        return dict(zip(GRAPHS[self.spec.approach].OUTPUTS, cropped, strict=True))


def load(model: Path, trained: Path) -> Predictor | Cascade:
    """The reference of a model folder, or of a cascade's, made of the networks in `trained` (work/train).

    Raises:
        IntegrityError: a network is missing, changed, or of other classes.
    """
    if (model / CASCADE_FILE).is_file():
        cheap, other = (Reference(read_model(model / part), trained) for part in PARTS)
        return Cascade(cheap, other, read_cascade(model))
    return Reference(read_model(model), trained)


def prepared(
    image: Image, zoom: float, stride_px: int, mean: tuple[float, ...], std: tuple[float, ...]
) -> tuple[torch.Tensor, tuple[int, int]]:
    """The network's input, float32 (1, 3, h, w), and the (h, w) that the image takes of it, the rest being padding.

    Sides are the image's times `zoom`, to an even number; enlarged bilinearly, made smaller by the mean of the area;
    padded by reflection at the bottom and on the right.
    """
    height, width = (max(2, 2 * round(side * zoom / 2)) for side in image.shape[:2])
    if (height, width) != image.shape[:2]:
        way = cv2.INTER_LINEAR if zoom >= 1 else cv2.INTER_AREA  # as the crops of the training are resampled
        image = np.asarray(cv2.resize(image, dsize=(width, height), interpolation=way), dtype=np.uint8)
    more = [(0, -height % stride_px), (0, -width % stride_px), (0, 0)]
    padded = np.pad(image.astype(np.float64), more, mode="reflect")
    normal = (padded / 255 - np.array(mean)) / np.array(std)
    return torch.from_numpy(np.moveaxis(normal, 2, 0)[None].astype(np.float32)), (height, width)


def stretched(image: Image) -> NDArray[np.uint8]:
    """An image whose values, all channels together, fill 0..255 from one quantile to the other."""
    black, white = np.quantile(image, [BLACK, WHITE], method="inverted_cdf").astype(np.float64)
    scaled = (image.astype(np.float64) - black) * 255 / max(white - black, LEAST_RANGE)
    return np.asarray(np.clip(np.rint(scaled), 0, 255), dtype=np.uint8)
