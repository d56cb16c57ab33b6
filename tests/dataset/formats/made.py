"""Files for the tests of importers: images, and rectangles whose masks are known without a rasteriser."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask

from segwise.dataset.finding import Finding
from segwise.dataset.formats.delivery import Delivery, Options, Picture, Region
from segwise.dataset.formats.folder import Folder

WIDTH, HEIGHT = 40, 30
BOX = (2, 3, 12, 9)  # left, top, right, bottom: 10 × 6 pixels
OTHER = (20, 10, 30, 25)

Box = tuple[float, float, float, float]


def picture(path: Path, width: int = WIDTH, height: int = HEIGHT, seed: int = 0, orientation: int = 1) -> Path:
    """Write an image of noise as stored; `orientation` goes to its EXIF."""
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(noise(width, height, seed)).save(path, exif=exif)
    return path


def noise(width: int = WIDTH, height: int = HEIGHT, seed: int = 0) -> NDArray[np.uint8]:
    """Pixels, uint8 (H, W, 3), that differ with the seed."""
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)


def ring(box: Box = BOX) -> list[float]:
    """A box as a flat polygon."""
    left, top, right, bottom = box
    return [left, top, right, top, right, bottom, left, bottom]


def points(box: Box = BOX) -> list[list[float]]:
    """A box as pairs."""
    flat = ring(box)
    return [[x, y] for x, y in zip(flat[::2], flat[1::2], strict=True)]


def filled(*boxes: Box, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.bool_]:
    """The mask of boxes with whole corners, bool (H, W)."""
    mask = np.zeros((height, width), dtype=bool)
    for left, top, right, bottom in boxes:
        mask[int(top) : int(bottom), int(left) : int(right)] = True
    return mask


def decoded(region: Region) -> NDArray[np.bool_]:
    """A region's mask, bool (H, W)."""
    return coco_mask.decode({**region.rle, "counts": region.rle["counts"].encode()}).astype(bool)


def png_base64(pixels: NDArray[Any]) -> str:
    """An array as a PNG in base64."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def put(path: Path, value: Any) -> Path:
    """Write text as it is, anything else as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def read(module: ModuleType, source: Path, classes: Sequence[str] = ()) -> Delivery:
    """What an importer answers; its folder must look like its format."""
    folder = Folder(source)
    assert module.looks_like(folder)
    return module.read(folder, Options(tuple(classes)))


def errors(delivery: Delivery) -> list[Finding]:
    """The findings that refuse the delivery."""
    return [f for f in delivery.findings if f.severity == "error"]


def checks(delivery: Delivery) -> list[tuple[str, str]]:
    """Every finding's check with its effect, errors as `error`."""
    return [(f.check, "error" if f.severity == "error" else f.effect) for f in delivery.findings]


def only_picture(delivery: Delivery) -> Picture:
    """The one image of a delivery without errors."""
    assert not errors(delivery), errors(delivery)
    (found,) = delivery.pictures
    return found


def only_region(delivery: Delivery) -> Region:
    """The one object of a delivery without errors."""
    (found,) = only_picture(delivery).regions
    return found
