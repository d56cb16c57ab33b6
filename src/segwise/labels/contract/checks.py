"""Every check by name: how severe it is unless params.yaml says otherwise, and what it asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, get_args

from segwise.errors import UsageError

Level = Literal["error", "warning", "off"]


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `is_fixed`: its severity cannot be changed, because what it finds cannot be read."""

    asks: str
    severity: Level
    is_fixed: bool = False


STRUCTURE = {  # found in the label file's records, see dataset.schema
    "structure": "the records are those of COCO instances JSON",
    "empty data set": "there are images and classes",
    "too many classes": "the classes fit into a class map of 8 bits",
    "duplicate id": "ids, file names and class names occur once",
    "unknown image": "each object's image exists",
    "unknown category": "each object's class exists",
    "not finite": "areas, boxes and points are finite numbers",
    "outside the image": "boxes and polygons lie in their image",
    "RLE size": "run lengths have the size of their image",
    "RLE damaged": "run lengths can be decoded",
    "zero area": "each object has pixels",
    "odd polygon": "polygons have an x and a y for each point",
    "few points": "polygons have three points",
}
UNREADABLE = {
    "file missing": "each image's file exists",
    "file unreadable": "each image's file can be decoded to its end",
    "size mismatch": "each image has the size that the label file says",
}
ERRORS = {
    "group across splits": "the images of one group are given one split",
    "duplicate across splits": "images of equal pixels are given one split",
    "near-duplicate across splits": "images that show the same picture are given one split",
    "duplicate object": "no object is labelled twice",
}
WARNINGS = {
    "file without labels": "each file of the images has an entry",
    "duplicate image": "no two images have the same pixels",
    "near-duplicate image": "images that show the same picture are of one group",
    "blank image": "each image shows something",
    "empty image": "each image has objects",
    "ignored image": "each image has pixels that are not ignored",
    "group missing": "each image says what it belongs to",
    "output cap": "no image has more objects than a model may answer",
    "class conflict": "no pixel is of two stuff classes",
    "semantic map": "the class map beside the image agrees with the objects",
    "stray values": "the class map beside the image has values of known classes only",
    "id zero": "no id is 0, which evaluation and class maps take for nothing",
    "two classes": "no object is labelled once in each of two classes",
    "overlap": "objects of one class do not lie upon each other",
    "tiny area": "no object is so small that it may be a slip",
    "stored area": "the stored area is the mask's",
    "stored box": "the stored box is the mask's",
    "self-intersection": "polygons do not cross themselves",
    "hole lost": "no polygon was meant as a hole and is filled",
    "far fragments": "an object's parts lie together, or something lies between them",
    "stray pixels": "objects have no specks beside them",
    "rim": "no object is a thin rim of another one",
    "cut object": "no object lies with most of its outline against another of its class",
    "merged object": "no object looks like several that grew together",
    "size outlier": "objects are of the usual sizes of their class",
    "unused class": "each class has objects",
    "rare class": "each class occurs often enough to be learned and tested",
    "imbalance": "no class is outnumbered too far",
    "similar class names": "class names differ in more than case and spaces",
    "touching objects": "objects of one class keep apart",
    "shared pixels": "no pixel belongs to two objects of one class",
    "drift": "the facts are those of the revision that was accepted",
}

CHECKS: dict[str, Check] = {
    **{name: Check(asks, "error", is_fixed=True) for name, asks in (STRUCTURE | UNREADABLE).items()},
    **{name: Check(asks, "error") for name, asks in ERRORS.items()},
    **{name: Check(asks, "warning") for name, asks in WARNINGS.items()},
}


def severities(given: Mapping[Any, Any]) -> dict[str, Level]:
    """The severities that params.yaml gives, checked. YAML reads a bare `off` as false: that is `off` too.

    Raises:
        UsageError: an unknown check, one that is fixed, or no severity.
    """
    return {_name(name): _level(name, value) for name, value in given.items()}


def severity(check: str, given: Mapping[str, Level]) -> Level:
    """A check's severity: as given, or its own."""
    return given.get(check, CHECKS[check].severity)


def _name(name: Any) -> str:
    if name not in CHECKS:
        near = get_close_matches(str(name), CHECKS, n=1)
        free = [known for known, check in CHECKS.items() if not check.is_fixed]
        hint = f"did you mean `{near[0]}`?" if near else f"checks are: {', '.join(free)}"
        raise UsageError("a known check in `validate.severity`", f"`{name}`", hint)
    if CHECKS[name].is_fixed:
        remedy = "mend the data; `segwise import` can drop what is broken (`--drop-broken`)"
        raise UsageError("a check whose severity can be changed", f"`{name}`: what it finds cannot be read", remedy)
    return str(name)


def _level(name: Any, value: Any) -> Level:
    if value is False:
        return "off"
    for level in get_args(Level):
        if value == level:
            return level  # type: ignore[no-any-return]  # get_args has no types
    raise UsageError(f"error, warning or off for `validate.severity.{name}`", f"`{value}`", "write one of these")
