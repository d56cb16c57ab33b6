"""Look at every image file once: is it there, can it be decoded, how large is it, what does it show."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import pandas as pd

from segwise.dataset import workers
from segwise.dataset.coco import IMAGES_DIR, Dataset, ImageRecord
from segwise.dataset.images import SUFFIXES, decode_image
from segwise.dataset.similarity.similar import Fingerprint, fingerprint
from segwise.errors import DataInvalidError


@dataclass(frozen=True, slots=True)
class Look:
    """One image file as found: its size in pixels and what it shows; or why nothing is known.

    `mean_value` and `contrast` are mean and standard deviation of the grey values in [0, 255], `sharpness` the standard
    deviation of their Laplacian.
    """

    is_present: bool
    is_readable: bool
    width: int = 0
    height: int = 0
    mean_value: float = 0.0
    contrast: float = 0.0
    sharpness: float = 0.0
    problem: str = ""
    fingerprint: Fingerprint | None = None


def look(dataset: Dataset) -> list[Look]:
    """Decode every image of the data set, in its order."""
    with ThreadPoolExecutor(workers.count()) as pool:  # decoding and hashing let other threads run
        seen = pool.map(lambda record: _look(dataset, record), dataset.images)
        return list(workers.told("images", seen, len(dataset.images)))


def files(root: Path, known: Iterable[str]) -> pd.DataFrame:
    """One row per image file below `root`: `file_name`, and whether the label file speaks of it, `is_labelled`."""
    folder = root / IMAGES_DIR
    found = sorted({p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES})
    names = pd.Series(found, dtype="str")
    return pd.DataFrame({"file_name": names, "is_labelled": names.isin(set(known)).to_numpy(dtype=bool)})


def _look(dataset: Dataset, record: ImageRecord) -> Look:
    path, name = dataset.image_path(record), record.file_name
    try:
        pixels = decode_image(path.read_bytes(), name=name, value_range=dataset.value_range)
    except OSError as error:
        is_missing = isinstance(error, FileNotFoundError)
        return Look(not is_missing, is_missing, problem=str(error.strerror))  # one finding: missing or unreadable
    except DataInvalidError as error:
        return Look(True, False, problem=error.came.removeprefix(f"{name}: "))
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    mean, spread = cv2.meanStdDev(grey)
    sharpness = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))[1]
    height, width = grey.shape
    shown = (float(mean[0][0]), float(spread[0][0]), float(sharpness[0][0]))
    return Look(True, True, width, height, *shown, "", fingerprint(pixels))
