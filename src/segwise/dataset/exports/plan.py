"""What is written and what a format leaves out: images under their new names, and all that their entries hold. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from segwise.dataset.coco import Dataset, ImageRecord
from segwise.dataset.exports import names
from segwise.dataset.exports.item import Item, about_set
from segwise.dataset.finding import Finding
from segwise.dataset.formats.text import is_json

HEADER = ("info", "licenses")
_IMAGE_KEYS = frozenset(("id", "file_name", "width", "height", "group", "split"))
_ANNOTATION_KEYS = frozenset(("id", "image_id", "category_id", "segmentation", "area", "bbox", "iscrowd"))


@dataclass(frozen=True, slots=True)
class Plan:
    """The images to write, in the order of their names; what the label file says beyond masks; names that change."""

    records: tuple[ImageRecord, ...]
    splits: Mapping[str, str]
    new_names: Mapping[str, str]
    extra: Mapping[str, Mapping[str, Any]]
    object_extra: Mapping[int, Mapping[str, Any]]

    def items(self) -> Iterator[Item]:
        """One image after the other, so that the masks of only one are in memory."""
        for record in self.records:
            name = record.file_name
            yield Item(record, self.new_names[name], self.splits[name], self.extra[name], self.object_extra)


def plan(dataset: Dataset, raw: Mapping[str, Any], splits: Mapping[str, str], split: str | None, is_flat: bool) -> Plan:
    """Plan an export of the images of `split`, or of all.

    Args:
        raw: the label file as JSON, checked by `schema.check`.
        splits: the split of every image.
    """
    records = tuple(r for r in dataset.images if split is None or splits[r.file_name] == split)
    chosen = [r.file_name for r in records]
    entries = {image["file_name"]: image for image in raw["images"]}
    extra = {name: _rest(entries[name], _IMAGE_KEYS) for name in chosen}
    numbers = {r.id for r in records}
    rest = {int(a["id"]): _rest(a, _ANNOTATION_KEYS) for a in raw["annotations"] if int(a["image_id"]) in numbers}
    return Plan(
        records,
        {name: splits[name] for name in chosen},
        # names are drawn over the whole set, so that one split's names are those of the whole export
        names.flat([r.file_name for r in dataset.images]) if is_flat else {name: name for name in chosen},
        extra,
        {number: values for number, values in rest.items() if values},
    )


def losses(plan: Plan, dataset: Dataset, keeps: Collection[str]) -> Iterator[Finding]:
    """What a format does not carry beside masks, class names and splits, and images that get another name.

    Args:
        keeps: what it carries, see `exports.table`.
    """
    remedy = "export as coco, which carries it"
    num_grouped = sum(record.group != record.file_name for record in plan.records)
    if num_grouped and "group" not in keeps:
        yield about_set("not carried", f"the group of {num_grouped} images", remedy, "dropped")
    for word, rows in (("attributes", plan.extra.values()), ("object attributes", plan.object_extra.values())):
        keys = sorted({key for row in rows for key in row})
        if keys and word not in keeps:
            came = f"{word} of {sum(map(bool, rows))}: {', '.join(keys)}"
            yield about_set("not carried", came, remedy, "dropped")
    stuff = [c.name for c in dataset.classes if not c.isthing]
    if stuff and "kind" not in keeps:
        came = f"that {', '.join(map(repr, stuff))} {'is no thing' if len(stuff) == 1 else 'are no things'}"
        yield about_set("not carried", came, remedy, "dropped")
    for record in plan.records:
        new = plan.new_names[record.file_name]
        if new != record.file_name:
            came, said = f"the file is written as {new}", "rename it, if the name matters"
            yield Finding("name changed", "warning", record.file_name, None, came, said, "repaired")


def about_tolerance(tolerance_px: float) -> Finding:
    """The finding that the user asked for simpler outlines."""
    came = f"polygons are simplified, up to {tolerance_px:g} px from the mask's edge"
    return about_set("simplified", came, "leave the tolerance out", "approximated")


def _rest(record: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """The other keys of an entry, as far as they can be written as JSON in UTF-8."""
    return {key: value for key, value in record.items() if key not in known and is_json(key) and is_json(value)}


def header(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The label file's own keys (info, licenses)."""
    return {key: raw[key] for key in HEADER if key in raw and is_json(raw[key])}


def count_objects(records: Sequence[ImageRecord]) -> int:
    """Annotations of these images, crowds included."""
    return sum(len(record.annotations) for record in records)
