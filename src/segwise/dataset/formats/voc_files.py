"""Where the files of a Pascal VOC folder lie, and what its lists say about splits."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePosixPath

from segwise.dataset.formats import pairs
from segwise.dataset.formats.builder import Builder
from segwise.dataset.formats.folder import Folder
from segwise.dataset.images import SUFFIXES

CLASS_DIRS = ("segmentationclass", "segmentationclasspng", "segmentationclassaug", "segmentationclassraw")
OBJECT_DIRS = ("segmentationobject", "segmentationobjectpng")
IMAGE_DIRS = ("jpegimages", "images", "")
Key = tuple[PurePosixPath, str]  # the folder of the devkit, and the name below JPEGImages without its ending


@dataclass(frozen=True, slots=True)
class Item:
    """One image; `image` is None where there is none of the class map's name."""

    image: PurePosixPath | None
    classes: PurePosixPath
    objects: PurePosixPath | None
    split: str | None


@dataclass(frozen=True, slots=True)
class Files:
    """Attributes:
    items: by class map, sorted.
    unlabelled: images without a class map.
    alone: object maps without a class map.
    listed: names in the lists that have no class map.
    doubled: images in lists of two splits.
    """

    items: tuple[Item, ...]
    unlabelled: tuple[PurePosixPath, ...]
    alone: tuple[PurePosixPath, ...]
    listed: tuple[str, ...]
    doubled: tuple[str, ...]


def find(folder: Folder) -> Files:
    """Class maps with their images and object maps; in images/ too, or beside the folders of the maps."""
    rasters = [f for f in folder.files if f.suffix.lower() in SUFFIXES]
    classes, objects = _below(rasters, CLASS_DIRS), _below(rasters, OBJECT_DIRS)
    roots = {root for root, _ in (*classes, *objects)}
    images = _images(rasters, roots)
    splits, doubled = _splits(folder)
    items = [
        Item(images.get(key), label, objects.get(key), splits.get(key[1].casefold()))
        for key, label in sorted(classes.items(), key=lambda pair: str(pair[1]))
    ]
    known = {key[1].casefold() for key in classes}
    return Files(
        tuple(items),
        tuple(image for key, image in sorted(images.items(), key=lambda p: str(p[1])) if key not in classes),
        tuple(label for key, label in sorted(objects.items(), key=lambda p: str(p[1])) if key not in classes),
        tuple(sorted(name for name in splits if name not in known)),
        tuple(sorted(doubled)),
    )


def _below(files: list[PurePosixPath], folders: tuple[str, ...]) -> dict[Key, PurePosixPath]:
    """Files below one of these folders by key; of two files of one key the one in the earlier folder."""
    found: dict[Key, tuple[int, PurePosixPath]] = {}
    for file in files:
        parts = [part.casefold() for part in file.parent.parts]
        at = next((i for i, part in enumerate(parts) if part in folders), None)
        if at is not None:
            key = PurePosixPath(*file.parts[:at]), PurePosixPath(*file.parts[at + 1 :]).with_suffix("").as_posix()
            ranked = folders.index(parts[at]), file
            found[key] = min(found.get(key, ranked), ranked)
    return {key: file for key, (_, file) in found.items()}


def _images(files: list[PurePosixPath], roots: set[PurePosixPath]) -> dict[Key, PurePosixPath]:
    named = _below(files, IMAGE_DIRS[:2])
    out = {key: file for key, file in named.items() if key[0] in roots}
    for file in files:  # CVAT and others leave images beside the folders
        key = file.parent, file.stem
        if file.parent in roots:
            out.setdefault(key, file)
    return out


def _splits(folder: Folder) -> tuple[dict[str, str | None], set[str]]:
    """The split of each name (lower case) in ImageSets/Segmentation, None in lists of other names; and names in two."""
    named: dict[str, set[str]] = defaultdict(set)
    out: dict[str, str | None] = {}
    for file in folder.files:
        if file.suffix.lower() == ".txt" and [p.casefold() for p in file.parts[-3:-1]] == ["imagesets", "segmentation"]:
            split = pairs.SPLITS.get(file.stem.casefold())
            for name in _names(folder, file):
                out[name] = split or out.get(name)
                named[name] |= {split} if split else set()
    return out, {name for name, splits in named.items() if len(splits) > 1}


def _names(folder: Folder, file: PurePosixPath) -> list[str]:
    try:
        text = folder.path(file).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    lines = (line.strip().strip('"') for line in text.splitlines())
    return [PurePosixPath(line.replace("\\", "/")).as_posix().casefold() for line in lines if line and line[0] != "#"]


def report_rest(builder: Builder, found: Files) -> None:
    """Findings for what is left over."""
    for item in found.items:
        if item.image is None:
            name = item.classes.stem
            builder.report("file missing", "error", name, str(item.classes), f"no image {name} in JPEGImages/",
                           "add the images: CVAT leaves them out unless asked to save them")  # fmt: skip
    for label in found.alone:
        builder.report("file missing", "error", label.stem, str(label), "no class map of this name",
                       "export SegmentationClass too")  # fmt: skip
    if found.unlabelled:
        came = f"{len(found.unlabelled)} images without a class map are left out, {found.unlabelled[0]} first"
        remedy = "an image without objects needs a map that is all background"
        builder.report("no labels", "warning", None, None, came, remedy, "dropped")
    if found.listed:
        came = f"{len(found.listed)} names in ImageSets/Segmentation have no class map, {found.listed[0]!r} first"
        builder.report("no labels", "warning", None, None, came, "export their masks too", "dropped")
    for name in found.doubled:
        builder.report(
            "split", "warning", name, None, "listed in two splits; the last list counts", "correct the lists"
        )
