"""What calibration maximises: one number for a set of tallies, higher is better.

`decision` is the part of the stated tolerances that is used up, with the general quality beside it, each a tenth: of a
tolerance of 10 % that is the error itself. The decision alone would be fitted to chance: on a few validation images
many points have the same error, or one that is smaller only because misses and inventions cancel, and among these the
quality of the masks tells which is right (docs/decision.md has the figures)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from segwise.evaluation.counts import count_metrics
from segwise.evaluation.objects import Tally, f1, panoptic_quality
from segwise.evaluation.pixels import foreground_iou, mean_of

Objective = Literal["decision", "mix", "f1", "pq", "count"]
WEIGHT = 0.1  # so that a gain of `min_gain` is one of the error within a tolerance of 10 %


def figures(
    tallies: Sequence[Tally], pixels: NDArray[np.int64], decision_used: Sequence[float] = ()
) -> dict[str, float]:
    """F1 at IoU .5, PQ (mean over the classes there are), foreground IoU, count error and used part of the tolerance.

    `pixels` is their confusion matrix, `decision_used` the part of each decision's tolerance that is used up
    (`limits.strain`), of which the mean is taken. What is undefined counts as 0.
    """
    pq = np.sum([t.pq for t in tallies], axis=0)
    counted = np.stack([t.counted for t in tallies])
    values = {
        "f1": f1(*(float(sum(getattr(t, name)[0].sum() for t in tallies)) for name in ("tp", "fp", "fn"))),
        "pq": mean_of(np.array([panoptic_quality(column)[0] for column in pq.T])),
        "foreground_iou": foreground_iou(pixels),
        "count_error": count_metrics(counted[:, 0], counted[:, 1])["count_error"],
        "tolerance_used": mean_of(np.array(decision_used)),
    }
    return {name: 0.0 if np.isnan(value) else value for name, value in values.items()}


OBJECTIVES: dict[str, Callable[[dict[str, float]], float]] = {
    "decision": lambda v: WEIGHT * (v["f1"] + v["pq"] + v["foreground_iou"] - v["tolerance_used"]),
    "mix": lambda v: v["f1"] + v["pq"] + v["foreground_iou"] - v["count_error"],  # finds, outlines, covers, counts
    "f1": lambda v: v["f1"],
    "pq": lambda v: v["pq"],
    "count": lambda v: -v["count_error"],
}
