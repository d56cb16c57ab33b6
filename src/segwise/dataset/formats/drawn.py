"""Shapes as annotation tools draw them become objects: shapes of one group are one object of several parts."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from segwise.dataset.formats import documents, shapes
from segwise.dataset.formats.builder import Builder, Canvas
from segwise.types import Mask


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape. `parts` are flat polygons in pixels, `mask` bool (H, W) of the canvas' frame; one of them is given.

    Attributes:
        kind: the shape's name; `box` for boxes, which are no outlines: they become rectangles, with a finding.
        is_curve: a circle or an ellipse, which becomes a polygon, with a finding.
        group: shapes of one class with the same group are one object; None is no group.
    """

    class_name: str
    source: str
    parts: tuple[Sequence[float], ...] = ()
    mask: Mask | None = None
    kind: str = "polygon"
    group: Hashable = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def is_box(self) -> bool:
        return self.kind == "box"


@dataclass(slots=True)
class Tally:
    """How many boxes and other shapes a source holds."""

    num_boxes: int = 0
    num_others: int = 0

    def report(self, builder: Builder, what: str) -> None:
        """The error of a source that holds nothing but boxes."""
        if self.num_boxes and not self.num_others:
            documents.only_boxes(builder, f"{self.num_boxes} objects of {what}")


def draw(canvas: Canvas, drawn: Iterable[Shape], tally: Tally, is_crowd: bool = False) -> None:
    """Draw shapes on their image, grouped ones as one object; boxes and curves are approximated, with a finding."""
    groups: dict[Hashable, list[Shape]] = {}
    for number, shape in enumerate(drawn):
        tally.num_boxes += shape.is_box
        tally.num_others += not shape.is_box
        key = ("alone", number) if shape.group is None else ("group", shape.class_name, shape.group)
        groups.setdefault(key, []).append(shape)
    for group in groups.values():
        for shape in group:
            _say_approximated(canvas, shape)
        _draw_object(canvas, group, is_crowd)


def _say_approximated(canvas: Canvas, shape: Shape) -> None:
    if shape.is_box:
        came = "a box; it is taken as a rectangle full of the object"
        canvas.warn("box", shape.source, came, "draw its outline where the object does not fill it", "approximated")
    elif shape.kind in ("circle", "ellipse"):
        came = f"a {shape.kind}".replace("a e", "an e") + "; it is taken as a polygon within 0.05 pixels of it"
        canvas.warn("curve", shape.source, came, "nothing", "approximated")


def _draw_object(canvas: Canvas, group: list[Shape], is_crowd: bool) -> None:
    first = group[0]
    source = ", ".join(shape.source for shape in group[:5]) + (", …" if len(group) > 5 else "")
    parts = [part for shape in group for part in shape.parts]
    masks = [shape.mask for shape in group if shape.mask is not None]
    if not masks:
        canvas.polygons(first.class_name, parts, source, is_crowd=is_crowd, extra=first.extra)
        return
    whole = np.logical_or.reduce(masks)
    if parts:
        cleaned = [canvas.checked(part, source) for part in parts]
        polygons = [polygon for found in cleaned for polygon in found or ()]
        if None in cleaned:
            return
        if polygons:
            whole |= shapes.decode(shapes.rasterise(polygons, (), (canvas.height, canvas.width)))
    canvas.mask(first.class_name, whole, source, is_crowd, extra=first.extra)


def pasted(patch: Mask, left: int, top: int, size: tuple[int, int]) -> Mask:
    """A patch, bool (h, w), in an image of `size` (height, width); what leaves the image is cut off."""
    whole = np.zeros(size, dtype=bool)
    y0, x0 = max(top, 0), max(left, 0)
    y1, x1 = min(top + patch.shape[0], size[0]), min(left + patch.shape[1], size[1])
    if y0 < y1 and x0 < x1:
        whole[y0:y1, x0:x1] = patch[y0 - top : y1 - top, x0 - left : x1 - left]
    return whole


def flat(points: Any) -> list[Any] | None:
    """Points `[[x, y], …]` as a flat polygon; None where they are no list of pairs."""
    if not isinstance(points, list) or not all(isinstance(p, list | tuple) and len(p) >= 2 for p in points):
        return None
    return [value for point in points for value in point[:2]]
