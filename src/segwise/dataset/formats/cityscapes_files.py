"""Where the files of a Cityscapes-like folder lie, found by the endings of their names."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from segwise.dataset.formats import pairs
from segwise.dataset.formats.builder import Builder
from segwise.dataset.formats.folder import Folder
from segwise.dataset.images import SUFFIXES

LABEL = re.compile(
    r"^(?P<name>.*?)_?(?P<truth>gtFine|gtCoarse|gt)?_(?P<kind>labelIds|instanceIds|labelTrainIds)$", re.I
)
IMAGE = re.compile(r"^(?P<name>.+?)_(?:leftImg8bit|rightImg8bit|image|img)$", re.I)
NOT_IMAGES = re.compile(r"_(color|colour|disparity|labelColors)$", re.I)
FRAME = re.compile(r"^(?P<city>.+)_(?P<sequence>\d{6})_\d{6}$")


@dataclass(frozen=True, slots=True)
class Item:
    """One image with its maps, at least one of them; `image` is None where there is none or several fit."""

    name: str
    image: PurePosixPath | None
    labels: PurePosixPath | None
    instances: PurePosixPath | None
    train: PurePosixPath | None
    group: str
    split: str | None

    @property
    def label(self) -> PurePosixPath | None:
        return self.labels or self.instances or self.train


@dataclass(frozen=True, slots=True)
class Files:
    """Images with maps, sorted by name, and images without."""

    items: tuple[Item, ...]
    unlabelled: tuple[PurePosixPath, ...]


def find(folder: Folder) -> Files:
    """Maps by name and split; fine ones before coarse ones."""
    maps: dict[tuple[str, str | None], dict[str, PurePosixPath]] = defaultdict(dict)
    images: dict[tuple[str, str | None], list[PurePosixPath]] = defaultdict(list)
    for file in sorted(folder.files, key=lambda f: ("coarse" in f.stem.casefold(), str(f))):
        if file.suffix.lower() not in SUFFIXES or NOT_IMAGES.search(file.stem):
            continue
        named = LABEL.match(file.stem)
        if named:
            maps[named["name"], pairs.split_of(file)].setdefault(named["kind"].casefold(), file)
        else:
            own = IMAGE.match(file.stem)
            images[own["name"] if own else file.stem, pairs.split_of(file)].append(file)
    items = tuple(_item(key, kinds, images.get(key, [])) for key, kinds in sorted(maps.items(), key=str))
    unlabelled = [file for key, files in images.items() if key not in maps for file in files]
    return Files(_regrouped(items), tuple(sorted(unlabelled)))


def _regrouped(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """Sequences instead of cities, where a city lies in two splits or is the only one: it cannot be kept whole."""
    splits: dict[str, set[str | None]] = defaultdict(set)
    for item in items:
        splits[item.group].add(item.split)
    return tuple(_finer(item, len(splits[item.group]) > 1, len(splits) == 1) for item in items)


def _finer(item: Item, is_divided: bool, is_only: bool) -> Item:
    framed = FRAME.match(item.name)
    if framed and (is_divided or is_only):
        return replace(item, group=f"{framed['city']}/{framed['sequence']}")
    return replace(item, group=item.name) if is_divided else item


def _item(key: tuple[str, str | None], kinds: dict[str, PurePosixPath], images: list[PurePosixPath]) -> Item:
    name, split = key
    label = next(iter(kinds.values()))
    return Item(
        name, images[0] if len(images) == 1 else None, kinds.get("labelids"), kinds.get("instanceids"),
        kinds.get("labeltrainids"), _group(name, label), split,
    )  # fmt: skip


def _group(name: str, label: PurePosixPath) -> str:
    """The city in the name; else the map's own folder, where it is no split or root; else the image alone."""
    framed = FRAME.match(name)
    if framed:
        return framed["city"]
    own = label.parent.name
    is_city = own and own.casefold() not in pairs.SPLITS and not own.casefold().startswith("gt")
    return own if is_city else name


def report_rest(builder: Builder, found: Files) -> None:
    """Findings for what is left over."""
    for item in found.items:
        if item.image is None:
            came = "no image, or several of them, fit this map"
            builder.report("file missing", "error", item.name, str(item.label), came, "add leftImg8bit/")
    for image in found.unlabelled:
        came, remedy = "no label map goes with it", "label it; an image without objects needs a map too"
        builder.report("no labels", "warning", pairs.data_name(image), None, came, remedy, "dropped")
