"""How long the ceilings of a data set take on one core, and what they say.

    python benchmarks/ceilings.py data                    # one folder or several, with instances.json and images/
    python benchmarks/ceilings.py data --kinds count coverage

CPU seconds and wall seconds of one process, reading the label file included, its peak memory, and each candidate's
error and part of the tolerance used, for decisions about all classes. Nothing is written.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path
from typing import Any

import cv2

from segwise.advice.ceilings.ceilings import ceilings
from segwise.advice.ceilings.params import CeilingParams
from segwise.dataset import coco
from segwise.decision.params import KINDS, Decision


def run(root: Path, decisions: dict[str, Decision]) -> None:
    """Measure one data set and print its table."""
    cpu, wall = time.process_time(), time.perf_counter()
    found = ceilings(coco.read(root), decisions, CeilingParams())
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{root}: {found['num_images']:,} images, {found['num_objects']:,} objects")
    print(f"  {cpu:.1f} s CPU, {wall:.1f} s wall, peak memory {peak:,.0f} MB")
    for name, entry in (found["candidates"] | found["variants"]).items():
        said = "   ".join(f"{key} {_figure(values)}" for key, values in entry["decisions"].items())
        objects = entry["objects"]
        print(f"  {name:24} {said}   F1 {objects['f1']}  merged {objects['merge_rate']}  split {objects['split_rate']}")
    pairs = found["safe_to_split"]
    print(
        f"  {pairs['num_pairs']:,} pairs touch; told apart: {pairs['separated']}; safe contact {pairs['safe_contact']}"
    )


def _figure(values: dict[str, Any]) -> str:
    return f"error {values['error']} (used {values['used']}, {values['met']})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", type=Path, help="folders of data sets")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=["count"], help="decisions (default: count)")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    for folder in arguments.data:
        run(folder, {kind: Decision(kind=kind) for kind in arguments.kinds})
