"""VGG Image Annotator: projects and exports of versions 1 and 2 (JSON or CSV), and projects of version 3."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from segwise.dataset.formats import documents, shapes
from segwise.dataset.formats.builder import OWN_KEYS, Builder, Canvas
from segwise.dataset.formats.delivery import Delivery, Options
from segwise.dataset.formats.drawn import Shape, Tally, draw
from segwise.dataset.formats.folder import Folder
from segwise.dataset.formats.text import printable
from segwise.dataset.formats.via_classes import ClassOf
from segwise.dataset.formats.via_files import MARKS, Entry, entries_of
from segwise.dataset.geometry import is_number, short

TITLE = "VGG Image Annotator (VIA), project or export"
NO_AREA = frozenset(("point", "line", "polyline", "extreme_rect", "extreme_circle"))

Raw = dict[str, Any]


def looks_like(folder: Folder) -> bool:
    """Whether a project or an export of VIA is there."""
    return documents.some(folder, _is_via, ".json", ".csv")


def _is_via(text: str) -> bool:
    return MARKS.search(text) is not None or all(word in text for word in ('"filename"', '"regions"', "_attributes"))


def read(folder: Folder, options: Options) -> Delivery:
    """Read every VIA file of a source.

    The class is one of the regions' attributes: see `via_classes`. Images without regions are true negatives.
    """
    builder = Builder(folder, "via")
    fitting, others = documents.passing(folder, _is_via, ".json", ".csv")
    documents.left_unread(builder, others if fitting else [], "VIA file")
    entries = [entry for file in fitting or others for entry in entries_of(builder, file)]
    class_of = ClassOf.of(builder, [region for entry in entries for region in entry.regions], entries, options.classes)
    for name in options.classes or class_of.names:
        builder.category(name)
    tally = Tally()
    for entry in entries:
        canvas = _canvas(builder, entry)
        if canvas is not None:
            draw(canvas, _shapes(canvas, entry, class_of), tally)
    tally.report(builder, f"{len(fitting)} files")
    builder.unused_images("add it in VIA; an image without regions counts as one without objects")
    return builder.delivery()


def _canvas(builder: Builder, entry: Entry) -> Canvas | None:
    """The entry's image. Its name may be an address or a path on another computer."""
    name = entry.name if builder.folder.candidates(entry.name, entry.file.parent) else entry.name.partition("?")[0]
    extra = {key: value for key, value in entry.attributes.items() if value not in (None, "", {})}
    extra = {f"attribute_{key}" if key in OWN_KEYS["image"] else key: value for key, value in extra.items()}
    split = documents.split_of(entry.file)
    return builder.image(name, entry.file.parent, None, _embedded(entry.embedded), split=split, extra=extra)


def _embedded(data: Any) -> bytes | None:
    if not isinstance(data, str) or not data:
        return None
    try:
        return base64.b64decode(data.partition("base64,")[2] or data)
    except ValueError:
        return None


def _shapes(canvas: Canvas, entry: Entry, class_of: ClassOf) -> list[Shape]:
    found = []
    for source, region in entry.regions:
        drawn = region.get("shape_attributes") if isinstance(region, dict) else None
        if not isinstance(drawn, dict) or not isinstance(drawn.get("name"), str):
            canvas.error("structure", source, f"region {short(region)}", "give it `shape_attributes` with a `name`")
            continue
        parts = _part(canvas, drawn, source)
        name = class_of(region) if parts else None
        if parts and name is None:
            came = f"no class in {short(region.get('region_attributes'))}"
            canvas.error("no class", source, came, f"choose one class in the attribute {printable(class_of.key)}")
        elif parts and name is not None:
            kind = "box" if drawn["name"] == "rect" else drawn["name"]
            attributes = {k: v for k, v in class_of.attributes(region).items() if v not in (None, "", {})}
            extra = {"attributes": attributes} if attributes else {}
            found.append(Shape(name, source, (parts,), None, kind, None, extra))
    return found


def _part(canvas: Canvas, drawn: Raw, source: str) -> Sequence[float] | None:
    """The shape as one flat polygon; None, with a finding, where it has no area or is damaged."""
    kind, numbers = drawn["name"], {k: v if is_number(v) else float("nan") for k, v in drawn.items() if k != "name"}
    if kind in ("polygon", "polyline"):
        xs, ys = drawn.get("all_points_x"), drawn.get("all_points_y")
        if not isinstance(xs, list) or not isinstance(ys, list) or len(xs) != len(ys):
            canvas.error("structure", source, f"points {short(xs)}, {short(ys)}", "write as many x as y")
            return None
        points = [v for pair in zip(xs, ys, strict=True) for v in pair]
        if kind == "polygon" or (len(xs) > 3 and points[:2] == points[-2:]):
            return points
    wanted = {"rect": "x y width height", "circle": "cx cy r", "ellipse": "cx cy rx ry"}.get(kind)
    if wanted is None:
        came = f"a {printable(kind)}: it has no area"
        canvas.warn("no area", source, came, "draw a polygon where it stands for an object", "dropped")
        return None
    values = [numbers.get(key, float("nan")) for key in wanted.split()]
    if kind == "rect":
        x, y, width, height = values
        return shapes.rectangle(x, y, x + width, y + height)
    radii = values[2:] * 2 if kind == "circle" else values[2:]
    turned = drawn.get("theta", 0) if kind == "ellipse" else 0
    degrees = float(turned) * 57.29577951308232 if is_number(turned) else float("nan")
    return shapes.ellipse(values[0], values[1], radii[0], radii[1], degrees)
