"""Exports read back without any code of the exporters: pycocotools, Pillow, PyYAML and shapely.

Each reader gives, for each image by its name in the export, its objects as (class, mask bool (H, W)); ignore regions
have the class IGNORED.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import yaml
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

IGNORED = "ignored"
Mask = np.ndarray
Read = dict[str, list[tuple[str, Mask]]]


def coco(folder: Path) -> Read:
    out: Read = {}
    for file in sorted((folder / "annotations").glob("*.json")):
        with contextlib.redirect_stdout(io.StringIO()):
            read = COCO(str(file))
        for image in read.imgs.values():
            assert (folder / "images" / image["file_name"]).is_file()
            out[image["file_name"]] = [
                (IGNORED if a["iscrowd"] else read.cats[a["category_id"]]["name"], read.annToMask(a).astype(bool))
                for a in read.imgToAnns[image["id"]]
            ]
    return out


def yolo(folder: Path) -> Read:
    names = yaml.safe_load((folder / "data.yaml").read_text())["names"]
    out: Read = {}
    for image in _files(folder / "images"):
        labels = folder / "labels" / image.relative_to(folder / "images").with_suffix(".txt")
        size = _size(image)
        rows = [line.split() for line in labels.read_text().splitlines()]
        rings = [np.array(row[1:], dtype=float).reshape(-1, 2) * size[::-1] for row in rows]
        assert all(((ring >= 0) & (ring <= size[::-1])).all() for ring in rings)
        out[image.name] = [
            (names[int(row[0])], rasterised([ring], size)) for row, ring in zip(rows, rings, strict=True)
        ]
    return out


def voc(folder: Path) -> Read:
    names = [line.split(":")[0] for line in (folder / "labelmap.txt").read_text().splitlines()[1:]]
    listed = [line for file in _files(folder / "ImageSets/Segmentation") for line in file.read_text().splitlines()]
    out: Read = {}
    for image in _files(folder / "JPEGImages"):
        assert image.stem in listed
        classes = _pixels(folder / f"SegmentationClass/{image.stem}.png")
        objects = _pixels(folder / f"SegmentationObject/{image.stem}.png")
        out[image.name] = [(IGNORED, classes == 255)] if (classes == 255).any() else []
        for value in np.unique(objects[(classes != 255) & (objects > 0)]):
            (class_id,) = np.unique(classes[objects == value])
            out[image.name].append((names[class_id], objects == value))
        assert ((objects > 0) == (classes > 0)).all()
    return out


def cityscapes(folder: Path) -> Read:
    labels = {label["id"]: label for label in json.loads((folder / "labels.json").read_text())["labels"]}
    out: Read = {}
    for image in _files(folder / "leftImg8bit"):
        stem = image.name.split("_leftImg8bit")[0]
        place = folder / "gtFine" / image.parent.relative_to(folder / "leftImg8bit")
        instances = _pixels(place / f"{stem}_gtFine_instanceIds.png").astype(int)
        classes = _pixels(place / f"{stem}_gtFine_labelIds.png")
        assert (np.where(instances >= 1000, instances // 1000, instances) == classes).all()
        rows = []
        for value in np.unique(instances[instances > 0]):
            label = labels[value // 1000 or value]
            is_ignored = label["ignoreInEval"] or (value < 1000 and label["hasInstances"])
            rows.append((IGNORED if is_ignored else label["name"], instances == value))
        out[stem + image.suffix] = rows
    return out


def labelme(folder: Path) -> Read:
    out: Read = {}
    for file in sorted(folder.glob("*/*.json")):
        document = json.loads(file.read_text())
        assert document["imageData"] is None
        size = _size(file.parent / document["imagePath"])
        assert size == (document["imageHeight"], document["imageWidth"])
        masks: dict[Any, Mask] = defaultdict(lambda size=size: np.zeros(size, dtype=bool))
        for number, shape in enumerate(document["shapes"]):
            group = (shape["group_id"], None if shape["group_id"] is not None else number, shape["label"])
            masks[group] |= _labelme_shape(shape, size)
        words = {"__ignore__": IGNORED}
        out[document["imagePath"]] = [(words.get(label, label), mask) for (_, _, label), mask in masks.items()]
    return out


def geojson(folder: Path) -> Read:
    out: Read = {}
    for file in sorted((folder / "annotations").glob("*.geojson")):
        document = json.loads(file.read_text())
        size = _size(folder / "images" / document["image"]["file_name"])
        rows = []
        for feature in document["features"]:
            shape = shapely.from_geojson(json.dumps(feature["geometry"]))
            assert shape.is_valid, shapely.is_valid_reason(shape)
            mask = np.zeros(size, dtype=bool)
            for polygon in getattr(shape, "geoms", [shape]):
                rings = [np.array(ring.coords)[:-1] for ring in (polygon.exterior, *polygon.interiors)]
                mask |= rasterised(rings[:1], size) & ~rasterised(rings[1:], size)
            assert shape.area == mask.sum()
            name = feature["properties"]["classification"]["name"]
            rows.append((IGNORED if name == "Ignore*" else name, mask))
        out[document["image"]["file_name"]] = rows
    return out


READERS: dict[str, Callable[[Path], Read]] = {
    "coco": coco, "yolo": yolo, "voc": voc, "cityscapes": cityscapes, "labelme": labelme, "geojson": geojson,
}  # fmt: skip


def rasterised(rings: Sequence[np.ndarray], size: tuple[int, int]) -> Mask:
    """The union of rings, each (N, 2) x, y, as COCO rasterises polygons; bool (H, W)."""
    if not rings:
        return np.zeros(size, dtype=bool)
    flat = [np.asarray(ring, dtype=float).ravel().tolist() for ring in rings]
    return coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(flat, *size))).astype(bool)


def _labelme_shape(shape: dict[str, Any], size: tuple[int, int]) -> Mask:
    if shape["shape_type"] == "polygon":
        return rasterised([np.array(shape["points"])], size)
    (x0, y0), (x1, y1) = shape["points"]  # labelme: the last pixel belongs to it
    out = np.zeros(size, dtype=bool)
    out[y0 : y1 + 1, x0 : x1 + 1] = np.array(Image.open(io.BytesIO(base64.b64decode(shape["mask"])))).astype(bool)
    return out


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _size(image: Path) -> tuple[int, int]:
    with Image.open(image) as opened:
        return opened.height, opened.width


def _pixels(image: Path) -> np.ndarray:
    with Image.open(image) as opened:
        return np.array(opened)
