"""Where the maps of object ids lie that belong to images: the layouts of `instance_maps`."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePosixPath

from segwise.dataset.formats import pairs
from segwise.dataset.formats.folder import Folder
from segwise.dataset.images import SUFFIXES
from segwise.dataset.names import is_plain

TRUTH = re.compile(r"^(?P<sequence>\d+)_(?P<kind>GT|ST)$", re.I)
SEGMENTED = re.compile(r"^man_seg_?(?P<frame>\d+)(?P<slice>_\d+)?$", re.I)
FRAME = re.compile(r"^t_?(?P<frame>\d+)$", re.I)
MAPS = frozenset(
    ("instances_ids", "instance_ids", "instances", "instance_map", "ids", "labels", "label", "masks", "mask")
)
PICTURES = ("raw", "image", "img", "input", "original", "phase", "dic", "fluo", "bf")  # the first that is there


@dataclass(frozen=True, slots=True)
class Source:
    """An image, its map, its name in the data set (None: by default) and its group."""

    image: PurePosixPath
    label: PurePosixPath
    name: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Fields:
    """All images with a map, and what fits nothing."""

    sources: tuple[Source, ...]
    rest: pairs.Pairs


def find(folder: Folder) -> Fields:
    """The first layout that fits: the Cell Tracking Challenge, a folder per field, the same names."""
    challenge = _challenge(folder)
    if challenge.sources or challenge.rest.orphans:
        return challenge
    fields = _fields(folder)
    if fields.sources:
        return fields
    rest = pairs.find(folder, pairs.INSTANCE_WORDS)
    return Fields(tuple(Source(image, label, pairs.data_name(image)) for image, label in rest.found), rest)


def _challenge(folder: Folder) -> Fields:
    """`01/t000.tif` with `01_GT/SEG/man_seg000.tif`; gold before silver truth."""
    labels: dict[tuple[PurePosixPath, int], PurePosixPath] = {}
    orphans = []
    for label in sorted(folder.files, key=lambda f: (f.parent.parent.name.upper().endswith("_ST"), str(f))):
        named, truth = SEGMENTED.match(label.stem), TRUTH.match(label.parent.parent.name)
        if named and truth and label.suffix.lower() in SUFFIXES:
            if named["slice"]:
                orphans.append((label, ()))
            else:
                sequence = label.parent.parent.parent / truth["sequence"]
                labels.setdefault((sequence, int(named["frame"])), label)
    sequences = {sequence for sequence, _ in labels}
    images = {
        (file.parent, int(named["frame"])): file
        for file in folder.files
        if file.parent in sequences and file.suffix.lower() in SUFFIXES and (named := FRAME.match(file.stem))
    }
    sources = [
        Source(images[key], label, _plain(str(images[key])), str(key[0]))
        for key, label in sorted(labels.items())
        if key in images
    ]
    orphans += [(label, ()) for key, label in labels.items() if key not in images]
    unlabelled = tuple(image for key, image in images.items() if key not in labels)
    return Fields(tuple(sources), pairs.Pairs((), unlabelled, tuple(orphans), ()))


def _fields(folder: Folder) -> Fields:
    """A folder per field: one map with a telling name, and the image beside it; the folder's name is the image's."""
    inside: dict[PurePosixPath, list[PurePosixPath]] = defaultdict(list)
    for file in folder.files:
        if file.suffix.lower() in SUFFIXES:
            inside[file.parent].append(file)
    sources, orphans, unlabelled = [], [], []
    for place, files in sorted(inside.items()):
        labels = [f for f in files if f.stem.casefold() in MAPS]
        labels = [f for f in labels if f.stem.casefold().startswith("instance")] or labels
        pictures = [f for f in files if f.stem.casefold() not in MAPS]
        if len(labels) != 1:
            unlabelled += alone if len(alone := _picture(pictures)) == 1 else []
            continue
        chosen = _picture(pictures)
        if len(chosen) == 1:
            sources.append(Source(chosen[0], labels[0], _plain(f"{place}{chosen[0].suffix}") if place.parts else None))
        else:
            orphans.append((labels[0], tuple(chosen)))
    return Fields(tuple(sources), pairs.Pairs((), tuple(unlabelled), tuple(orphans), ()))


def _picture(files: list[PurePosixPath]) -> list[PurePosixPath]:
    """The image among a field's files: the only one, or the first with a telling name."""
    for word in PICTURES:
        named = [f for f in files if f.stem.casefold() == word]
        if len(files) > 1 and named:
            return named
    return files


def _plain(name: str) -> str | None:
    return name if is_plain(name) else None
