"""The label file (COCO instances JSON) becomes checked values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pycocotools import mask as coco_mask

from segwise.dataset import finding, schema
from segwise.dataset.images import Range, read_image
from segwise.errors import DataInvalidError
from segwise.types import ClassInfo, Image

LABELS_NAME = "instances.json"
IMAGES_DIR = "images"

# keys of an image's entry that say nothing about its kind; every other text or number is an attribute
_NO_ATTRIBUTES = frozenset(
    (
        "id",
        "file_name",
        "width",
        "height",
        "group",
        "split",
        "license",
        "source_id",
        "flickr_url",
        "coco_url",
        "date_captured",
    )
)


@dataclass(frozen=True, slots=True)
class Annotation:
    """One labelled region. `rle` is compressed, `{"size": [H, W], "counts": bytes}`; area and box are as stored."""

    id: int
    class_id: int
    rle: dict[str, Any]
    is_crowd: bool
    area_px: float | None
    bbox_xywh: tuple[float, float, float, float] | None


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One image's entry. `group` holds images that must share a split; without one it is the file name."""

    id: int
    file_name: str
    width: int
    height: int
    group: str
    split: str | None
    attributes: dict[str, str]
    annotations: tuple[Annotation, ...]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set: images sorted by file name, classes numbered 1..K in the order of their category ids.

    `value_range`: the pixel values that become 0 and 255 in images of more than 8 bits (see `images`).
    """

    root: Path
    images: tuple[ImageRecord, ...]
    classes: tuple[ClassInfo, ...]
    value_range: Range | None = None

    def image_path(self, record: ImageRecord) -> Path:
        """Where the image's pixels lie."""
        return self.root / IMAGES_DIR / record.file_name

    def pixels(self, record: ImageRecord) -> Image:
        """The image as RGB, uint8 (H, W, 3). Raises DataInvalidError: see `images.read_image`."""
        return read_image(self.image_path(record), value_range=self.value_range)


def read(root: Path) -> Dataset:
    """Read the data set in `root` (instances.json and images/).

    Raises:
        DataInvalidError: it is missing, no JSON, or a record breaks the schema.
    """
    checked = schema.check(read_raw(root / LABELS_NAME))
    if finding.errors_in(checked.findings):
        raise finding.refusal(checked.findings)
    return build(root, checked)


def read_raw(path: Path) -> Any:
    """The label file as JSON, unchecked.

    Raises:
        DataInvalidError: the file is missing, unreadable or no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        remedy = "run `dvc pull data`, or bring your own: `segwise import SOURCE`"
        raise DataInvalidError(f"the label file {path}", error.strerror or str(error), remedy) from error
    except (ValueError, RecursionError) as error:
        raise DataInvalidError(f"JSON in {path}", str(error), "export the labels again") from error


def build(root: Path, checked: schema.Checked) -> Dataset:
    """Values from records that passed `schema.check`."""
    categories = sorted(checked.categories, key=lambda c: int(c["id"]))
    classes = tuple(ClassInfo(i, c["name"], bool(c.get("isthing", 1))) for i, c in enumerate(categories, start=1))
    class_ids = {int(c["id"]): i for i, c in enumerate(categories, start=1)}
    sizes = {int(image["id"]): (int(image["height"]), int(image["width"])) for image in checked.images}
    annotations: dict[int, list[Annotation]] = {number: [] for number in sizes}
    for raw in checked.annotations:
        number = int(raw["image_id"])
        annotations[number].append(_annotation(raw, class_ids[int(raw["category_id"])], sizes[number]))
    records = (_record(image, annotations[int(image["id"])]) for image in checked.images)
    images = tuple(sorted(records, key=lambda r: r.file_name))
    return Dataset(root, images, classes, checked.value_range)


def by_name(dataset: Dataset, names: Iterable[str]) -> tuple[ImageRecord, ...]:
    """The records of these file names, in the names' order.

    Raises:
        DataInvalidError: the data set has no such image.
    """
    records = {record.file_name: record for record in dataset.images}
    chosen = list(names)
    for name in chosen:
        if name not in records:
            raise DataInvalidError(f"image {name} in {dataset.root}", "no such entry", "run `segwise split` again")
    return tuple(records[name] for name in chosen)


def _record(raw: dict[str, Any], annotations: Sequence[Annotation]) -> ImageRecord:
    group = raw.get("group")
    return ImageRecord(
        id=int(raw["id"]),
        file_name=raw["file_name"],
        width=int(raw["width"]),
        height=int(raw["height"]),
        group=raw["file_name"] if group in (None, "") else str(group),
        split=None if raw.get("split") is None else str(raw["split"]),
        attributes={k: str(v) for k, v in raw.items() if k not in _NO_ATTRIBUTES and isinstance(v, str | int)},
        annotations=tuple(sorted(annotations, key=lambda a: a.id)),
    )


def _annotation(raw: dict[str, Any], class_id: int, size: tuple[int, int]) -> Annotation:
    area, box = raw.get("area"), raw.get("bbox")
    return Annotation(
        id=int(raw["id"]),
        class_id=class_id,
        rle=_compressed(raw["segmentation"], size),
        is_crowd=bool(raw.get("iscrowd", 0)),
        area_px=None if area is None else float(area),
        bbox_xywh=None if box is None else (float(box[0]), float(box[1]), float(box[2]), float(box[3])),
    )


def _compressed(shape: Any, size: tuple[int, int]) -> dict[str, Any]:
    if isinstance(shape, list):
        return dict(coco_mask.merge(coco_mask.frPyObjects(shape, *size)))
    if isinstance(shape["counts"], list):
        return dict(coco_mask.frPyObjects(shape, *size))
    return {"size": list(size), "counts": shape["counts"].encode("ascii")}
