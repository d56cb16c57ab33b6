"""A small sound source of every format, as its tool writes it: two images 40 × 32, three objects of two classes."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

HEIGHT, WIDTH = 32, 40
CLASSES = ("cell", "dust")
# (class, x, y, width, height) of the rectangles in each image
OBJECTS: dict[str, tuple[tuple[str, int, int, int, int], ...]] = {
    "a.png": (("cell", 2, 3, 10, 8), ("dust", 20, 10, 9, 12)),
    "b.png": (("cell", 5, 5, 20, 14),),
}
Box = tuple[str, int, int, int, int]


def pixels(name: str) -> bytes:
    """The image file."""
    rng = np.random.default_rng(len(name) + ord(name[0]))
    buffer = io.BytesIO()
    Image.fromarray(rng.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def ring(box: Box) -> list[list[float]]:
    """The corners of a rectangle."""
    _, x, y, w, h = box
    return [[float(a), float(b)] for a, b in ((x, y), (x + w, y), (x + w, y + h), (x, y + h))]


def flat(box: Box) -> list[float]:
    return [v for point in ring(box) for v in point]


def mask_of(box: Box) -> np.ndarray:
    _, x, y, w, h = box
    mask = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    mask[y : y + h, x : x + w] = 1
    return mask


def _images(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in OBJECTS:
        (folder / name).write_bytes(pixels(name))


def _put(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")


def _png(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)


def _coco(root: Path) -> None:
    _images(root / "images")
    images, annotations = [], []
    for number, (name, boxes) in enumerate(OBJECTS.items(), start=1):
        images.append({"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT})
        for box in boxes:
            rle = coco_mask.encode(np.asfortranarray(mask_of(box)))
            shapes: list[Any] = [
                [flat(box)],
                {"size": [HEIGHT, WIDTH], "counts": rle["counts"].decode()},
                {"size": [HEIGHT, WIDTH], "counts": _runs(mask_of(box))},
            ]
            annotations.append(
                {"id": len(annotations) + 1, "image_id": number, "category_id": 1 + CLASSES.index(box[0]),
                 "segmentation": shapes[len(annotations) % 3], "area": box[3] * box[4], "bbox": list(box[1:]),
                 "iscrowd": 0}
            )  # fmt: skip
    categories = [{"id": i, "name": name, "supercategory": ""} for i, name in enumerate(CLASSES, start=1)]
    _put(root / "annotations.json", {"images": images, "annotations": annotations, "categories": categories})


def _runs(mask: np.ndarray) -> list[int]:
    values = mask.ravel(order="F")
    edges = np.flatnonzero(np.diff(np.concatenate(([0], values, [values[-1]]))))
    return np.diff(np.concatenate(([0], edges, [values.size]))).tolist()


def _yolo(root: Path) -> None:
    _images(root / "images/train")
    for name, boxes in OBJECTS.items():
        rows = [
            " ".join([str(CLASSES.index(b[0])), *(f"{x / WIDTH:.6f} {y / HEIGHT:.6f}" for x, y in ring(b))])
            for b in boxes
        ]
        _put(root / f"labels/train/{Path(name).stem}.txt", "\n".join(rows) + "\n")
    _put(
        root / "data.yaml",
        f"path: .\ntrain: images/train\nval: images/train\nnames:\n  0: {CLASSES[0]}\n  1: {CLASSES[1]}\n",
    )


def _labelme(root: Path) -> None:
    _images(root)
    for name, boxes in OBJECTS.items():
        shapes = [
            {"label": b[0], "points": ring(b), "group_id": None, "shape_type": "polygon", "flags": {}} for b in boxes
        ]
        _put(root / f"{Path(name).stem}.json", {
            "version": "5.2.1", "flags": {}, "shapes": shapes, "imagePath": name, "imageHeight": HEIGHT,
            "imageWidth": WIDTH, "imageData": base64.b64encode(pixels(name)).decode(),
        })  # fmt: skip


def _via(root: Path) -> None:
    _images(root)
    rows = {}
    for name, boxes in OBJECTS.items():
        size = len(pixels(name))
        regions = [
            {"shape_attributes": {"name": "polygon", "all_points_x": [p[0] for p in ring(b)],
                                  "all_points_y": [p[1] for p in ring(b)]}, "region_attributes": {"class": b[0]}}
            for b in boxes
        ]  # fmt: skip
        rows[f"{name}{size}"] = {"filename": name, "size": size, "regions": regions, "file_attributes": {}}
    kinds = dict.fromkeys(CLASSES, "")
    _put(root / "via_project.json", {
        "_via_settings": {}, "_via_img_metadata": rows,
        "_via_attributes": {"region": {"class": {"type": "dropdown", "options": kinds}}, "file": {}},
    })  # fmt: skip


def _cvat(root: Path) -> None:
    _images(root / "images")
    rows = []
    for number, (name, boxes) in enumerate(OBJECTS.items()):
        shapes = []
        for box in boxes:
            points = ";".join(f"{x:.2f},{y:.2f}" for x, y in ring(box))
            shapes.append(
                f'<polygon label="{box[0]}" source="manual" occluded="0" points="{points}" z_order="0"></polygon>'
            )
        rows.append(f'<image id="{number}" name="{name}" width="{WIDTH}" height="{HEIGHT}">{"".join(shapes)}</image>')
    labels = "".join(f"<label><name>{name}</name><attributes></attributes></label>" for name in CLASSES)
    head = f"<version>1.1</version><meta><task><labels>{labels}</labels></task></meta>"
    _put(
        root / "annotations.xml",
        f'<?xml version="1.0" encoding="utf-8"?><annotations>{head}{"".join(rows)}</annotations>',
    )


def _class_map(boxes: tuple[Box, ...]) -> np.ndarray:
    out = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    for box in boxes:
        out[mask_of(box) > 0] = 1 + CLASSES.index(box[0])
    return out


def _ids(boxes: tuple[Box, ...], dtype: Any = np.uint8) -> np.ndarray:
    out = np.zeros((HEIGHT, WIDTH), dtype=dtype)
    for number, box in enumerate(boxes, start=1):
        out[mask_of(box) > 0] = number
    return out


def _voc(root: Path) -> None:
    _images(root / "JPEGImages")
    for name, boxes in OBJECTS.items():
        for folder, values in (("SegmentationClass", _class_map(boxes)), ("SegmentationObject", _ids(boxes))):
            image = Image.fromarray(values).convert("P")
            image.putpalette([v for i in range(256) for v in (i, 255 - i, i // 2)])
            (root / folder).mkdir(exist_ok=True)
            image.save(root / folder / name)
    _put(root / "ImageSets/Segmentation/train.txt", "a\n")
    _put(root / "ImageSets/Segmentation/val.txt", "b\n")
    _put(root / "labelmap.txt", "background:0,255,0::\ncell:1,254,0::\ndust:2,253,1::\n")


def _cityscapes(root: Path) -> None:
    for stem, name in (("aachen_000000_000019", "a.png"), ("aachen_000001_000019", "b.png")):
        (root / "leftImg8bit/train/aachen").mkdir(parents=True, exist_ok=True)
        (root / f"leftImg8bit/train/aachen/{stem}_leftImg8bit.png").write_bytes(pixels(name))
        ids = np.full((HEIGHT, WIDTH), 7, dtype=np.uint8)
        instances = np.full((HEIGHT, WIDTH), 7, dtype=np.uint16)
        for number, box in enumerate(OBJECTS[name]):
            value = {"cell": 24, "dust": 26}[box[0]]
            ids[mask_of(box) > 0] = value
            instances[mask_of(box) > 0] = value * 1000 + number
        _png(root / f"gtFine/train/aachen/{stem}_gtFine_labelIds.png", ids)
        _png(root / f"gtFine/train/aachen/{stem}_gtFine_instanceIds.png", instances)


def _object_masks(root: Path) -> None:
    for name, boxes in OBJECTS.items():
        folder = root / Path(name).stem
        (folder / "images").mkdir(parents=True)
        (folder / "images" / name).write_bytes(pixels(name))
        for number, box in enumerate(boxes):
            _png(folder / "masks" / f"{number:04}.png", mask_of(box) * np.uint8(255))


def _instance_maps(root: Path) -> None:
    _images(root / "images")
    for name, boxes in OBJECTS.items():
        _png(root / "masks" / name, _ids(boxes, np.uint16))


def _class_maps(root: Path) -> None:
    _images(root / "images")
    for name, boxes in OBJECTS.items():
        _png(root / "masks" / name, _class_map(boxes))
    _put(root / "classes.txt", "background\ncell\ndust\n")


def _manifest(root: Path) -> None:
    _images(root / "images")
    rows = []
    for name, boxes in OBJECTS.items():
        _png(root / "masks" / name, _class_map(boxes))
        colours = {"0": {"class-name": "BACKGROUND", "hex-color": "#ffffff", "confidence": 0}}
        colours |= {
            str(i): {"class-name": c, "hex-color": f"#{i:02x}0000", "confidence": 0} for i, c in enumerate(CLASSES, 1)
        }
        rows.append(json.dumps({
            "source-ref": f"s3://bucket/images/{name}", "labels-ref": f"s3://bucket/masks/{name}",
            "labels-ref-metadata": {"internal-color-map": colours, "type": "groundtruth/semantic-segmentation"},
        }))  # fmt: skip
    _put(root / "output.manifest", "\n".join(rows) + "\n")


WRITERS: dict[str, Callable[[Path], None]] = {
    "coco": _coco, "yolo": _yolo, "labelme": _labelme, "via": _via, "cvat": _cvat, "voc": _voc,
    "cityscapes": _cityscapes, "object-masks": _object_masks, "instance-maps": _instance_maps,
    "class-maps": _class_maps, "manifest": _manifest,
}  # fmt: skip


def write_source(root: Path, name: str) -> Path:
    """Write the sample of a format into the new folder `root`."""
    root.mkdir(parents=True)
    WRITERS[name](root)
    return root
