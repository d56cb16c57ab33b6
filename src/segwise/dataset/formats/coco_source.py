"""A COCO data set as other tools leave it: find its parts, bring its label file into the canonical form."""

from __future__ import annotations

import json
import shutil
from pathlib import Path, PurePosixPath
from typing import Any

from pycocotools import mask as coco_mask

from segwise.dataset import coco, schema
from segwise.errors import UsageError

NOTES = ("README.md", "LICENSE", "LICENSE.md", "LICENSE.txt")  # where a data set's licence and source are written


def label_file(source: Path) -> Path:
    """The label file of `source`: a folder with instances.json, or the JSON file itself.

    Raises:
        UsageError: it is neither.
    """
    if source.is_dir() and (source / coco.LABELS_NAME).is_file():
        return source / coco.LABELS_NAME
    if source.is_file() and source.suffix.lower() == ".json":
        return source
    came = f"{source} ({'has none' if source.is_dir() else 'not found' if not source.exists() else 'no .json file'})"
    expected = f"a folder with {coco.LABELS_NAME} and {coco.IMAGES_DIR}/, or a COCO JSON file beside its images"
    raise UsageError(expected, came, "name the folder or the JSON file: `segwise import path/to/instances.json`")


def find_image(folder: Path, file_name: str) -> Path | None:
    """Where the image lies: below `folder`/images or below `folder`; None if nowhere."""
    places = (folder / coco.IMAGES_DIR / file_name, folder / file_name)
    return next((place for place in places if place.is_file()), None)


def copy(document: dict[str, Any], labels: Path, target: Path) -> None:
    """Copy the images of a canonical document, its label file and its notes into `target`.

    An image that lies nowhere is left out; a label file that was canonical already keeps its bytes.
    """
    (target / coco.IMAGES_DIR).mkdir(parents=True)
    for image in document["images"]:
        place = find_image(labels.parent, image["file_name"])
        if place is not None:
            path = target / coco.IMAGES_DIR / image["file_name"]
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(place, path)
    for note in NOTES:
        if (labels.parent / note).is_file():
            shutil.copyfile(labels.parent / note, target / note)
    if document == coco.read_raw(labels):
        shutil.copyfile(labels, target / coco.LABELS_NAME)
    else:
        (target / coco.LABELS_NAME).write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")


def canonical(raw: Any) -> tuple[Any, tuple[finding.Finding, ...]]:
    """The document with file names below images/ and every mask as compressed RLE; all other keys are kept.

    Returns:
        the document, and the findings; where one of them is an error the document is no use.
    """
    if isinstance(raw, dict) and isinstance(raw.get("images"), list):
        raw = {**raw, "images": [_below_images(image) for image in raw["images"]]}
    checked = schema.check(raw)
    if finding.errors_in(checked.findings):
        return raw, checked.findings
    dataset = coco.build(Path(), checked)
    rles = {a.id: a.rle for record in dataset.images for a in record.annotations}
    annotations = [_with_rle(annotation, rles[int(annotation["id"])]) for annotation in raw["annotations"]]
    return {**raw, "annotations": annotations}, checked.findings


def _below_images(image: Any) -> Any:
    if not isinstance(image, dict) or not isinstance(image.get("file_name"), str):
        return image
    parts = PurePosixPath(image["file_name"]).parts
    if len(parts) > 1 and parts[0] == coco.IMAGES_DIR:
        return {**image, "file_name": "/".join(parts[1:])}
    return image


def _with_rle(annotation: dict[str, Any], rle: dict[str, Any]) -> dict[str, Any]:
    if isinstance(annotation["segmentation"], dict) and isinstance(annotation["segmentation"]["counts"], str):
        return annotation
    shape = {"size": [int(side) for side in rle["size"]], "counts": rle["counts"].decode("ascii")}
    box = [float(v) for v in coco_mask.toBbox(rle)]  # of the mask: a polygon's own area and box differ a little
    return {**annotation, "segmentation": shape, "area": int(coco_mask.area(rle)), "bbox": box}
