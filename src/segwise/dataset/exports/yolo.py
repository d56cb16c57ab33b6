"""YOLO segmentation as Ultralytics reads it.

    data.yaml   images/<split>/<name>   labels/<split>/<stem>.txt

A line of a label file is one object: its class from 0 and one ring, x and y as fractions of the image's sides. Further
parts and holes hang on that ring by bridges of no width; ignore regions cannot be said. Rings run just inside the edges
of their pixels: cv2.fillPoly, with which Ultralytics draws them, then fills the very mask at the image's own size, but
for bridges and holes that meet the outside at a corner.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import yaml

from segwise.dataset.exports import outline
from segwise.dataset.exports.item import NO_SPLIT, Index, Item, Job, Page, about_set
from segwise.dataset.finding import Finding

TITLE = "YOLO segmentation (Ultralytics)"
KEEPS: frozenset[str] = frozenset()
IS_FLAT = True
TOUCHING_PX = 0.5  # bridges shorter than this join parts that meet at a corner


def page(item: Item, job: Job) -> Page:
    """One image: its label file."""
    lines: list[str] = []
    losses: list[Finding] = []
    for index, annotation in enumerate(item.annotations):
        if annotation.is_crowd:
            came = "an ignore region, which the format does not know"
            losses.append(item.loss("ignore region", index, came, "export as coco, or paint it out", "dropped"))
            continue
        parts = [outline.inset(part) for part in item.outline(index, job)]
        ring, bridges = outline.joined(parts)
        losses += _bridged(item, index, parts, bridges)
        lines.append(_line(annotation.class_id - 1, ring, item))
    losses += _same_box(item)
    text = "".join(lines).encode()
    split = "train" if item.split == NO_SPLIT else item.split
    return Page(f"images/{split}/{item.name}", {f"labels/{split}/{item.stem}.txt": text}, losses, (item.split, split))


def index(rows: Sequence[Any], job: Job) -> Index:
    """data.yaml; its paths are relative to itself."""
    content: dict[str, Any] = {split: f"images/{split}" for split in sorted({written for _, written in rows})}
    losses = []
    num_without = sum(split == NO_SPLIT for split, _ in rows)
    if num_without:
        came = f"{num_without} images without a split are written as `train`"
        losses.append(about_set("no split", came, "divide them first: `segwise split`"))
    if not {"train", "val"} <= set(content):
        came = f"images of {', '.join(content)} only; Ultralytics trains with `train` and `val`"
        losses.append(about_set("no split", came, "add the missing one to data.yaml, or leave `--split` out"))
    content |= {"nc": len(job.classes), "names": {c.id - 1: c.name for c in job.classes}}
    return Index({"data.yaml": yaml.safe_dump(content, sort_keys=False, allow_unicode=True).encode()}, losses)


def _line(number: int, ring: outline.Ring, item: Item) -> str:
    fractions = ring / (item.record.width, item.record.height)
    return " ".join([str(number), *(f"{v:.6f}".rstrip("0").rstrip(".") for v in fractions.ravel().tolist())]) + "\n"


def _bridged(item: Item, index: int, parts: Sequence[outline.Part], bridges: Sequence[float]) -> list[Finding]:
    """What hangs on bridges: parts that lie apart (not those that meet at a corner), and holes."""
    is_hole = [hole for part in parts for hole in (False, *(True for _ in part.holes))][1:]
    num_holes = sum(is_hole)
    num_apart = sum(length > TOUCHING_PX and not hole for length, hole in zip(bridges, is_hole, strict=True))
    remedy = "nothing, where polygons are filled; a tool that draws outlines shows the bridges"
    out = []
    if num_apart:
        came = f"{num_apart + 1} parts, joined into one ring by bridges of no width"
        out.append(item.loss("multi-part", index, came, remedy, "approximated"))
    if num_holes:
        came = f"{num_holes} {'hole' if num_holes == 1 else 'holes'}, opened to the outside by slits of no width"
        out.append(item.loss("hole", index, came, remedy, "approximated"))
    return out


def _same_box(item: Item) -> list[Finding]:
    """Ultralytics takes two lines of one class and one box for a duplicate and drops one of them."""
    boxes = item.objects.boxes_xyxy.tolist()
    keys = [None if a.is_crowd else (a.class_id, *box) for a, box in zip(item.annotations, boxes, strict=True)]
    times = Counter(key for key in keys if key is not None)
    came = "another object of its class has the same box; Ultralytics reads only one of them"
    remedy = "look whether it is labelled twice"
    twice = [index for index, key in enumerate(keys) if key is not None and times[key] > 1]
    return [item.loss("same box", index, came, remedy, "") for index in twice]
