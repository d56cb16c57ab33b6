"""Small label rasters that the tests of raster formats write, and what a delivery makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask

from segwise.dataset.formats.delivery import Delivery, Picture

SIZE = (24, 32)  # (height, width), pixels
Pixels = NDArray[Any]


def labels() -> NDArray[np.int32]:
    """A map (24, 32) of objects 1, 2 and 3; object 3 has two pieces."""
    out = np.zeros(SIZE, dtype=np.int32)
    out[2:8, 3:11] = 1
    out[2:8, 11:14] = 2
    out[12:20, 1:5] = out[15:17, 20:31] = 3
    return out


def write(path: Path, pixels: Pixels, palette: list[int] | None = None, **options: Any) -> Path:
    """Write pixels as they are; uint8 with a palette as palette PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    if palette is not None:
        image.putpalette(palette)
    image.save(path, **options)
    return path


def write_image(path: Path, size: tuple[int, int] = SIZE, **options: Any) -> Path:
    """A grey ramp of this (height, width)."""
    ramp = np.broadcast_to(np.arange(size[1], dtype=np.uint8) * 3, size)
    return write(path, np.ascontiguousarray(np.stack([ramp] * 3, axis=-1)), **options)


def pictures(delivery: Delivery) -> dict[str, Picture]:
    return {picture.file_name: picture for picture in delivery.pictures}


def decoded(rle: dict[str, Any]) -> NDArray[np.bool_]:
    """The mask of a region, by pycocotools alone."""
    mask = coco_mask.decode({"size": rle["size"], "counts": rle["counts"].encode()})
    return np.asarray(mask, dtype=bool)


def shapes(picture: Picture) -> list[tuple[str, bool, int, bytes]]:
    """(class, is crowd, area, pixels) of each region, sorted."""
    found = [(r.class_name, r.is_crowd, decoded(r.rle)) for r in picture.regions]
    return sorted((name, crowd, int(mask.sum()), mask.tobytes()) for name, crowd, mask in found)


def shape(name: str, mask: Pixels, is_crowd: bool = False) -> tuple[str, bool, int, bytes]:
    """What `shapes` says of one region."""
    return name, is_crowd, int(mask.sum()), np.ascontiguousarray(mask, dtype=bool).tobytes()


def checks(delivery: Delivery) -> list[tuple[str, str, str]]:
    """(check, severity, effect) of each finding, sorted."""
    return sorted((f.check, f.severity, f.effect) for f in delivery.findings)
