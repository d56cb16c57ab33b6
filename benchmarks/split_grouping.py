"""How long it takes to find what belongs together among many images, and how much of it is found.

    python benchmarks/split_grouping.py                     # 10,000 images of 256 × 256, JPEG quality 90
    python benchmarks/split_grouping.py --images 2000
    python benchmarks/split_grouping.py --data data         # a data set of your own: its `group`s are the truth

The planted set: one third tiles (2 × 2 of one field), one third pairs of crops of one photograph, one third of the rest
are turned or mirrored copies, the others stand alone. Prints seconds by step, links by kind, and precision and recall
over pairs of images of one group.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from segwise.dataset import coco
from segwise.dataset.images import read_image
from segwise.dataset.params import SplitParams
from segwise.dataset.splits import balance, groups, leaks, split
from segwise.types import Image

SIDE = 256
KINDS = groups.KINDS[1:]  # the given groups are the truth here


def main() -> None:
    """Find, divide, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--threads", type=int, default=min(8, os.cpu_count() or 1))
    arguments = parser.parse_args()
    print(f"{platform.machine()}, {arguments.threads} threads")
    if arguments.data:
        dataset = coco.read(arguments.data)
        measure(dataset.images, [dataset.image_path(r) for r in dataset.images], arguments.threads)
        return
    with tempfile.TemporaryDirectory() as folder:
        records, paths = plant(Path(folder), arguments.images)
        measure(records, paths, arguments.threads)


def measure(records: tuple[coco.ImageRecord, ...], paths: list[Path], threads: int) -> None:
    """Time every step and compare what is found with the records' groups."""
    clock = Clock()
    with ThreadPoolExecutor(threads) as pool:
        seen = list(pool.map(lambda path: groups.traits(read_image(path), KINDS), paths))
    clock.lap("decode and describe")
    found = list[groups.Link]()
    for kind in KINDS:
        links = groups.find(records, seen, (kind,), threads)
        found += links.all
        clock.lap(f"{kind}: {len(links.all)} links")
    params = SplitParams(method="stratified")
    division = split.assign(records, params, balance.amounts(records, ()), found)
    clock.lap("divide")
    leaks.report(division, groups.Links(tuple(found)), seen, params.links)
    clock.lap("report")
    print(
        f"{'all':24} {clock.total:8.1f} s   peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB"
    )
    truth = Counter(record.group for record in records)
    both = Counter(zip((record.group for record in records), division.labels, strict=True))
    sizes = Counter(division.labels)
    pairs = [sum(n * (n - 1) // 2 for n in counts.values()) for counts in (truth, sizes, both)]
    print(f"groups: {len(truth)} planted, {len(sizes)} found, the largest of {max(sizes.values())}")
    print(f"pairs: recall {pairs[2] / max(pairs[0], 1):.3f}, precision {pairs[2] / max(pairs[1], 1):.3f}")


class Clock:
    """Prints what each step took."""

    def __init__(self) -> None:
        self.start, self.total = time.perf_counter(), 0.0

    def lap(self, name: str) -> None:
        """End a step."""
        now = time.perf_counter()
        print(f"{name:24} {now - self.start:8.1f} s", flush=True)
        self.total += now - self.start
        self.start = now


def plant(folder: Path, number: int) -> tuple[tuple[coco.ImageRecord, ...], list[Path]]:
    """Write the planted set; returns its records and paths."""
    records, paths = [], []
    for index, (group, image) in zip(range(number), planted(number), strict=False):
        path = folder / f"{index:06}.jpg"
        cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, 90])
        records.append(coco.ImageRecord(index, path.name, SIDE, SIDE, group, None, {}, ()))
        paths.append(path)
    return tuple(records), paths


def planted(number: int) -> Iterator[tuple[str, Image]]:
    """Groups and images, at least `number`."""
    count = 0
    while count <= number:
        rng = np.random.default_rng(count)
        kind, size = rng.integers(3), (2 * SIDE, 2 * SIDE)
        field = picture(rng, size if kind == 0 else (SIDE + 80, SIDE + 80))
        places = [(0, 0), (0, SIDE), (SIDE, 0), (SIDE, SIDE)] if kind == 0 else [(5, 3), (70, 60)][: 3 - kind]
        images = [field[y : y + SIDE, x : x + SIDE] for y, x in places]
        if kind == 2 and rng.random() < 1 / 3:
            images.append([np.rot90(images[0]), images[0][:, ::-1], images[0][::-1]][rng.integers(3)])
        for image in images:
            yield f"g{count}", np.ascontiguousarray(image)
        count += len(images)


def picture(rng: np.random.Generator, size: tuple[int, int]) -> Image:
    """Discs of all sizes on an uneven ground, with camera noise."""
    coarse = rng.uniform(20, 90, (5, 5, 3)).astype(np.float32)
    out = cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)
    for _ in range(int(rng.integers(30, 150))):
        centre = tuple(int(v) for v in rng.integers(0, size[0], 2))
        cv2.ellipse(
            out,
            (centre, tuple(rng.uniform(6, 40, 2)), float(rng.uniform(0, 180))),
            rng.uniform(60, 230, 3).tolist(),
            -1,
        )
    out = cv2.GaussianBlur(out, (0, 0), 1.0) + rng.normal(0, 2, out.shape)
    return np.asarray(np.clip(out, 0, 255), np.uint8)


if __name__ == "__main__":
    main()
