"""A prediction drawn on its image: translucent class colours, each object's outline, anti-aliased."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from segwise.types import ClassInfo, ClassMap, Image, Prediction

# near Okabe and Ito's colours, told apart by colour-blind readers too; the first stands out on black and on purple; RGB
PALETTE = ((0, 225, 160), (255, 159, 0), (0, 158, 255), (230, 90, 170), (240, 228, 66), (213, 94, 0), (86, 100, 233))
FILL, STUFF_FILL = 0.28, 0.45  # opacity
SHADES = 5  # lightness steps of one class, so that touching objects differ


def class_colour(class_id: int) -> tuple[int, int, int]:
    """The RGB colour of class `class_id` (1..K); the palette repeats."""
    return PALETTE[(class_id - 1) % len(PALETTE)]


def draw(image: Image, prediction: Prediction, classes: Sequence[ClassInfo], *, scale: int = 1) -> Image:
    """Draw `prediction` on `image`, uint8 (H, W, 3) RGB; the result is `scale` times as large.

    Countable classes show their objects, each in a shade of the class's colour with a full outline; the others show
    their area. Small images look best at `scale` 2 or more.
    """
    canvas = _enlarged(image, scale)
    tint = canvas.copy()
    alpha = np.zeros(prediction.class_map.shape, dtype=np.float32)
    for info in classes:
        area = prediction.class_map == info.id
        if not info.isthing and area.any():
            alpha[area] = STUFF_FILL
            _paint(tint, area, class_colour(info.id), scale)
    outlines = _outlines(prediction, scale)
    for index, polygons in reversed(list(enumerate(outlines))):  # the best object last, on top
        shade = _shade(class_colour(int(prediction.objects.class_ids[index])), index)
        cv2.fillPoly(tint, polygons, shade)
        x0, y0, x1, y1 = prediction.objects.boxes_xyxy[index]
        alpha[y0:y1, x0:x1][prediction.objects.crops[index]] = FILL
    if scale > 1:
        size = (image.shape[1] * scale, image.shape[0] * scale)
        alpha = np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_LINEAR), dtype=np.float32)
    canvas = np.rint(canvas + alpha[..., None] * (tint.astype(np.float32) - canvas)).astype(np.uint8)
    for index, polygons in reversed(list(enumerate(outlines))):
        colour = _shade(class_colour(int(prediction.objects.class_ids[index])), index)
        cv2.polylines(canvas, polygons, True, colour, thickness=1 if scale == 1 else 2, lineType=cv2.LINE_AA)
    return canvas


def _enlarged(image: Image, scale: int) -> Image:
    if scale == 1:
        return image.copy()
    size = (image.shape[1] * scale, image.shape[0] * scale)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def _paint(canvas: Image, area: NDArray[np.bool_], colour: tuple[int, int, int], scale: int) -> None:
    if scale > 1:
        area = np.repeat(np.repeat(area, scale, axis=0), scale, axis=1)
    canvas[area] = colour


def _outlines(prediction: Prediction, scale: int) -> list[list[NDArray[np.int32]]]:
    """The outer outline of each object, in pixels of the scaled picture."""
    out = []
    for (x0, y0, _, _), crop in zip(prediction.objects.boxes_xyxy, prediction.objects.crops, strict=True):
        mask = np.pad(crop, 1).astype(np.uint8)
        if scale > 1:  # smooth, so that enlarged outlines are no stairs
            smooth = cv2.resize(mask * 255, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
            mask = np.asarray(smooth > 127, dtype=np.uint8)
        found, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        corner = np.array([(int(x0) - 1) * scale, (int(y0) - 1) * scale], dtype=np.int32)
        out.append([polygon.astype(np.int32) + corner for polygon in found])
    return out


def _shade(colour: tuple[int, int, int], index: int) -> tuple[int, int, int]:
    hue, light, saturation = colorsys.rgb_to_hls(*(c / 255 for c in colour))
    step = (index * 2 % SHADES) - SHADES // 2
    shaded = colorsys.hls_to_rgb((hue + 0.03 * step) % 1, min(max(light + 0.06 * step, 0.35), 0.75), saturation)
    return (round(255 * shaded[0]), round(255 * shaded[1]), round(255 * shaded[2]))


def png(image: Image | ClassMap) -> bytes:
    """The picture, uint8 RGB (H, W, 3) or grey (H, W), as PNG bytes."""
    done, data = cv2.imencode(".png", image[..., ::-1] if image.ndim == 3 else image)
    if not done:
        raise ValueError(f"an image that PNG can hold, not {image.dtype} {image.shape}")
    return data.tobytes()
