"""A class map beside an image (`semantic/<name>.png`), held against the map that its objects give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from segwise.types import IGNORE_INDEX, ClassMap

FOLDER = "semantic"


def disagreement(
    root: Path, file_name: str, own: Callable[[], ClassMap], category_ids: Sequence[int]
) -> tuple[float, int]:
    """Share of the pixels in which the two maps differ, and the number of pixels of no known class; (0, 0) without map.

    Pixels that either map ignores take no part. A map that cannot be read, or of another size, differs everywhere.

    Args:
        own: gives the map from the objects, uint8 (H, W), see `targets.paint`; called only where there is a map.
        category_ids: the map's value for class 1, 2, …
    """
    path = root / FOLDER / PurePosixPath(file_name).with_suffix(".png")
    if not path.is_file():
        return 0.0, 0
    try:
        with Image.open(path, formats=("PNG",)) as image:
            values = np.asarray(image)
    except Exception:  # Pillow's plugins raise many kinds on damaged bytes
        return 1.0, 0
    mine = own()
    if values.shape != mine.shape or values.dtype.kind not in "ui" or values.max(initial=0) >= 2**16:
        return 1.0, 0
    number = np.full(2**16, -1, dtype=np.int32)
    number[[0, IGNORE_INDEX]] = 0, IGNORE_INDEX
    for class_id, value in enumerate(category_ids, start=1):
        if 0 < value < len(number):
            number[value] = class_id
    theirs = number[values.astype(np.int64)]
    known = (theirs != IGNORE_INDEX) & (mine != IGNORE_INDEX)
    stray = int(np.count_nonzero(theirs < 0))
    return float(((theirs != mine) & known).mean()), stray
