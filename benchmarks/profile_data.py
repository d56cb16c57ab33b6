"""How long `segwise profile` takes, and where: reading, measuring, summing up, drawing.

    python benchmarks/profile_data.py data            # one folder or several, with instances.json and images/

CPU seconds and wall seconds of one process, and its peak memory. Nothing is written.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segwise.advice import samples
from segwise.advice.histograms import histograms
from segwise.advice.measure import measure
from segwise.advice.plan import plan
from segwise.advice.profile import profile
from segwise.dataset import coco
from segwise.dataset.params import ProfileParams
from segwise.report import profile_page


@contextmanager
def timed(words: str) -> Iterator[None]:
    cpu, wall = time.process_time(), time.perf_counter()
    yield
    print(f"  {words:24} {time.process_time() - cpu:6.1f} s CPU {time.perf_counter() - wall:6.1f} s wall")


def run(root: Path) -> None:
    params = ProfileParams()
    with timed("label file"):
        dataset = coco.read(root)
    with timed("image files"):
        images = [dataset.pixels(record) for record in dataset.images]
    with timed("measure"):
        pairs = zip(dataset.images, images, strict=True)
        measured = [measure(record, dataset.classes, image, params) for record, image in pairs]
    with timed("sum up and plan"):
        found = profile(dataset, measured, [False] * len(measured), params)
        found["histograms"] = histograms(measured)
        entries = plan(found, params)
    with timed("draw the page"):
        chosen = samples.choose(measured, [r.file_name for r in dataset.images], params.num_samples)
        shown = [profile_page.sample(dataset.images[i], images[i], dataset.classes, words) for i, words in chosen]
        profile_page.render(found, entries, shown)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{root}: {found['num_images']:,} images, {found['num_objects']:,} objects; peak memory {peak:,.0f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", type=Path, help="folders of data sets")
    for folder in parser.parse_args().data:
        run(folder)
