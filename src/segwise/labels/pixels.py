"""Look at every image file once: is it there, can it be decoded, how large is it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from segwise.dataset.coco import IMAGES_DIR, Dataset
from segwise.dataset.images import SUFFIXES, decode_image
from segwise.dataset.finding import Finding
from segwise.errors import DataInvalidError


@dataclass(frozen=True, slots=True)
class Look:
    """One image file as found: its size in pixels and mean grey value in [0, 255]; or why there are none."""

    is_present: bool
    is_readable: bool
    width: int = 0
    height: int = 0
    mean_value: float = 0.0
    problem: str = ""


def look(dataset: Dataset) -> list[Look]:
    """Decode every image of the data set, in its order."""
    return [_look(dataset.image_path(record), record.file_name) for record in dataset.images]


def unlabelled(root: Path, known: Iterable[str]) -> list[Finding]:
    """A warning for each image file that the label file does not speak of."""
    folder = root / IMAGES_DIR
    found = (p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
    remedy = "add the image to the label file, or delete the file"
    return [
        Finding("file without labels", "warning", name, None, "no entry in the label file", remedy)
        for name in sorted(set(found) - set(known))
    ]


def _look(path: Path, name: str) -> Look:
    try:
        pixels = decode_image(path.read_bytes(), name=name)
    except OSError as error:
        is_missing = isinstance(error, FileNotFoundError)
        return Look(not is_missing, is_missing, problem=str(error.strerror))  # one finding: missing or unreadable
    except DataInvalidError as error:
        return Look(True, False, problem=error.came.removeprefix(f"{name}: "))
    return Look(True, True, pixels.shape[1], pixels.shape[0], float(pixels.mean()))
