"""GeoJSON as QuPath reads and writes it: one FeatureCollection an image, in its pixels, y downwards.

    images/<name>   annotations/<stem>.geojson

Every mask is exact: parts, holes and overlaps are kept. Ignore regions have QuPath's class `Ignore*`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from segwise.dataset import palette
from segwise.dataset.exports.item import Index, Item, Job, Page, as_json
from segwise.dataset.exports.outline import Part, Ring
from segwise.dataset.finding import Finding

TITLE = "GeoJSON (QuPath)"
KEEPS = frozenset(("group", "attributes", "object attributes", "kind"))
IS_FLAT = True
IGNORED = "Ignore*"


def page(item: Item, job: Job) -> Page:
    """One image: its FeatureCollection."""
    losses: list[Finding] = []
    record = item.record
    image = {"file_name": item.name, "width": record.width, "height": record.height, **item.given}
    document = {
        "type": "FeatureCollection",
        "features": [_feature(item, index, job, losses) for index in range(len(item.objects))],
        "image": image | {"extra": dict(item.extra)},
        "classes": [{"name": c.name, "isthing": c.isthing} for c in job.classes],
    }
    return Page(f"images/{item.name}", {f"annotations/{item.stem}.geojson": as_json(document)}, losses)


def index(_rows: Sequence[Any], _job: Job) -> Index:
    """Nothing: each file stands for itself."""
    return Index({})


def _feature(item: Item, index: int, job: Job, losses: list[Finding]) -> dict[str, Any]:
    annotation = item.annotations[index]
    name = job.name(annotation.class_id)
    metadata = {key: str(value) for key, value in item.object_extra.get(annotation.id, {}).items()}
    if annotation.is_crowd:
        metadata["class"] = name
        came = f"an ignore region; its class {name!r} is kept in its metadata only"
        losses.append(item.loss("ignore region", index, came, f"leave out the class {IGNORED}", "approximated"))
    colour = palette.voc()[annotation.class_id].tolist()
    properties = {
        "objectType": "annotation", "name": str(annotation.id),
        "classification": {"name": IGNORED if annotation.is_crowd else name, "color": colour},
    }  # fmt: skip
    return {
        "type": "Feature",
        "id": str(uuid5(NAMESPACE_URL, f"{item.record.file_name}#{annotation.id}")),
        "geometry": _geometry(item.outline(index, job)),
        "properties": properties | ({"metadata": metadata} if metadata else {}),
    }


def _geometry(parts: Sequence[Part]) -> dict[str, Any]:
    polygons = [[_closed(ring) for ring in (part.outer, *part.holes)] for part in parts]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def _closed(ring: Ring) -> list[list[int]]:
    points: list[list[int]] = ring.tolist()
    return [*points, points[0]]
