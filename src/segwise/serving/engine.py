"""What the service does with an image, free of HTTP."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import cv2
import numpy as np

from segwise.bundle import MODEL, verify
from segwise.dataset.images import decode_image
from segwise.predict.overlay import draw, png
from segwise.predict.predictor import Predictor
from segwise.types import Image, Mask, Objects, Prediction

MaskForm = Literal["rle", "polygon", "none"]
MASK_FORMS: tuple[str, ...] = get_args(MaskForm)


@dataclass(frozen=True, slots=True)
class Engine:
    """A verified model and its limits. Use it from one thread at a time."""

    predictor: Predictor
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
        image = decode_image(data, self.max_pixels)
        prediction = self.predictor.predict(image)
        return image, prediction, 1000 * (time.perf_counter() - start)

    def answer(self, data: bytes, masks: MaskForm) -> dict[str, Any]:
        """The JSON answer of `/predict`."""
        image, prediction, took_ms = self.segment(data)
        classes = self.predictor.spec.class_infos
        names = {c.id: c.name for c in classes}
        objects = prediction.objects
        rows = zip(objects.class_ids, objects.scores, objects.areas_px, objects.boxes_xyxy, strict=True)
        shapes = _shapes(objects, masks)
        return {
            "width": image.shape[1],
            "height": image.shape[0],
            "counts": prediction.counts(classes),
            "coverage": {name: round(part, 6) for name, part in prediction.coverage(classes).items()},
            "objects": [
                {
                    "class": names[int(class_id)],
                    "score": round(float(score), 4),
                    "area_px": int(area),
                    "box": [int(v) for v in box],
                    **shape,
                }
                for (class_id, score, area, box), shape in zip(rows, shapes, strict=True)
            ],
            "model": self.digest,
            "took_ms": round(took_ms, 2),
        }

    def picture(self, data: bytes) -> bytes:
        """The PNG answer of `/overlay`."""
        image, prediction, _ = self.segment(data)
        return png(draw(image, prediction, self.predictor.spec.class_infos))

    def card(self) -> dict[str, Any]:
        """The answer of `/model`: what is served, where it comes from, how good it is."""
        spec = self.predictor.spec
        about = {key: value for key, value in self.manifest.items() if key != "files"}
        return {**about, "digest": self.digest, "spec": spec.model_dump(mode="json"), "files": self.manifest["files"]}


def _shapes(objects: Objects, masks: MaskForm) -> list[dict[str, Any]]:
    if masks == "rle":
        return [{"rle": {"size": list(r["size"]), "counts": r["counts"].decode("ascii")}} for r in objects.rles()]
    if masks == "polygon":
        corners = zip(objects.crops, objects.boxes_xyxy, strict=True)
        return [{"polygon": outlines(crop, int(box[0]), int(box[1]))} for crop, box in corners]
    return [{} for _ in range(len(objects))]


def outlines(crop: Mask, x0: int, y0: int) -> list[list[float]]:
    """Outer outlines of a mask as COCO polygons [x, y, x, y, …], in pixel-edge coordinates; holes are not in them.

    The mask is doubled first, so that lines lie a quarter of a pixel inside its edge and one pixel is a polygon too.
    """
    doubled = np.repeat(np.repeat(crop.astype(np.uint8), 2, axis=0), 2, axis=1)
    contours, _ = cv2.findContours(doubled, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [((c[:, 0] + 0.5) / 2 + (x0, y0)).ravel().tolist() for c in contours]
