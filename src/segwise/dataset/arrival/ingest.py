"""From a delivery and its merged label file to a folder: what is read, hashed, dropped and copied on the way."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from segwise.dataset import coco, schema
from segwise.dataset.arrival import value_range
from segwise.dataset.arrival.merge import Merged
from segwise.dataset.finding import Finding
from segwise.dataset.formats import shapes
from segwise.dataset.formats.delivery import Delivery, Picture
from segwise.dataset.images import decode_image, deep_values, header_of
from segwise.errors import DataInvalidError
from segwise.spec import sha256_of

NOTES = ("README.md", "LICENSE", "LICENSE.md", "LICENSE.txt")  # where a data set's licence and source are written


def without_broken(delivery: Delivery) -> Delivery:
    """The delivery without what cannot be read: errors of single images and objects become what was dropped."""
    with ThreadPoolExecutor() as pool:
        unreadable = [found for found in pool.map(_unreadable, delivery.pictures) if found]
    lost = {f.image for f in unreadable}
    found = [
        replace(f, severity="warning", effect="dropped") if f.severity == "error" and f.image is not None else f
        for f in (*delivery.findings, *unreadable)
    ]
    pictures = tuple(p for p in delivery.pictures if p.file_name not in lost)
    return replace(delivery, pictures=pictures, findings=tuple(found))


def _unreadable(picture: Picture) -> Finding | None:
    content = picture.content
    try:
        if picture.is_deep:
            deep_values(content)
        else:
            decode_image(content if isinstance(content, bytes) else content.read_bytes())
    except DataInvalidError as error:
        return Finding("file unreadable", "error", picture.file_name, None, error.came, error.remedy)
    return None


def file_digests(target: Path) -> dict[str, str]:
    """SHA-256 of each file among the images of the data set in `target`, by file name."""
    folder = target / coco.IMAGES_DIR
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    with ThreadPoolExecutor() as pool:
        return {p.relative_to(folder).as_posix(): d for p, d in zip(paths, pool.map(sha256_of, paths), strict=True)}


def content_digests(pictures: Sequence[Picture]) -> list[str]:
    """SHA-256 of each picture's bytes."""

    def digest(picture: Picture) -> str:
        content = picture.content
        return sha256_of(content) if isinstance(content, Path) else hashlib.sha256(content).hexdigest()

    with ThreadPoolExecutor() as pool:
        return list(pool.map(digest, pictures))


def with_range(merged: Merged, old: Path | None) -> Merged:
    """The value range of deep images, measured once: later deliveries are read with the range the first one set.

    Args:
        old: the data set that is merged with. If it has deep images and no range, they keep the full 0..65535.
    """
    deep = [picture.content for picture in merged.copies.values() if picture.is_deep]
    if not deep:
        return merged
    found, known = value_range.measure(deep), merged.document.get("value_range")
    if known is None and old is not None and _is_deep(old):
        known = [0.0, 65535.0]
    if known is None:
        known = list(found)
    merged = replace(merged, document={**merged.document, "value_range": known})
    if not schema.is_range(known) or not value_range.outside((known[0], known[1]), found):
        return merged
    came = f"pixel values {found[0]:g}..{found[1]:g}, the data set is read as {known[0]:g}..{known[1]:g}"
    remedy = "what lies outside is clipped; set `value_range` in the label file to widen it (models are trained anew)"
    warning = Finding("value range", "warning", None, None, came, remedy, "approximated")
    return replace(merged, findings=(*merged.findings, warning))


def _is_deep(data: Path) -> bool:
    """Whether any image there has more than 8 bits a channel; files that cannot be read have none."""
    for path in sorted((data / coco.IMAGES_DIR).rglob("*")):
        try:
            if path.is_file() and header_of(path).is_deep:
                return True
        except DataInvalidError:
            continue
    return False


def with_rles(document: dict[str, Any], checked: schema.Checked) -> dict[str, Any]:
    """A checked label file with every mask as compressed run lengths, whatever it was written as."""
    if all(isinstance(row["segmentation"], dict) and isinstance(row["segmentation"]["counts"], str)
           for row in document["annotations"]):  # fmt: skip
        return document
    dataset = coco.build(Path(), checked)
    rles = {a.id: shapes.as_text(a.rle) for record in dataset.images for a in record.annotations}
    return {
        **document,
        "annotations": [{**row, "segmentation": rles[int(row["id"])]} for row in document["annotations"]],
    }


def fill(new: Path, old: Path | None, merged: Merged, source: Path) -> None:
    """Fill the new folder: the old one's files (linked where the disk can), the delivered images, the label file."""
    if old is not None:
        shutil.copytree(old, new, dirs_exist_ok=True, copy_function=_link)
        (new / coco.LABELS_NAME).unlink()
    (new / coco.IMAGES_DIR).mkdir(exist_ok=True)
    for name, picture in merged.copies.items():
        path = new / coco.IMAGES_DIR / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # it may be a link to a file of the old folder, which is not to change
        if isinstance(picture.content, bytes):
            path.write_bytes(picture.content)
        else:
            shutil.copyfile(picture.content, path)
    for note in NOTES:
        if (source / note).is_file() and not (new / note).exists():
            shutil.copyfile(source / note, new / note)
    own = source / coco.LABELS_NAME
    if old is None and own.is_file() and coco.read_raw(own) == merged.document:
        shutil.copyfile(own, new / coco.LABELS_NAME)  # it was canonical already: it keeps its bytes
    else:
        text = json.dumps(merged.document, ensure_ascii=False, allow_nan=False)
        (new / coco.LABELS_NAME).write_text(text, encoding="utf-8")


def _link(source: str, target: str) -> str:
    try:
        Path(target).hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)
    return target
