"""Recognise a finding in data that was numbered anew. Pure."""

from __future__ import annotations

import hashlib
import re

from segwise.dataset.coco import Dataset
from segwise.dataset.finding import Finding

Key = tuple[str, str, str]  # the check, the image and the fingerprint

_EXAMPLE = re.compile(r", such as .*", re.DOTALL)
_NUMBER = re.compile(r"'[^']*'|(?<!\w)(\d+(?:\.\d+)?)(?!\w)")  # but for those in quoted names
_OTHERS = re.compile(r"\bobjects? ((?:\d+(?:, | and )?)+)")  # "object 3", "objects 3, 4 and 5" in a finding's words


class Fingerprints:
    """Recognises findings in data that was numbered anew.

    The fingerprint of a finding about an object is the hash of its class's name and run lengths, and of those of the
    objects that the finding's words name. Of a finding about an image, or a record that cannot be read, it is the hash
    of its words; of one about the whole set that of its words without numbers and example.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._names = {info.id: info.name for info in dataset.classes}
        self._objects = {(r.file_name, str(a.id)): a for r in dataset.images for a in r.annotations}

    def key(self, found: Finding) -> Key:
        """The check, the image and the fingerprint."""
        image = found.image or ""
        content = self.content(image, number_of(found))
        words = found.came if image else _without_numbers(found.came)
        about = [content, *self._others(found, image)] if content else [words]
        return found.check, image, hashlib.sha256("\n\n".join(about).encode()).hexdigest()[:16]

    def content(self, image: str, number: str) -> str:
        """The class and the mask of an object, as text; empty where the data set has none of that number."""
        found = self._objects.get((image, number))
        if found is None:
            return ""
        return "\n".join([self._names[found.class_id], str(found.is_crowd), found.rle["counts"].decode("ascii")])

    def _others(self, found: Finding, image: str) -> list[str]:
        numbers = {number for match in _OTHERS.finditer(found.came) for number in re.findall(r"\d+", match[1])}
        return sorted(self.content(image, number) for number in numbers)


def number_of(found: Finding) -> str:
    """The object's id as text; empty where there is none."""
    return "" if found.object_id is None else str(found.object_id)


def are_near(before: str, now: str) -> bool:
    """Whether no number in the words, but for those of an example, has doubled or halved."""
    pairs = list(zip(_numbers(before), _numbers(now), strict=False))
    return all(a / 2 < b < a * 2 or a == b for a, b in pairs)


def _numbers(words: str) -> list[float]:
    return [float(number) for number in _NUMBER.findall(_EXAMPLE.sub("", words)) if number]


def _without_numbers(words: str) -> str:
    return _NUMBER.sub(lambda match: "0" if match[1] else match[0], _EXAMPLE.sub("", words))
