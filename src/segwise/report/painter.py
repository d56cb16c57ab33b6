"""Findings become pictures: which image, which object, which points each of them is about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np

from segwise.dataset.coco import Dataset, ImageRecord
from segwise.dataset.finding import Finding
from segwise.dataset.targets import objects, with_pixels
from segwise.errors import DataInvalidError
from segwise.report import marks
from segwise.report.gallery import brightened
from segwise.report.thumbnails import Labelled, Picture, Points, Subject, draw
from segwise.types import Image

AS_STORED = ("self-intersection", "hole lost", "stored box")  # checks of the record as written, not of its mask


class Painter:
    """Draws the findings of one data set; keeps the images it has read last.

    Args:
        shapes: points of records as they were written, by image and id.
    """

    def __init__(self, dataset: Dataset, shapes: Mapping[tuple[str, str], Points] | None = None) -> None:
        self._dataset = dataset
        self._records = {record.file_name: record for record in dataset.images}
        self._stuff = {info.id for info in dataset.classes if not info.isthing}
        self._shapes = shapes or {}
        self._labelled = lru_cache(maxsize=6)(self._read)

    def pictures(self, found: Finding) -> list[Picture]:
        """The pictures of a finding: one, or two side by side where it names another image; of a finding about the
        whole set its example; none where it names no image."""
        found = self._example(found) if found.image is None else found
        if found.image not in self._records:
            return []
        out = []
        for name in (found.image, *self._named(found)):
            labelled = self._labelled(name)
            if labelled is not None:
                subject = self._subject(found, labelled) if name == found.image else Subject()
                words = _sentence(found) if name == found.image else f"Image {name}, for comparison"
                out.append(draw(labelled, subject, found.check, words, name))
        return out

    def _named(self, found: Finding) -> list[str]:
        """The image that a finding names beside its own, if any."""
        return sorted((n for n in self._records if n != found.image and n in found.came), key=len)[-1:]

    def _example(self, found: Finding) -> Finding:
        """The finding that one about the whole set gives as its example."""
        _, _, words = found.came.partition(", such as ")
        name = next(iter(self._named(replace(found, came=words))), None)
        where, _, came = words.partition(": ")
        number = re.match(r"object (\d+) of ", where)
        return replace(found, image=name, object_id=number[1] if number else None, came=came)

    def _read(self, name: str) -> Labelled | None:
        record = self._records[name]
        try:
            image = self._dataset.pixels(record)
        except DataInvalidError:
            return None
        numbers = [str(a.id) for a in with_pixels(record)]
        return Labelled(brightened(_fitted(image, record)), objects(record), numbers)

    def _subject(self, found: Finding, labelled: Labelled) -> Subject:
        number = str(found.object_id)
        points = _box_of(found, self._records) if found.check == "stored box" else None
        points = self._shapes.get((str(found.image), number)) if points is None else points
        if number not in labelled.numbers:
            mark = marks.offending_in_image(found.check, labelled.things, self._stuff)
            return Subject(points=points, mark=mark)
        partners = [labelled.numbers.index(n) for n in marks.named_objects(found.came) if n in labelled.numbers]
        is_stored = found.check in AS_STORED
        return Subject(labelled.numbers.index(number), partners, points if is_stored else None)


def _box_of(found: Finding, records: Mapping[str, ImageRecord]) -> Points | None:
    """The corners of an object's stored box."""
    annotations = records[str(found.image)].annotations
    box = next((a.bbox_xywh for a in annotations if str(a.id) == str(found.object_id)), None)
    if box is None:
        return None
    x, y, width, height = box
    return np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])


def _fitted(image: Image, record: ImageRecord) -> Image:
    """The image cut or padded to the size that its labels are for."""
    out = np.zeros((record.height, record.width, 3), dtype=np.uint8)
    height, width = min(image.shape[0], record.height), min(image.shape[1], record.width)
    out[:height, :width] = image[:height, :width]
    return out


def _sentence(found: Finding) -> str:
    return f"{found.where[:1].upper()}{found.where[1:]}: {found.came}"
