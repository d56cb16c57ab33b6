"""What every exporter gets and gives: one image with its objects, and the files it becomes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from segwise.dataset import targets
from segwise.dataset.coco import Annotation, ImageRecord
from segwise.dataset.exports.outline import Part, parts
from segwise.dataset.finding import Effect, Finding
from segwise.types import ClassInfo, Objects

NO_SPLIT = "all"  # the split of images that have none


@dataclass(frozen=True, slots=True)
class Job:
    """What holds for the whole export.

    classes: 1..K. tolerance_px: see `outline.parts`. only_rle: COCO masks as run lengths, never as polygons.
    header: more keys of the label file (info, licenses).
    """

    classes: tuple[ClassInfo, ...]
    tolerance_px: float = 0
    only_rle: bool = False
    header: Mapping[str, Any] = field(default_factory=dict)

    def name(self, class_id: int) -> str:
        """A class's name."""
        return self.classes[class_id - 1].name


@dataclass(frozen=True)
class Item:
    """One image to write. `name` is its name in the export, `extra` and `object_extra` what else its entries hold."""

    record: ImageRecord
    name: str
    split: str
    extra: Mapping[str, Any] = field(default_factory=dict)
    object_extra: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """The export's name without its ending."""
        return self.name.rpartition(".")[0] or self.name

    @property
    def given(self) -> dict[str, str]:
        """What is known of the image's split and group: an image alone in its group has none."""
        known = {"split": self.split if self.split != NO_SPLIT else None, "group": self.group}
        return {key: value for key, value in known.items() if value is not None}

    @property
    def group(self) -> str | None:
        """The image's group, None where it is alone in it."""
        return None if self.record.group == self.record.file_name else self.record.group

    @cached_property
    def annotations(self) -> tuple[Annotation, ...]:
        """The annotations with pixels, in the order of `objects`."""
        return targets.with_pixels(self.record)

    @cached_property
    def objects(self) -> Objects:
        """The masks of `annotations`."""
        return targets.objects(self.record)

    def outline(self, index: int, job: Job) -> tuple[Part, ...]:
        """The outline of object `index`, in pixels of the image."""
        x0, y0 = self.objects.boxes_xyxy[index, :2].tolist()
        return parts(self.objects.crops[index], x0, y0, job.tolerance_px)

    def loss(self, check: str, index: int | None, came: str, remedy: str, effect: Effect) -> Finding:
        """A finding about this image or, with an index, one of its objects."""
        number = None if index is None else self.annotations[index].id
        return Finding(check, "warning", self.record.file_name, number, came, remedy, effect)

    def without_pixels(self) -> Iterator[Finding]:
        """A finding for each annotation whose mask is empty: no format gets these."""
        kept = {a.id for a in self.annotations}
        for annotation in self.record.annotations:
            if annotation.id not in kept:
                yield Finding("zero area", "warning", self.record.file_name, annotation.id, "a mask without pixels",
                              "draw it again, or remove it", "dropped")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    """What one image becomes: where its own file goes, its label files, losses, and a row for `index`."""

    image: str
    files: dict[str, bytes] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    row: Any = None


@dataclass(frozen=True, slots=True)
class Index:
    """The files of the whole set, and its losses."""

    files: dict[str, bytes]
    findings: Sequence[Finding] = ()


def about_set(check: str, came: str, remedy: str, effect: Effect = "") -> Finding:
    """A finding about the export as a whole."""
    return Finding(check, "warning", None, None, came, remedy, effect)


def as_json(value: Any) -> bytes:
    """JSON on one line, keys sorted, UTF-8."""
    return (json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()
