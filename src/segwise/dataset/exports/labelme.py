"""LabelMe: one JSON beside each image, for correcting labels by hand.

    <split>/<name>   <split>/<stem>.json

An object without holes is one polygon a part, its parts joined by `group_id`; one with holes is LabelMe 5's exact
`mask` shape. Ignore regions have the label `__ignore__`, which labelme's own converters leave out. `imageData` is null:
the image lies beside the file. Polygons run just inside the edges of their pixels, so that labelme's own rasteriser
fills the very mask.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from segwise.dataset.exports import layers, outline
from segwise.dataset.exports.item import Index, Item, Job, Page, as_json
from segwise.dataset.finding import Finding

TITLE = "LabelMe JSON"
KEEPS = frozenset(("group", "attributes", "object attributes"))
IS_FLAT = True
VERSION = "5.5.0"  # the format that knows `mask` shapes; labelme reads files of any version
IGNORED = "__ignore__"


def page(item: Item, job: Job) -> Page:
    """One image: its JSON."""
    losses: list[Finding] = []
    shapes = [shape for index in range(len(item.objects)) for shape in _shapes(item, index, job, losses)]
    document: dict[str, Any] = {
        "version": VERSION, "flags": {}, "shapes": shapes, "imagePath": item.name, "imageData": None,
        "imageHeight": item.record.height, "imageWidth": item.record.width,
    }  # fmt: skip
    document |= item.given
    document |= _beside(item.extra, document)
    return Page(f"{item.split}/{item.name}", {f"{item.split}/{item.stem}.json": as_json(document)}, losses)


def index(_rows: Sequence[Any], job: Job) -> Index:
    """labels.txt: the classes in labelme's order, which begins with the ignored one."""
    names = [IGNORED, "_background_", *(c.name for c in job.classes)]
    return Index({"labels.txt": "".join(f"{name}\n" for name in names).encode()})


def _shapes(item: Item, index: int, job: Job, losses: list[Finding]) -> list[dict[str, Any]]:
    annotation, parts = item.annotations[index], item.outline(index, job)
    shape: dict[str, Any] = {
        "label": job.name(annotation.class_id), "group_id": None, "description": "", "flags": {}, "mask": None,
    }  # fmt: skip
    shape |= _beside(item.object_extra.get(annotation.id, {}), {*shape, "shape_type", "points"})
    if annotation.is_crowd:
        shape |= {"label": IGNORED, "description": job.name(annotation.class_id), "flags": {"iscrowd": True}}
        came = f"an ignore region; its class {job.name(annotation.class_id)!r} is kept as the description only"
        losses.append(item.loss("ignore region", index, came, "leave out shapes labelled __ignore__", "approximated"))
    if any(part.holes for part in parts):
        came = "an object with holes, written as a mask shape"
        losses.append(item.loss("hole", index, came, "open it with LabelMe 5 or later", ""))
        return [shape | _mask(item, index)]
    if len(parts) > 1:
        shape["group_id"] = index + 1
    return [shape | {"shape_type": "polygon", "points": outline.inset(part).outer.tolist()} for part in parts]


def _beside(extra: Mapping[str, Any], taken: Collection[str]) -> dict[str, Any]:
    """Further keys, which labelme keeps; those that mean something else there get another name."""
    return {f"extra_{key}" if key in taken else key: value for key, value in extra.items()}


def _mask(item: Item, index: int) -> dict[str, Any]:
    """A mask shape: the box's first and last pixel, and a PNG of the pixels between."""
    x0, y0, x1, y1 = item.objects.boxes_xyxy[index].tolist()
    pixels = base64.b64encode(layers.png(item.objects.crops[index].astype(np.uint8))).decode("ascii")
    return {"shape_type": "mask", "points": [[x0, y0], [x1 - 1, y1 - 1]], "mask": pixels}
