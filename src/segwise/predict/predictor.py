"""Predictor: a model folder → image → Prediction, with ONNX Runtime. Training code is never imported here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from segwise.dataset.contrast import set_contrast
from segwise.errors import DataInvalidError, IntegrityError, UsageError
from segwise.predict import hybrid, instance, semantic
from segwise.spec import CASCADE_FILE, ModelSpec, read_spec
from segwise.types import Image, Objects, Prediction

if TYPE_CHECKING:
    from segwise.predict.cascade import Cascade

DECODERS: dict[str, Any] = {"semantic": semantic, "hybrid": hybrid, "instance": instance}  # modules, same members
HEADS = {
    "semantic": ("logits",),
    "hybrid": ("logits", "center", "offset", "distance"),
    "instance": ("boxes", "labels", "scores", "masks"),
}
STRIDE = hybrid.STRIDE  # of the dense maps, relative to the network's input
Outputs = dict[str, NDArray[Any]]


class Predictor:
    """One loaded model. Not shared between threads that predict at once."""

    def __init__(self, session: Any, spec: ModelSpec) -> None:
        self.spec = spec
        self._session = session
        self._decoder = DECODERS[spec.approach]
        self._heads = list(HEADS[spec.approach])
        self.point: dict[str, float] = {**self._decoder.POINT_DEFAULTS, **spec.point}

    @classmethod
    def load(cls, folder: Path, threads: int = 1, device: Literal["cpu", "cuda"] = "cpu") -> Predictor | Cascade:
        """Load a model folder, or a cascade's: both segment by `predict` and `both`. See `load_network`."""
        if (folder / CASCADE_FILE).is_file():
            from segwise.predict.cascade import Cascade  # a cascade is made of Predictors

            return Cascade.load(folder, threads, device)
        return cls.load_network(folder, threads, device)

    @classmethod
    def load_network(cls, folder: Path, threads: int = 1, device: Literal["cpu", "cuda"] = "cpu") -> Predictor:
        """Load `folder` (model.onnx, model.json), its bytes verified.

        Raises:
            IntegrityError: a file is missing, changed or cut off, or the graph is none of this approach.
            UsageError: CUDA was asked for and this ONNX Runtime has none.
        """
        spec = read_model(folder)
        return cls(_session(folder / "model.onnx", threads, device, set(HEADS[spec.approach])), spec)

    def predict(self, image: Image, *, all_candidates: bool = False) -> Prediction:
        """Segment one image, uint8 (H, W, 3) RGB.

        The objects are those a user is shown and counts. `all_candidates` also keeps the ones under the fitted score
        threshold: what AP, a ranking metric, is measured over.
        """
        return self.decode(self.outputs(image), image.shape[:2], all_candidates=all_candidates)

    def both(self, image: Image) -> tuple[Prediction, Objects]:
        """The prediction served, and all candidates, what AP is measured over: the network runs once."""
        outputs, size = self.outputs(image), image.shape[:2]
        return self.decode(outputs, size), self.decode(outputs, size, all_candidates=True).objects

    def outputs(self, image: Image, zoom: float | None = None) -> Outputs:
        """The network's outputs for the image alone: padding cropped, boxes in image pixels."""
        _check(image)
        tensor, size = prepare(image, self.spec, self.spec.zoom if zoom is None else zoom)
        values = dict(zip(self._heads, self._session.run(self._heads, {"image": tensor}), strict=True))
        if self.spec.approach == "instance":
            scale = np.array([image.shape[1] / size[1], image.shape[0] / size[0]], dtype=np.float32)
            shift = float(self.spec.extra.get("mask_shift_px", instance.MASK_SHIFT_PX)) * scale
            return {**values, "boxes": _boxes_in_image(values["boxes"], scale), "mask_shift": shift}
        height, width = size[0] // STRIDE, size[1] // STRIDE
        return {name: np.ascontiguousarray(value[..., :height, :width]) for name, value in values.items()}

    def decode(
        self,
        outputs: Outputs,
        size: tuple[int, ...],
        point: dict[str, float] | None = None,
        *,
        all_candidates: bool = False,
    ) -> Prediction:
        """Outputs → Prediction for an image of `size` (H, W), at `point` (default: the fitted one)."""
        prediction: Prediction = self._decoder.decode(
            outputs, (size[0], size[1]), self.spec, point or self.point, candidates=all_candidates
        )
        return prediction


def read_model(folder: Path) -> ModelSpec:
    """`spec.read_spec`, where a model.json that was cut off is damage as well."""
    with cut_off_is_damage(folder / "model.json"):
        return read_spec(folder)


@contextmanager
def cut_off_is_damage(path: Path) -> Iterator[None]:
    """Raises IntegrityError where the file turns out to be no JSON."""
    try:
        yield
    except ValueError as error:
        remedy = "restore it: `dvc repro` or `segwise rollback`"
        raise IntegrityError(f"{path} as it was written", f"no JSON ({error})", remedy) from error


def prepare(image: Image, spec: ModelSpec, zoom: float) -> tuple[NDArray[np.float32], tuple[int, int]]:
    """The network's input, float32 (1, 3, h, w), and the (h, w) that the image takes of it before padding.

    Both sides are even, so that the stride-2 maps line up with the image exactly.
    """
    height, width = (max(STRIDE, STRIDE * round(side * zoom / STRIDE)) for side in image.shape[:2])
    image = set_contrast(image, spec.contrast)
    if (height, width) != image.shape[:2]:
        way = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
        image = cv2.resize(image, (width, height), interpolation=way)  # type: ignore[assignment]  # cv2 stubs
    bottom, right = -height % spec.stride_px, -width % spec.stride_px
    if bottom or right:
        image = cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_REFLECT_101)  # type: ignore[assignment]  # cv2 stubs
    tensor = np.empty((1, 3, *image.shape[:2]), dtype=np.float32)
    for channel, (mean, std) in enumerate(zip(spec.mean, spec.std, strict=True)):
        np.multiply(image[..., channel], np.float32(1 / (255 * std)), out=tensor[0, channel])
        tensor[0, channel] -= np.float32(mean / std)
    return tensor, (height, width)


def _boxes_in_image(boxes: NDArray[np.float32], scale: NDArray[np.float32]) -> NDArray[np.float32]:
    """Boxes of a network input in pixels of the image; `scale` is x and y. One may reach into the padding, and its mask
    with it: it is the mask that is cut where the image ends."""
    return np.asarray(boxes.reshape(-1, 4) * np.tile(scale, 2), dtype=np.float32)


def _check(image: Image) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise DataInvalidError(
            "an RGB image, uint8 (H, W, 3)", f"{image.dtype} {image.shape}", "decode it with segwise.dataset.images"
        )


def _session(graph: Path, threads: int, device: str, heads: set[str]) -> Any:
    import onnxruntime as ort

    provider = "CUDAExecutionProvider" if device == "cuda" else "CPUExecutionProvider"
    if provider not in ort.get_available_providers():
        raise UsageError("an ONNX Runtime with CUDA", "one without", "install onnxruntime-gpu, or use the CPU")
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3  # errors only
    try:
        session = ort.InferenceSession(str(graph), options, providers=[provider])
    except Exception as error:  # onnxruntime raises its own unnamed kinds
        raise IntegrityError(
            "a loadable ONNX graph", f"{graph}: {error}", "export the model again: `dvc repro`"
        ) from error
    missing = heads - {output.name for output in session.get_outputs()}
    if missing:
        raise IntegrityError(
            f"a graph with the outputs {sorted(heads)}",
            f"{graph} without {sorted(missing)}",
            "export it again: `dvc repro`",
        )
    return session
