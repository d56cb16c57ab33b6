"""How long the import of one mask file per object takes, in the layout of the 2018 Data Science Bowl.

    python benchmarks/import_object_masks.py                   # data/, copied until there are 29,000 masks
    python benchmarks/import_object_masks.py OTHER --masks 5000

Writes `<id>/images/<id>.png` and `<id>/masks/*.png` of a COCO data set into a temporary folder, copies of images under
other names until there are enough masks, and times `object_masks.read` (detection, reading, checking, encoding). Peak
memory is that of this process and counts what it held before. The masks lie in the disk cache, having just been
written.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as coco_mask

from segwise.dataset import coco
from segwise.dataset.finding import errors_in
from segwise.dataset.formats import object_masks
from segwise.dataset.formats.delivery import Options
from segwise.dataset.formats.folder import Folder


def write(dataset: coco.Dataset, target: Path, num_masks: int) -> int:
    """Write images and masks in turn until there are `num_masks`; returns how many there are."""
    written = copy = 0
    while written < num_masks:
        for record in dataset.images:
            if written >= num_masks:
                return written
            place = target / f"{Path(record.file_name).stem}-{copy}"
            (place / "masks").mkdir(parents=True)
            (place / "images").mkdir()
            image = dataset.image_path(record)
            shutil.copyfile(image, place / "images" / f"{place.name}{image.suffix}")
            for annotation in record.annotations[: num_masks - written]:
                pixels = np.ascontiguousarray(coco_mask.decode(annotation.rle)) * 255
                cv2.imwrite(str(place / "masks" / f"{annotation.id:08}.png"), pixels)
                written += 1
        copy += 1
    return written


def main() -> None:
    """Write the masks, read them, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, default=Path("data"))
    parser.add_argument("--masks", type=int, default=29_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        num_masks = write(coco.read(arguments.data), Path(temporary), arguments.masks)
        start, spent = time.perf_counter(), time.process_time()
        folder = Folder(Path(temporary))
        is_known = object_masks.looks_like(folder)
        listed = time.perf_counter()
        delivery = object_masks.read(folder, Options())
        seconds, spent = time.perf_counter() - start, time.process_time() - spent
    num_regions = sum(len(picture.regions) for picture in delivery.pictures)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{num_masks} masks in {len(delivery.pictures)} images, {len(os.sched_getaffinity(0))} cores")
    print(f"{seconds:.1f} s ({listed - start:.1f} s of it to find the files), {num_masks / seconds:.0f} masks/s")
    print(f"{spent:.1f} s of CPU time")
    print(f"peak memory {peak_mb:.0f} MB; {num_regions} objects, {len(errors_in(delivery.findings))} errors")
    if not is_known or num_regions != num_masks:
        raise SystemExit("the layout was not recognised, or masks are missing")


if __name__ == "__main__":
    main()
