"""One shape element of CVAT's XML → one shape on its image."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from segwise.dataset.formats import documents, shapes
from segwise.dataset.formats.builder import Canvas
from segwise.dataset.formats.drawn import Shape, pasted
from segwise.dataset.formats.text import printable
from segwise.dataset.geometry import is_number, short
from segwise.types import Mask

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

DRAWN = ("polygon", "mask", "box", "ellipse")
NO_AREA = ("polyline", "points", "cuboid", "skeleton")
KEPT = ("occluded", "z_order", "source", "keyframe", "rotation")
NAN = float("nan")


def shape(canvas: Canvas, element: Element, source: str, label: str | None = None, group: Any = None) -> Shape | None:
    """The shape; None, with a finding, where it has no area or is damaged.

    Args:
        label, group: those of the track, where the shape belongs to one.
    """
    if element.tag not in DRAWN:
        came = f"a {printable(element.tag)}: it has no area"
        canvas.warn("no area", source, came, "draw a polygon where it stands for an object", "dropped")
        return None
    name = label or element.get("label")
    if not name:
        canvas.error("structure", source, f"a {element.tag} without a label", "give it one")
        return None
    grouped = group or element.get("group_id")
    grouped = None if grouped in (None, "", "0") else grouped
    extra = extra_of(element)
    if element.tag == "mask":
        mask = _mask(canvas, element, source)
        return None if mask is None else Shape(name, source, (), mask, "mask", grouped, extra)
    part = _polygon(canvas, element, source) if element.tag == "polygon" else _formula(element)
    return None if part is None else Shape(name, source, (part,), None, element.tag, grouped, extra)


def extra_of(element: Element) -> dict[str, Any]:
    """What else CVAT says of a shape; its own attributes by their names."""
    extra: dict[str, Any] = {key: value for key in KEPT if (value := element.get(key)) not in (None, "")}
    extra = {
        key: int(v) if key in ("occluded", "z_order", "keyframe") and v.isdecimal() else v for key, v in extra.items()
    }
    attributes = {a.get("name") or "": a.text or "" for a in element.iter("attribute")}
    return {**extra, "attributes": attributes} if attributes else extra


def split_of(file: PurePosixPath, subset: str | None) -> str | None:
    """The split of a subset's name; of the file's where there is none (CVAT then says `Default`)."""
    is_named = bool(subset) and str(subset).casefold() != "default"
    return documents.split_word(subset) if is_named else documents.split_of(file)


def number(text: str | None) -> float | None:
    """A finite number, or None."""
    try:
        value = float(text) if text is not None else NAN
    except ValueError:
        return None
    return value if is_number(value) else None


def _polygon(canvas: Canvas, element: Element, source: str) -> list[float] | None:
    """Points written as `x,y;x,y;…`."""
    text = element.get("points") or ""
    pairs = [pair.split(",") for pair in text.strip(" ;").split(";")]
    values = [number(value) for pair in pairs for value in pair]
    if any(len(pair) != 2 for pair in pairs) or None in values:
        canvas.error("structure", source, f"points {short(text)}", "write them as x,y;x,y;…")
        return None
    return [value for value in values if value is not None]


def _formula(element: Element) -> list[float]:
    """A box or an ellipse; not finite, which is an error later, where a number is missing or damaged."""
    keys = ("xtl", "ytl", "xbr", "ybr") if element.tag == "box" else ("cx", "cy", "rx", "ry")
    found = [number(element.get(key)) for key in keys]
    a, b, c, d = (NAN if value is None else value for value in found)
    turned = number(element.get("rotation", "0"))
    degrees = NAN if turned is None else turned
    return (shapes.rectangle if element.tag == "box" else shapes.ellipse)(a, b, c, d, degrees)


def _mask(canvas: Canvas, element: Element, source: str) -> Mask | None:
    """Run lengths, background first, row by row, of a window given by `left`, `top`, `width` and `height`."""
    sides = [number(element.get(key)) for key in ("left", "top", "width", "height")]
    text = element.get("rle") or ""
    runs = [int(word) if word.strip().isdecimal() and len(word) < 12 else None for word in text.split(",")]
    if any(side is None or side != int(side) for side in sides) or None in runs:
        canvas.error("RLE damaged", source, f"rle {short(text)} of {short(dict(element.attrib))}", "export it again")
        return None
    left, top, width, height = (int(side or 0) for side in sides)
    lengths = [run for run in runs if run is not None]
    if not (0 < width <= 2 * canvas.width and 0 < height <= 2 * canvas.height) or sum(lengths) != width * height:
        came = f"{sum(lengths)} pixels in a window of {width} × {height}, image {canvas.width} × {canvas.height}"
        canvas.error("RLE size", source, came, "export it again")
        return None
    lit = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths).reshape(height, width)
    return pasted(lit, left, top, (canvas.height, canvas.width))
