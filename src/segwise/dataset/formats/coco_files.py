"""Which files of a source are COCO's label files, and where the images lie that they name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import PurePosixPath

from segwise.dataset.formats import documents
from segwise.dataset.formats.builder import Builder
from segwise.dataset.formats.folder import Folder
from segwise.dataset.formats.naming import own_name
from segwise.dataset.formats.text import printable

MARKS = re.compile(r'"(?:images|annotations|categories)"\s*:\s*\[|"(?:image_id|file_name|category_id|supercategory)"')
SIBLINGS = ("person_keypoints", "captions", "stuff", "panoptic", "image_info")  # beside COCO's own instances files
IMAGES, CLASS_MAPS = "images", "semantic"  # of segwise's own layout, beside the label file


def is_coco(text: str) -> bool:
    """Whether the start of a JSON file looks like COCO's."""
    return len({re.sub(r"\s", "", mark) for mark in MARKS.findall(text)}) >= 2


def find(builder: Builder) -> list[PurePosixPath]:
    """The label files to read, sorted; what is passed over is a finding."""
    fitting, others = documents.passing(builder.folder, is_coco, ".json")
    empty = [file for file in others if not builder.folder.peek(file).strip()]
    others = [file for file in others if file not in empty]
    if not fitting and not empty:
        return others
    if any(file.name.startswith("instances") for file in fitting):
        others += [file for file in fitting if file.name.startswith(SIBLINGS)]
        fitting = [file for file in fitting if not file.name.startswith(SIBLINGS)]
    documents.left_unread(builder, others, "COCO instances JSON")
    return sorted(fitting + empty)


def place(folder: Folder, name: str, near: PurePosixPath, split: str | None) -> PurePosixPath | None:
    """The image that a label file in `near` means by `name`, where `Folder.find` alone would not choose it; else None.

    The one in `images/` beside the label file comes first; of several elsewhere, the one in a folder of the file's
    own split.
    """
    found = folder.candidates(name, near)
    beside = folder.candidates(f"{IMAGES}/{name}", near)
    if len(beside) == 1 and beside != found and beside[0].is_relative_to(near / IMAGES):
        return beside[0]
    mine = [file for file in found if split is not None and documents.folder_split(file) == split]
    return mine[0] if len(found) > 1 and len(mine) == 1 else None


def class_maps(files: Iterable[PurePosixPath], near: PurePosixPath, names: Collection[str]) -> list[PurePosixPath]:
    """Those of `files` that are class maps (`semantic/<name>.png` beside the label file) of the images `names`."""
    stems = {PurePosixPath(own_name(name, None)).with_suffix("") for name in names}
    pngs = (f for f in files if f.suffix.lower() == ".png" and f.is_relative_to(near / CLASS_MAPS))
    return [file for file in pngs if file.relative_to(near / CLASS_MAPS).with_suffix("") in stems]


def say_class_maps(builder: Builder, maps: Collection[PurePosixPath]) -> None:
    """Say that class maps stay behind: the labels are the objects."""
    if maps:
        came = f"{len(maps)} class maps ({printable(min(maps))} first) are not carried over; the objects are the labels"
        remedy = f"copy them to {CLASS_MAPS}/ of the data set, under the names that the images have there"
        builder.report("class maps", "warning", None, None, came, remedy, "dropped")
