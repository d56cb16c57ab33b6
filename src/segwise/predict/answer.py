"""A prediction as plain values: what `/predict` answers and what `segwise predict` writes, with the same keys. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import cv2
import numpy as np

from segwise.types import ClassInfo, Mask, Objects, Prediction

MaskForm = Literal["rle", "polygon", "none"]
MASK_FORMS: tuple[str, ...] = get_args(MaskForm)


def as_json(
    prediction: Prediction, classes: Sequence[ClassInfo], masks: MaskForm = "rle", *, is_cascade: bool = False
) -> dict[str, Any]:
    """The prediction as JSON-able values.

    Returns:
        width, height: of the image, pixels.
        counts: objects by the name of each countable class.
        coverage: fraction of the image's pixels by class name, in [0, 1].
        escalated: of a cascade only (`is_cascade`), whether its instance model answered.
        objects: best score first, each with
            class: its class's name;
            score: in [0, 1];
            area_px: pixels of its mask;
            box_xyxy: [x0, y0, x1, y1], pixels, half-open, tight around the mask;
            rle: with `masks="rle"`, its mask as COCO compressed RLE {"size": [H, W], "counts": text};
            polygon: with `masks="polygon"`, its outer outlines, see `outlines`.
    """
    names = {c.id: c.name for c in classes}
    objects = prediction.objects
    rows = zip(objects.class_ids, objects.scores, objects.areas_px, objects.boxes_xyxy, strict=True)
    height, width = objects.size
    return {
        "width": width,
        "height": height,
        **({"escalated": prediction.escalated} if is_cascade else {}),
        "counts": prediction.counts(classes),
        "coverage": {name: round(part, 6) for name, part in prediction.coverage(classes).items()},
        "objects": [
            {
                "class": names[int(class_id)],
                "score": round(float(score), 4),
                "area_px": int(area),
                "box_xyxy": box.tolist(),
                **shape,
            }
            for (class_id, score, area, box), shape in zip(rows, _shapes(objects, masks), strict=True)
        ],
    }


def outlines(crop: Mask, x0: int, y0: int) -> list[list[float]]:
    """Outer outlines of a mask as COCO polygons [x, y, x, y, …], in pixel-edge coordinates; holes are not in them.

    The mask is doubled first, so that lines lie a quarter of a pixel inside its edge and one pixel is a polygon too.
    """
    doubled = np.repeat(np.repeat(crop.astype(np.uint8), 2, axis=0), 2, axis=1)
    contours, _ = cv2.findContours(doubled, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [((c[:, 0] + 0.5) / 2 + (x0, y0)).ravel().tolist() for c in contours]


def _shapes(objects: Objects, masks: MaskForm) -> list[dict[str, Any]]:
    if masks == "rle":
        return [{"rle": {"size": list(r["size"]), "counts": r["counts"].decode("ascii")}} for r in objects.rles()]
    if masks == "polygon":
        corners = zip(objects.crops, objects.boxes_xyxy, strict=True)
        return [{"polygon": outlines(crop, int(box[0]), int(box[1]))} for crop, box in corners]
    return [{} for _ in range(len(objects))]
