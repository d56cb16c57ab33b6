"""The formats that labels can be written in.

Each module has TITLE; KEEPS, what it carries beside masks, class names and splits ("group", "attributes",
"object attributes", "kind"); IS_FLAT, whether it knows no folders of images; `page(item, job) -> Page` for one image
and `index(rows, job) -> Index` for the whole set, where `rows` are the pages' rows in the order of the images.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from segwise.errors import UsageError

FORMATS: dict[str, str] = {
    "coco": "coco_json",
    "yolo": "yolo",
    "voc": "voc",
    "cityscapes": "cityscapes",
    "labelme": "labelme",
    "geojson": "geojson",
}


def module(name: str) -> ModuleType:
    """The module of a format.

    Raises:
        UsageError: there is none.
    """
    if name not in FORMATS:
        raise UsageError(f"a format among {', '.join(FORMATS)}", repr(name), "choose one of them: `--format`")
    return importlib.import_module(f"segwise.dataset.exports.{FORMATS[name]}")
