"""LabelMe's JSON, one file per image, with or without the image inside (`imageData`); also as others write it."""

from __future__ import annotations

import base64
import binascii
import io
import re
from collections.abc import Hashable
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import PIL.Image

from segwise.dataset.formats import documents, shapes
from segwise.dataset.formats.builder import OWN_KEYS, Builder, Canvas
from segwise.dataset.formats.delivery import Delivery, Options
from segwise.dataset.formats.drawn import Shape, Tally, draw, flat, pasted
from segwise.dataset.formats.folder import Folder
from segwise.dataset.formats.text import printable
from segwise.dataset.geometry import is_number, short, whole
from segwise.dataset.images import SUFFIXES, header_of
from segwise.errors import DataInvalidError
from segwise.types import Mask

TITLE = "LabelMe JSON, one file per image"
MARKS = re.compile(r'"(?:shapes"\s*:\s*\[|imagePath"|imageData"|imageHeight")')
IGNORED = frozenset(
    ("__ignore__", "_ignore_", "ignore", "ignored", "dontcare", "don't care", "dont care", "dont_care", "void")
)
BACKGROUND = frozenset(("_background_", "__background__"))
NO_AREA = frozenset(("line", "linestrip", "point", "points"))
BOXES = frozenset(("rectangle", "oriented_rectangle", "rotation"))
SHAPE_KEYS = frozenset(("label", "points", "group_id", "shape_type", "flags", "mask", "line_color", "fill_color"))
FILE_KEYS = frozenset(
    ("version", "flags", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth", "lineColor", "fillColor")
)
PNG_START = b"\x89PNG\r\n\x1a\n"

Raw = dict[str, Any]


def looks_like(folder: Folder) -> bool:
    """Whether a JSON file with shapes of an image is there."""
    return documents.some(folder, _is_labelme, ".json")


def _is_labelme(text: str) -> bool:
    found = {mark.split('"')[1] for mark in MARKS.findall(text)}
    return (
        len(found) >= 2 or "imageData" in found or ("shapes" in found and '"points"' in text) or '"lineColor"' in text
    )


def read(folder: Folder, options: Options) -> Delivery:
    """Read every LabelMe file of a source.

    Shapes with one label and one `group_id` are one object. Ignore labels become crowd regions of each class in the
    image. An image file beside its JSON comes before the copy inside.
    """
    builder = Builder(folder, "labelme")
    for name in options.classes:
        builder.category(name)
    fitting, others = documents.passing(folder, _is_labelme, ".json")
    documents.left_unread(builder, others if fitting else [], "LabelMe JSON")
    reader = _Reader(builder, is_open=not options.classes)
    for file in fitting or others:
        reader.read(file)
    if not options.classes:
        builder.sort_categories()
    reader.draw_ignored()
    reader.tally.report(builder, f"{len(fitting)} files")
    builder.unused_images("label it; an image without objects needs a JSON file without shapes")
    return builder.delivery()


class _Reader:
    """Reads one file after the other. `is_open`: labels make new classes."""

    def __init__(self, builder: Builder, is_open: bool) -> None:
        self.builder, self.is_open = builder, is_open
        self.tally = Tally()
        self.ignored: list[tuple[Canvas, list[Shape], list[str]]] = []

    def read(self, file: PurePosixPath) -> None:
        raw = documents.read_json(self.builder, file)
        if raw is documents.NOTHING:
            return
        if not isinstance(raw, dict) or not isinstance(raw.get("shapes"), list):
            documents.damaged(self.builder, file, "no list `shapes`", "save it again in LabelMe")
            return
        canvas = _canvas(self.builder, file, raw)
        if canvas is None:
            return
        drawn = [s for i, shape in enumerate(raw["shapes"]) if (s := _shape(canvas, shape, f"shape {i}")) is not None]
        ignored = [shape for shape in drawn if shape.class_name.casefold() in IGNORED]
        objects = [shape for shape in drawn if shape.class_name.casefold() not in IGNORED]
        if self.is_open:
            for shape in objects:
                self.builder.category(shape.class_name)
        draw(canvas, objects, self.tally)
        if ignored:
            self.ignored.append((canvas, ignored, sorted({shape.class_name for shape in objects})))

    def draw_ignored(self) -> None:
        """Regions that say nothing are crowd regions of every class in their image, or else of the first class."""
        for canvas, drawn, present in self.ignored:
            names = [n for n in present if self.builder.knows(n)] or list(self.builder.class_names[:1])
            if not names:
                canvas.warn("ignored region", None, "no class that it could belong to", "name the classes", "dropped")
            for shape in drawn:
                came = f"{printable(shape.class_name)} becomes a crowd region of {', '.join(map(printable, names[:5]))}"
                canvas.warn("ignored region", shape.source, came, "nothing")
                for name in names:
                    mine = Shape(name, shape.source, shape.parts, shape.mask, shape.kind, None, shape.extra)
                    draw(canvas, [mine], Tally(), is_crowd=True)


def _canvas(builder: Builder, file: PurePosixPath, raw: Raw) -> Canvas | None:
    name, content = raw.get("imagePath"), _embedded(builder, file, raw.get("imageData"))
    if not isinstance(name, str) or not builder.folder.candidates(name, file.parent):
        name = _renamed(builder, file, name, content)
    size = _size(builder, file, raw, name, content)
    kept = {key: value for key, value in raw.items() if key not in FILE_KEYS} | _flags(raw.get("flags"))
    group, split = (_taken(kept, key) for key in ("group", "split"))
    kept = {f"flag_{key}" if key in OWN_KEYS["image"] else key: value for key, value in kept.items()}
    split = split or documents.split_of(file)
    return builder.image(name, file.parent, size, content, group=group, split=split, extra=kept)


def _taken(kept: Raw, key: str) -> str | None:
    """The group or split that segwise's own export or a flag names; a tick is no name and stays a flag."""
    for name in (key, f"flag_{key}"):  # the second is what segwise made of it before
        if isinstance(kept.get(name), str) and kept[name]:
            return str(kept.pop(name))
    return None


def _renamed(builder: Builder, file: PurePosixPath, name: Any, content: bytes | None) -> str:
    """The image of the JSON's own name where the one it names is missing; else the name as it is."""
    beside = [file.with_suffix(end) for end in SUFFIXES if file.with_suffix(end) in builder.folder]
    if len(beside) == 1:
        came = f"no image {short(name)}; the one of the JSON's own name is taken"
        builder.report("image renamed", "warning", beside[0].name, None, came, "correct `imagePath`", "repaired")
        return str(beside[0])
    if isinstance(name, str) and name.strip("./\\ "):
        return name
    ending = ".png" if content is not None and content.startswith(PNG_START) else ".jpg"
    return file.with_suffix(ending).name


def _embedded(builder: Builder, file: PurePosixPath, data: Any) -> bytes | None:
    """The image inside the JSON; None, with a finding where it is damaged, if there is none."""
    if data is None or data == "":
        return None
    try:
        return base64.b64decode(data.partition("base64,")[2] or data, validate=False)
    except (AttributeError, TypeError, ValueError, binascii.Error):
        came = f"{printable(file)}: `imageData` is no base64"
        builder.report("label file", "warning", None, None, came, "the image file is needed beside it", "dropped")
        return None


def _size(builder: Builder, file: PurePosixPath, raw: Raw, name: str, content: bytes | None) -> tuple[int, int] | None:
    """The (height, width) the labels were drawn at, as the file states it.

    Where the copy inside has the size of the image file, that is the size, whatever the file states.
    """
    stated = (whole(raw.get("imageHeight")), whole(raw.get("imageWidth")))
    found = builder.folder.find(name, file.parent)
    if stated[0] is None or stated[1] is None or (content is None):
        return (stated[0], stated[1]) if stated[0] is not None and stated[1] is not None else None
    try:
        inside = header_of(content)
        outside = header_of(builder.folder.path(found)) if found is not None else inside
    except DataInvalidError:
        return (stated[0], stated[1])
    if stated in (inside.upright, inside.stored) or inside.upright != outside.upright:
        return (stated[0], stated[1])
    came = f"imageWidth {stated[1]}, imageHeight {stated[0]}; the image inside has {inside.width} × {inside.height}"
    builder.report("stated size", "warning", printable(name), None, came, "nothing: the image's counts", "repaired")
    return None


def _flags(flags: Any) -> Raw:
    return {str(key): value for key, value in flags.items()} if isinstance(flags, dict) else {}


def _shape(canvas: Canvas, raw: Any, source: str) -> Shape | None:
    """One shape; None, with a finding, where it is none or has no area."""
    label = raw.get("label") if isinstance(raw, dict) else None
    if isinstance(label, int | float) and not isinstance(label, bool):
        label = str(label)
    if not isinstance(label, str) or not label.strip():
        canvas.error("structure", source, f"a shape without a `label` ({short(raw)})", "name its class")
        return None
    kind = raw.get("shape_type") or "polygon"
    if not isinstance(kind, str):
        canvas.error("structure", source, f"shape_type {short(kind)}", "write it as text")
        return None
    if label.casefold() in BACKGROUND or kind in NO_AREA:
        came = f"{printable(label)}, {kind}: it has no object's area"
        canvas.warn("no area", source, came, "draw a polygon where it stands for an object", "dropped")
        return None
    extra = {key: value for key, value in raw.items() if key not in SHAPE_KEYS and value not in (None, "", {}, [])}
    flags = _flags(raw.get("flags"))
    extra |= {"attributes": flags} if flags else {}
    group = raw.get("group_id")
    grouped = group if isinstance(group, int | str) and group != "" else None
    return _drawn(canvas, raw, label, source, kind, grouped, extra)


def _drawn(
    canvas: Canvas, raw: Raw, label: str, source: str, kind: str, group: Hashable, extra: Raw
) -> Shape | None:  # fmt: skip
    points = flat(raw.get("points"))
    if points is None:
        canvas.error("structure", source, f"points {short(raw.get('points'))}", "write them as [[x, y], …]")
        return None
    if kind == "mask":
        mask = _mask(canvas, points, raw.get("mask"), source)
        return None if mask is None else Shape(label, source, (), mask, "mask", group, extra)
    if kind == "polygon" or (kind in BOXES and len(points) > 4):
        return Shape(label, source, (points,), None, "box" if kind in BOXES else "polygon", group, extra)
    if kind not in ("circle", "ellipse", "rectangle") or len(points) != 4:
        came = f"a {printable(kind)} of {len(points) // 2} points"
        canvas.error("structure", source, came, "draw it as a polygon")
        return None
    numbers = points if all(is_number(v) for v in points) else [float("nan")] * 4
    if kind == "rectangle":
        return Shape(label, source, (shapes.rectangle(*numbers),), None, "box", group, extra)
    (cx, cy), (x, y) = numbers[:2], numbers[2:]
    radii = (float(np.hypot(x - cx, y - cy)),) * 2 if kind == "circle" else (abs(x - cx), abs(y - cy))
    return Shape(label, source, (shapes.ellipse(cx, cy, *radii),), None, kind, group, extra)


def _mask(canvas: Canvas, points: list[Any], data: Any, source: str) -> Mask | None:
    """The mask of a box given by its first and last pixel, as LabelMe 5 stores it: a PNG in base64."""
    try:
        if len(points) != 4:
            raise ValueError(f"{len(points) // 2} points, not its first and last pixel")
        left, top = (round(v) for v in points[:2])
        png = base64.b64decode(data)
        header = header_of(png)
        if header.height * header.width > 4 * canvas.height * canvas.width + 1_000_000:
            raise ValueError("far larger than the image")
        with PIL.Image.open(io.BytesIO(png), formats=("PNG",)) as image:
            patch = np.asarray(image)
        lit: Mask = np.asarray(np.any(np.atleast_3d(patch)[..., :3], axis=2), dtype=bool)
        if all(float(v).is_integer() for v in points):
            lit = lit[: max(round(points[3]) - top + 1, 0), : max(round(points[2]) - left + 1, 0)]
    except Exception as error:  # Pillow raises many kinds on damaged bytes
        canvas.error("mask damaged", source, f"{type(error).__name__}: {error}"[:200], "draw it again")
        return None
    return pasted(lit, left, top, (canvas.height, canvas.width))
