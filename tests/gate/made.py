"""Made-up evidence for the gate: figures with draws, and the sums of test images of a chosen quality."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwise.decision.score import Answers
from segwise.evaluation.precision import Ranking
from segwise.evaluation.sums import Sums, write_sums
from segwise.gate.bounds import Sample
from segwise.gate.checks import MEASURES, Value
from segwise.spec import canonical_json

PIXELS, LABELLED, OBJECTS = 10_000, 2_000, 20


def sample(value: float | None, worst: float | None = None, *, num_groups: int = 20, num_images: int = 40) -> Sample:
    """A figure whose draws lie evenly between its value and the worst one; all at the value where none is given."""
    at = np.nan if value is None else value
    draws = np.full(1000, at) if worst is None else np.linspace(worst, at, 1000)
    return Sample(value, draws, num_groups, num_images)


def sure(values: dict[str, float | None]) -> dict[str, Value]:
    """Figures of test images as if every draw agreed with them; what is not sampled stays a number."""
    return {
        name: sample(value) if name in MEASURES and MEASURES[name].is_sampled and value is not None else value
        for name, value in values.items()
    }


def make_sums(
    quality: NDArray[np.float64] | float = 0.9,
    *,
    num_groups: int = 20,
    per_group: int = 2,
    modality: list[str] | None = None,
    asked: dict[str, Answers] | None = None,
) -> Sums:
    """The sums of images of one class, of 20 labelled objects and 2,000 labelled pixels each.

    `quality` of each image, (I,) or one for all: its foreground IoU, and the share of its objects that is found (none
    is invented): F1 = 2q / (1 + q), count error = 1 − q. `modality`: of each image.
    """
    num = num_groups * per_group
    share = np.broadcast_to(np.asarray(quality, dtype=np.float64), (num,))
    hit, found = np.round(share * LABELLED).astype(np.int64), np.round(share * OBJECTS).astype(np.int64)
    pixels = np.zeros((num, 2, 2), dtype=np.int64)
    pixels[:, 1, 1], pixels[:, 1, 0], pixels[:, 0, 0] = hit, LABELLED - hit, PIXELS - LABELLED
    matches = np.zeros((num, 3, 10, 1), dtype=np.int64)
    matches[:, 0], matches[:, 2] = found[:, None, None], OBJECTS - found[:, None, None]
    counted = np.stack([np.full((num, 1), OBJECTS), found[:, None]], axis=1)
    pq = np.stack([found, 0 * found, OBJECTS - found, found * 0.8], axis=1)[:, :, None].astype(np.float64)
    flags = np.zeros((4, 10, 0), dtype=bool)
    empty = Ranking(np.zeros(0, dtype=np.int64), flags, flags, np.zeros((num, 4), dtype=np.int64))
    return Sums(
        np.array([f"image_{i:03}.png" for i in range(num)]),
        np.array([f"group_{i // per_group:03}" for i in range(num)]),
        {"modality": np.array(modality or ["fluorescence"] * num)},
        np.array([True]),
        pixels,
        np.zeros((num, 4, 1), dtype=np.int64),
        matches,
        pq,
        counted,
        np.zeros((num, 2, 1), dtype=np.int64),
        np.zeros((num, 5, 1), dtype=np.int64),
        np.zeros((num, 3, 10, 1)),
        np.zeros((num, 3, 4, 1), dtype=np.int64),
        np.array([10.0, 20.0]),
        np.ones(num),
        np.zeros(num, dtype=bool),
        (empty,),
        asked or {},
    )


def make_answers(truth: NDArray[np.int64], seen: NDArray[np.int64], acts_from: int | None = None) -> Answers:
    """Counts of one class in the whole image, (I,) each; present from one on; acting below `acts_from`."""
    counts = np.stack([truth, seen], axis=1)[:, :, None, None].astype(np.int64)
    acts = np.stack([truth, seen], axis=1) < (0 if acts_from is None else acts_from)
    right = np.minimum(truth, seen)
    matches = np.stack([right, seen - right, truth - right], axis=1)
    return Answers(counts, counts / 100, counts > 0, acts, matches)


def write_evidence(root: Path, sums: dict[str, Sums], p95_ms: float = 25.0, **timing: Any) -> None:
    """The files that the stage reads: benchmark.json, and metrics.json and sums.npz of each approach."""
    timings = {a: {"p50_ms": p95_ms * 0.8, "p95_ms": p95_ms, "model_mb": 14.0, **timing} for a in sums}
    (root / "work").mkdir(exist_ok=True)
    (root / "work/benchmark.json").write_text(canonical_json({"approaches": timings}))
    for approach, found in sums.items():
        folder = root / "work/evaluate" / approach
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "metrics.json").write_text(canonical_json({"miou": 0.9, "count_error": 0.1}))
        write_sums(folder / "sums.npz", found)
