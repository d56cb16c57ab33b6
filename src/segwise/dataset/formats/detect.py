"""Which tool wrote a source."""

from __future__ import annotations

import importlib
from types import ModuleType

from segwise.dataset.formats.folder import Folder
from segwise.dataset.formats.table import FORMATS
from segwise.errors import UsageError

LABEL_FILES = (".json", ".jsonl", ".manifest", ".xml", ".yaml", ".yml", ".csv", ".txt")


def module(name: str) -> ModuleType:
    """The module of a format."""
    return importlib.import_module(f"segwise.dataset.formats.{FORMATS[name]}")


def detect(folder: Folder) -> str:
    """The format of a source.

    Raises:
        UsageError: no format fits.
    """
    if folder.only is not None and folder.only.suffix.lower() not in LABEL_FILES:
        remedy = "name the label file, or the folder that holds labels and images"
        raise UsageError(f"a label file ({', '.join(LABEL_FILES)})", str(folder.only), remedy)
    for name in FORMATS:
        if module(name).looks_like(folder):
            return name
    known = "; ".join(f"{name}: {module(name).TITLE}" for name in FORMATS)
    expected = f"labels of a known tool ({known})"
    came = f"{folder.only or folder.archive or folder.root} with {_endings(folder)}"
    raise UsageError(expected, came, "name the folder that holds labels and images, or say `--format`")


def _endings(folder: Folder) -> str:
    endings = sorted({file.suffix.lower() or "no ending" for file in folder.files})
    return f"{len(folder.files)} files ({', '.join(endings[:8])})" if folder.files else "no files"
