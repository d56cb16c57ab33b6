"""COCO instances JSON, one file for each split; read by pycocotools, Detectron2, MMDetection and torchvision.

    images/<name>   annotations/instances_<split>.json

Objects without holes are polygons that run along the edges of their pixels: pycocotools gives the very mask back.
Objects with holes are compressed run lengths, crowds uncompressed ones, as in COCO's own files. Categories are 1..K.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from segwise.dataset.coco import Annotation
from segwise.dataset.exports.item import Index, Item, Job, Page, as_json
from segwise.dataset.rle import run_lengths

TITLE = "COCO instances JSON"
KEEPS = frozenset(("group", "attributes", "object attributes", "kind"))
IS_FLAT = False


def page(item: Item, job: Job) -> Page:
    """One image: its entry and its annotations."""
    record = item.record
    own = {"id": record.id, "file_name": item.name, "width": record.width, "height": record.height}
    entry = {**item.extra, **own, **item.given}
    annotations = [_annotation(item, index, job) for index in range(len(item.objects))]
    return Page(f"images/{item.name}", row=(item.split, entry, annotations))


def index(rows: Sequence[Any], job: Job) -> Index:
    """The label files."""
    categories = [{"id": c.id, "name": c.name, "supercategory": c.name, "isthing": int(c.isthing)} for c in job.classes]
    splits: dict[str, list[tuple[Any, list[Any]]]] = defaultdict(list)
    for split, entry, objects in rows:
        splits[split].append((entry, objects))
    return Index(
        {
            f"annotations/instances_{split}.json": as_json(
                {
                    **job.header,
                    "categories": categories,
                    "images": [entry for entry, _ in found],
                    "annotations": [a for _, objects in found for a in objects],
                }
            )
            for split, found in splits.items()
        }
    )


def _annotation(item: Item, index: int, job: Job) -> dict[str, Any]:
    annotation, things = item.annotations[index], item.objects
    x0, y0, x1, y1 = things.boxes_xyxy[index].tolist()
    return dict(item.object_extra.get(annotation.id, {})) | {
        "id": annotation.id, "image_id": item.record.id, "category_id": annotation.class_id,
        "iscrowd": int(annotation.is_crowd), "area": int(things.crops[index].sum()), "bbox": [x0, y0, x1 - x0, y1 - y0],
        "segmentation": _shape(item, index, annotation, job),
    }  # fmt: skip


def _shape(item: Item, index: int, annotation: Annotation, job: Job) -> Any:
    size, text = list(item.objects.size), annotation.rle["counts"].decode("ascii")
    if annotation.is_crowd:
        return {"size": size, "counts": run_lengths(text)}
    if not job.only_rle:
        parts = item.outline(index, job)
        if not any(part.holes for part in parts):
            return [part.outer.ravel().tolist() for part in parts]
    return {"size": size, "counts": text}
