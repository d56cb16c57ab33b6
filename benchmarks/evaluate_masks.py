"""How long average precision takes for 1,000 masks, ours beside torchmetrics with faster-coco-eval on the same input.

    python benchmarks/evaluate_masks.py data          # a folder with instances.json and images/

Predictions are the labels, moved by up to 2 px, one in ten dropped, with random scores. Both sides get what they take:
ours objects as crops, torchmetrics masks as tensors. The least of several runs, CPU seconds of one process; the
figures of both must be equal to 1e-6. Nothing is written.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torchmetrics.detection import MeanAveragePrecision

from segwise.dataset import coco, targets
from segwise.evaluation.objects import THRESHOLDS
from segwise.evaluation.precision import RECALLS, average_precision, detections, rank
from segwise.types import Objects

Scenes = list[tuple[Objects, Objects]]
MOST_PER_IMAGE = 100  # torchmetrics answers for no more


def moved(truth: Objects, random: np.random.Generator) -> Objects:
    """Predictions from labels: one in ten is dropped, the others move; a pixel belongs to one object."""
    labels, count = np.zeros(truth.size, dtype=np.int32), 0
    for (x0, y0, _, _), crop in zip(truth.boxes_xyxy, truth.crops, strict=True):
        if random.random() < 0.1:
            continue
        down, right = random.integers(-2, 3, 2)
        rows, columns = np.nonzero(crop)
        count += 1
        labels[np.clip(rows + y0 + down, 0, truth.size[0] - 1), np.clip(columns + x0 + right, 0, truth.size[1] - 1)] = (
            count
        )
    return Objects.from_label_map(labels, [1] * count, random.random(count).tolist())


def scenes(root: Path, wanted: int) -> Scenes:
    """(labels, predictions) of images until there are `wanted` predictions; all objects as of one class."""
    random, out, found = np.random.default_rng(0), Scenes(), 0
    for record in coco.read(root).images:
        truth = targets.objects(record)
        truth = truth.select(~truth.is_crowd)
        if found >= wanted or not 0 < len(truth) <= MOST_PER_IMAGE:
            continue
        truth = Objects(
            truth.size, np.ones_like(truth.class_ids), truth.scores, truth.boxes_xyxy, truth.crops, truth.is_crowd
        )
        out.append((truth, moved(truth, random)))
        found += len(out[-1][1])
    return out


def ours(given: Scenes) -> np.ndarray:
    """AP by threshold, over all areas."""
    ranking = rank([detections(predicted, truth, 1) for truth, predicted in given])
    return average_precision(ranking, np.ones(len(given), dtype=np.int64), ("all", "small", "medium", "large"))


def theirs(given: tuple[list[dict[str, Any]], list[dict[str, Any]]]) -> dict[str, Any]:
    # its own thresholds are of float32 and not COCO's: an IoU of exactly 0.6 would be no match at 0.6
    limits = {"iou_thresholds": THRESHOLDS.tolist(), "rec_thresholds": RECALLS.tolist()}
    metric = MeanAveragePrecision(iou_type="segm", backend="faster_coco_eval", **limits)
    metric.update(*given)
    return dict(metric.compute())


def tensors(objects: Objects, *, scored: bool) -> dict[str, Any]:
    out = {"masks": torch.from_numpy(objects.masks()), "labels": torch.ones(len(objects), dtype=torch.int64)}
    return out | ({"scores": torch.from_numpy(objects.scores)} if scored else {})


def least(call: Callable[[], Any], runs: int) -> tuple[float, Any]:
    """CPU milliseconds of the fastest run, and its result."""
    taken, result = [], None
    for _ in range(runs):
        start = time.process_time()
        result = call()
        taken.append(1000 * (time.process_time() - start))
    return min(taken), result


def main(root: Path, wanted: int) -> None:
    torch.set_num_threads(1)
    given = scenes(root, wanted)
    as_tensors = ([tensors(p, scored=True) for _, p in given], [tensors(t, scored=False) for t, _ in given])
    mine_ms, found = least(lambda: ours(given), 15)
    their_ms, reference = least(lambda: theirs(as_tensors), 5)
    keys = {"map": found[0].mean(), "map_50": found[0, 0], "map_75": found[0, 5]}
    keys |= {f"map_{name}": found[i].mean() for i, name in enumerate(("small", "medium", "large"), 1)}
    for key, value in keys.items():
        expected = float(reference[key])
        if not (np.isnan(value) and expected == -1) and abs(value - expected) > 1e-6:
            raise SystemExit(f"{key}: {value} here, {expected} there")
    masks = sum(len(p) for _, p in given)
    print(f"{masks:,} predicted and {sum(len(t) for t, _ in given):,} labelled masks in {len(given)} images")
    print(f"ours {mine_ms:.1f} ms, torchmetrics {their_ms:.1f} ms: {their_ms / mine_ms:.1f} × faster, equal to 1e-6")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of a data set")
    parser.add_argument("--masks", type=int, default=1000, help="predicted masks (default: %(default)s)")
    arguments = parser.parse_args()
    main(arguments.data, arguments.masks)
