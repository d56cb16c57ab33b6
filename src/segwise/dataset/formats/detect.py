"""Which tool wrote a source: every format in the order in which it is recognised, the most telling first."""

from __future__ import annotations

import importlib
from types import ModuleType

from segwise.dataset.formats.folder import Folder
from segwise.errors import UsageError

# The word of `--format` and the module. Each module has TITLE, `looks_like(folder) -> bool` (cheap, never raises) and
# `read(folder, options) -> Delivery`.
FORMATS: dict[str, str] = {
    "manifest": "manifest",
    "cvat": "cvat",
    "via": "via",
    "labelme": "labelme",
    "coco": "coco_json",
    "yolo": "yolo",
    "voc": "voc",
    "cityscapes": "cityscapes",
    "object-masks": "object_masks",
    "instance-maps": "instance_maps",
    "class-maps": "class_maps",
}


def module(name: str) -> ModuleType:
    """The module of a format."""
    return importlib.import_module(f"segwise.dataset.formats.{FORMATS[name]}")


def detect(folder: Folder) -> str:
    """The format of a source.

    Raises:
        UsageError: no format fits.
    """
    for name in FORMATS:
        if module(name).looks_like(folder):
            return name
    known = "; ".join(f"{name}: {module(name).TITLE}" for name in FORMATS)
    expected = f"labels of a known tool ({known})"
    came = f"{folder.only or folder.root} with {_endings(folder)}"
    raise UsageError(expected, came, "name the folder that holds labels and images, or say `--format`")


def _endings(folder: Folder) -> str:
    endings = sorted({file.suffix.lower() or "no ending" for file in folder.files})
    return f"{len(folder.files)} files ({', '.join(endings[:8])})" if folder.files else "no files"
