"""What the service does with an image, free of HTTP."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segwise.bundle import MODEL, verify
from segwise.dataset.images import decode_image
from segwise.predict.answer import MaskForm, as_json
from segwise.predict.cascade import Cascade
from segwise.predict.overlay import draw, png
from segwise.predict.predictor import Predictor
from segwise.types import Image, Prediction


@dataclass(frozen=True, slots=True)
class Engine:
    """A verified model and its limits. Use it from one thread at a time."""

    predictor: Predictor | Cascade
    digest: str
    manifest: dict[str, Any]

    @classmethod
    def load(cls, root: Path) -> Engine:
        """Load the package in `root`, every byte under `src/` held against the manifest first.

        Raises:
            IntegrityError: a file differs; nothing is served.
        """
        digest, manifest = verify(root, under="src/")
        engine = cls(Predictor.load(root / MODEL, threads=1), digest, manifest)
        engine.predictor.predict(np.zeros((64, 64, 3), dtype=np.uint8))  # the first run allocates; requests don't wait
        return engine

    @property
    def max_body_bytes(self) -> int:
        return int(self.manifest["limits"]["max_body_mb"] * 1e6)

    @property
    def max_pixels(self) -> int:
        return int(self.manifest["limits"]["max_megapixels"] * 1e6)

    def segment(self, data: bytes) -> tuple[Image, Prediction, float]:
        """Decode and segment `data`: the image, the prediction and the milliseconds both took.

        Raises:
            ImageFormatError, ImageTooLargeError, DataInvalidError: the bytes are no image that can be read.
        """
        start = time.perf_counter()
        image = decode_image(data, self.max_pixels, value_range=self.predictor.spec.value_range)
        prediction = self.predictor.predict(image)
        return image, prediction, 1000 * (time.perf_counter() - start)

    def answer(self, data: bytes, masks: MaskForm) -> dict[str, Any]:
        """The JSON answer of `/predict`: `predict.answer.as_json`, the model's digest and the milliseconds it took."""
        _, prediction, took_ms = self.segment(data)
        spec = self.predictor.spec
        found = as_json(prediction, spec.class_infos, masks, is_cascade=spec.approach == "cascade")
        return {**found, "model": self.digest, "took_ms": round(took_ms, 2)}

    def picture(self, data: bytes) -> bytes:
        """The PNG answer of `/overlay`."""
        image, prediction, _ = self.segment(data)
        return png(draw(image, prediction, self.predictor.spec.class_infos))

    def class_map(self, data: bytes) -> bytes:
        """The PNG answer of `/class_map`: one grey value per pixel, 0 = background, 1..K = the classes of `/model`."""
        return png(self.segment(data)[1].class_map)

    def card(self) -> dict[str, Any]:
        """The answer of `/model`: what is served, where it comes from, how good it is."""
        spec = self.predictor.spec
        about = {key: value for key, value in self.manifest.items() if key != "files"}
        return {**about, "digest": self.digest, "spec": spec.model_dump(mode="json"), "files": self.manifest["files"]}
