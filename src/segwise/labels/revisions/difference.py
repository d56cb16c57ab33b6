"""What changed between two data revisions: findings, images, objects, classes. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pycocotools import mask as coco_mask

from segwise.dataset.coco import Annotation, Dataset, ImageRecord
from segwise.dataset.finding import Finding
from segwise.labels.contract.fingerprints import Fingerprints


@dataclass(frozen=True, slots=True)
class Names:
    """File names of images; `renamed` are pairs (before, after) of the same bytes."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """One object that was added, removed or changed; `words` say how it was changed."""

    kind: str
    image: str
    object_id: int
    class_name: str
    words: str = ""


def findings(
    before: tuple[Dataset, Sequence[Finding]], after: tuple[Dataset, Sequence[Finding]]
) -> tuple[tuple[Finding, ...], tuple[Finding, ...], tuple[Finding, ...]]:
    """The findings that are new, gone and still there, recognised as `baseline.split` does."""
    keys_before, keys_after = (
        [Fingerprints(dataset).key(found) for found in listed] for dataset, listed in (before, after)
    )
    left = Counter(keys_before)
    new: list[Finding] = []
    still: list[Finding] = []
    for key, found in zip(keys_after, after[1], strict=True):
        (still if left[key] > 0 else new).append(found)
        left[key] -= 1
    gone = []
    for key, found in zip(reversed(keys_before), reversed(before[1]), strict=True):
        if left[key] > 0:
            gone.append(found)
        left[key] -= 1
    return tuple(new), tuple(reversed(gone)), tuple(still)


def images(before: Mapping[str, str], after: Mapping[str, str]) -> Names:
    """Compare image files by name and hash.

    Args:
        before, after: each image file's hash by its name.
    """
    added, removed = sorted(set(after) - set(before)), sorted(set(before) - set(after))
    by_hash = {before[name]: name for name in reversed(removed)}
    renamed = {name: by_hash.pop(after[name]) for name in added if after[name] in by_hash}
    gone = set(renamed.values())
    return Names(
        added=tuple(name for name in added if name not in renamed),
        removed=tuple(name for name in removed if name not in gone),
        changed=tuple(name for name in sorted(after) if name in before and before[name] != after[name]),
        renamed=tuple((old, new) for new, old in renamed.items()),
    )


def objects(before: Dataset, after: Dataset, renamed: Mapping[str, str]) -> list[ObjectChange]:
    """Compare the objects image by image; one that only got another number has not changed.

    Args:
        renamed: file name after → before, of images that only changed their name.
    """
    names = _class_names(before), _class_names(after)
    records = {record.file_name: record for record in before.images}
    out = []
    for record in after.images:
        out += _in_image(records.pop(renamed.get(record.file_name, record.file_name), None), record, names)
    for record in records.values():
        out += [ObjectChange("removed", record.file_name, a.id, names[0][a.class_id]) for a in record.annotations]
    return out


def classes(before: Dataset, after: Dataset) -> dict[str, tuple[int, int]]:
    """Objects per class before and after, without crowds; in the order of the classes after."""
    counts = [_counts(dataset) for dataset in (before, after)]
    names = dict.fromkeys([*(c.name for c in after.classes), *(c.name for c in before.classes)])
    return {name: (counts[0][name], counts[1][name]) for name in names}


def _in_image(
    before: ImageRecord | None, after: ImageRecord, names: tuple[dict[int, str], dict[int, str]]
) -> list[ObjectChange]:
    old = {a.id: a for a in before.annotations} if before else {}
    new = {a.id: a for a in after.annotations}
    contents = Counter(_content(a, names[0]) for a in old.values())
    contents &= Counter(_content(a, names[1]) for a in new.values())
    old, new = _without(old, contents, names[0]), _without(new, contents, names[1])
    image = after.file_name
    out = [ObjectChange("removed", image, n, names[0][a.class_id]) for n, a in old.items() if n not in new]
    for number, annotation in new.items():
        name = names[1][annotation.class_id]
        if number in old:
            words = _words(old[number], annotation, names)
            out.append(ObjectChange("changed", image, number, name, words))
        else:
            out.append(ObjectChange("added", image, number, name))
    return out


def _without(
    objects: dict[int, Annotation], contents: Counter[tuple[str, bool, bytes]], names: dict[int, str]
) -> dict[int, Annotation]:
    """The objects that remain when as many of each content as counted are taken away."""
    left, out = contents.copy(), {}
    for number, annotation in objects.items():
        content = _content(annotation, names)
        if left[content] > 0:
            left[content] -= 1
        else:
            out[number] = annotation
    return out


def _content(annotation: Annotation, names: dict[int, str]) -> tuple[str, bool, bytes]:
    return names[annotation.class_id], annotation.is_crowd, bytes(annotation.rle["counts"])


def _words(before: Annotation, after: Annotation, names: tuple[dict[int, str], dict[int, str]]) -> str:
    parts = []
    if names[0][before.class_id] != names[1][after.class_id]:
        parts.append(f"class {names[0][before.class_id]} → {names[1][after.class_id]}")
    if before.is_crowd != after.is_crowd:
        parts.append("now ignored" if after.is_crowd else "no longer ignored")
    if before.rle["size"] != after.rle["size"]:
        parts.append(f"image size {before.rle['size'][::-1]} → {after.rle['size'][::-1]}")
    elif before.rle["counts"] != after.rle["counts"]:
        overlap = float(np.asarray(coco_mask.iou([before.rle], [after.rle], [0])).item())
        areas = [int(coco_mask.area(a.rle)) for a in (before, after)]
        parts.append(f"mask {areas[0]} → {areas[1]} px, IoU {overlap:.3f}")
    return "; ".join(parts)


def _counts(dataset: Dataset) -> Counter[str]:
    names = _class_names(dataset)
    return Counter(names[a.class_id] for record in dataset.images for a in record.annotations if not a.is_crowd)


def _class_names(dataset: Dataset) -> dict[int, str]:
    return {info.id: info.name for info in dataset.classes}
