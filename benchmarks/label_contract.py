"""What the label contract costs: facts of 100,000 objects, and Great Expectations over them.

    python benchmarks/label_contract.py                  # 1,000 images of 512 × 512 pixels with 100 objects each

Writes a synthetic data set (round objects, many of them touching, some overlapping) into a temporary folder, then
prints the seconds of each step, on the clock and of the processor, and the peak memory of the process up to then.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask

from segwise.dataset import coco, schema
from segwise.labels.contract import suite
from segwise.labels.contract.judge import judge, num_broken
from segwise.labels.contract.rules import rules
from segwise.labels.facts import pixels
from segwise.labels.facts.tables import fact_tables
from segwise.labels.params import ValidateParams


def main() -> None:
    """Make the data, time the steps, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--objects", type=int, default=100, help="per image")
    parser.add_argument("--side", type=int, default=512, help="of an image, pixels")
    parser.add_argument("--data", type=Path, help="measure this data set instead (instances.json and images/)")
    arguments = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        root = arguments.data or Path(folder)
        if not arguments.data:
            with timed("make the data set (not part of the contract)"):
                make(root, arguments.images, arguments.objects, arguments.side)
        measure(root, Path(folder) / "docs")


def measure(root: Path, docs: Path) -> None:
    """Time each step of the contract."""
    book = rules(ValidateParams())
    start = time.perf_counter()
    with timed("read and check the label file"):
        checked = schema.check(coco.read_raw(root / coco.LABELS_NAME))
        dataset = coco.build(root, checked)
    with timed("look at every image"):
        looks = pixels.look(dataset)
    with timed("facts of objects, images and classes"):
        tables = fact_tables(dataset, looks, checked.annotations)
        tables["files"] = pixels.files(root, {record.file_name for record in dataset.images})
    print(f"{'FACTS, all of the above':48} {time.perf_counter() - start:7.1f} s")
    start = time.perf_counter()
    with timed("findings"):
        found = judge(tables, book)
    with timed("Great Expectations and Data Docs"):
        counted = suite.run(tables, book, docs)
    print(f"{'CONTRACT, both of the above':48} {time.perf_counter() - start:7.1f} s")
    broken = {check: number for check, number in counted.items() if number}
    print(f"{len(tables['objects']):,} objects, {len(found)} findings; rows by check: {broken}")
    print(f"Great Expectations agrees: {counted == num_broken(tables, book)}")


@contextmanager
def timed(step: str) -> Iterator[None]:
    """Print the seconds of a step, those of the processor (less where others share it), and the peak memory so far."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{step:48} {wall:7.1f} s   processor {cpu:7.1f} s   peak {peak:5.2f} GB", flush=True)


def make(root: Path, num_images: int, num_objects: int, side: int) -> None:
    """Write the data set into `root`."""
    rng = np.random.default_rng(0)
    (root / "images").mkdir()
    document: dict[str, Any] = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "cell"}]}
    for number in range(1, num_images + 1):
        name = f"image_{number:05}.png"
        image = rng.integers(0, 60, size=(side, side), dtype=np.uint8)
        for mask in _masks(rng, num_objects, side):
            image[mask] |= 128
            document["annotations"].append(_annotation(mask, len(document["annotations"]) + 1, number))
        Image.fromarray(image).save(root / "images" / name, compress_level=1)
        group = f"g{number // 4}"
        document["images"].append({"id": number, "file_name": name, "width": side, "height": side, "group": group})
    (root / coco.LABELS_NAME).write_text(json.dumps(document), encoding="utf-8")


def _masks(rng: np.random.Generator, number: int, side: int) -> Iterator[NDArray[np.bool_]]:
    cells = int(np.ceil(np.sqrt(number)))
    pitch = side / cells
    for place in range(number):
        mask = np.zeros((side, side), dtype=np.uint8)
        middle = (np.array(divmod(place, cells)) + 0.5) * pitch + rng.normal(0, pitch / 12, 2)
        axes = rng.uniform(0.3, 0.52, 2) * pitch
        cv2.ellipse(mask, middle.astype(int).tolist(), axes.astype(int).tolist(), rng.uniform(0, 180), 0, 360, 1, -1)
        yield mask.astype(bool)


def _annotation(mask: NDArray[np.bool_], number: int, image: int) -> dict[str, Any]:
    rle = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    shape = {"size": list(rle["size"]), "counts": rle["counts"].decode("ascii")}
    area, box = int(mask.sum()), [float(v) for v in coco_mask.toBbox(rle)]
    return {"id": number, "image_id": image, "category_id": 1, "segmentation": shape, "area": area, "bbox": box}


if __name__ == "__main__":
    main()
