"""Maps of one value a pixel: what objects lose to those above them, and PNG files of it. Pure."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from segwise.dataset.exports.item import Item
from segwise.dataset.finding import Finding

Map = NDArray[np.int32]  # the object on top, see `targets.owner_map`
MOST = 0.5  # the share of an object's pixels from which its loss is told by itself


def hidden(item: Item, owner: Map) -> Iterator[Finding]:
    """What is lost because a pixel has one owner: in sum for the image, and each object that loses half of itself."""
    things = item.objects
    areas = things.areas_px
    visible = np.bincount(owner.ravel() + 1, minlength=len(things) + 1)[1:]
    lost = np.where(things.is_crowd, 0, areas - visible)
    remedy = "export as coco, which keeps overlaps"
    if lost.any():
        came = f"{np.count_nonzero(lost)} objects lose {lost.sum()} px to objects above them"
        yield item.loss("overlap", None, came, remedy, "approximated")
    for index in np.flatnonzero((lost >= areas * MOST) & ~things.is_crowd).tolist():
        came = f"{lost[index]} of its {areas[index]} px lie under other objects"
        yield item.loss("overlap", index, came, remedy, "approximated" if visible[index] else "dropped")


def values(owner: Map, of_object: Sequence[int], dtype: type[np.uint8] | type[np.uint16]) -> NDArray[Any]:
    """The map with each object's value in place of its index; 0 where there is none."""
    return np.array([*of_object, 0], dtype=dtype)[owner]  # the last one is that of -1


def png(pixels: NDArray[Any], colours: NDArray[np.uint8] | None = None) -> bytes:
    """A PNG of uint8 or uint16 (H, W), or RGB (H, W, 3); with `colours` a palette image."""
    image = PIL.Image.fromarray(pixels)
    if colours is not None:
        image.putpalette(colours.ravel().tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
