"""What the trainings on fewer labels say of more of them, in the units of the decisions and for the hours they cost.

Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from segwise.advice.cross_fit import Key, Scored
from segwise.advice.curve import Trials, Values, difference, worth
from segwise.decision.limits import AXES, axis, in_words
from segwise.decision.params import Decision
from segwise.evaluation.intervals import draws

CLASS_MASKS = "class_masks"  # semantic segmentation by a network that saw no instance labels
LABELS = {"semantic": "class_masks", CLASS_MASKS: "class_masks", "hybrid": "objects", "instance": "objects"}
NAMES = {"class_masks": "class masks", "objects": "instance masks"}
QUALITY = {"f1": "1 − F1 of objects at IoU 0.5", "foreground_iou": "1 − foreground IoU"}
SHORT = {"f1": "F1", "foreground_iou": "foreground IoU"}
Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Terms:
    """`more` labelled images are asked about; `confidence` of the intervals, from `replicates` draws of the groups;
    `steps` of each training, without which a flat curve is not told rightly: it may be the training's, not the labels'.
    """

    more: int = 50
    confidence: float = 0.9
    replicates: int = 400
    seed: int = 0
    steps: int = 0


def learned(
    scored: Mapping[str, Sequence[Sequence[Scored]]],
    sizes: Values,
    groups: Sequence[str],
    decisions: Mapping[str, Decision],
    effort: Mapping[str, Any] | None,
    terms: Terms,
) -> Result:
    """The curve of every decision's error, and of two general ones.

    Args:
        scored: by candidate, [size][repeat], of the same validation images, whose `groups` these are.
        sizes: training images, float64 (S, R).
        effort: `effort` of work/profile.json, where there is one.

    Returns:
        {"decisions" and "quality": {name: {"tolerance", "candidates": {candidate: what `curve.worth` returns, with
        "labels", "hours" and "gain_per_hour" of the images and "sentence"}, "instance_labels": "against" and the rows
        of `curve.difference` (None without a candidate that needs class masks only)}}}.
    """
    drawn = draws(groups, terms.replicates, terms.seed)
    trials = {name: _trials(cells, sizes, decisions, drawn) for name, cells in scored.items()}
    out: Result = {"decisions": {}, "quality": {}}
    for key in next(iter(trials.values())):
        part, name = key
        words = _measured(decisions[name]) if part == "decisions" else QUALITY[name]
        curves = {candidate: by_key[key] for candidate, by_key in trials.items()}
        found = {c: _candidate(name, c, trial, effort, terms) for c, trial in curves.items()}
        out[part][name] = {"tolerance": words, "candidates": found, "instance_labels": _bought(curves, terms)}
    result: Result = rounded(out)
    return result


def _measured(decision: Decision) -> str:
    """The tolerance, and what stands for its error: the limit's own, or the part of the tolerance."""
    return f"{in_words(decision)}; error: {AXES.get(axis(decision), 'part of the tolerance used up')}"


def _trials(
    cells: Sequence[Sequence[Scored]], sizes: Values, decisions: Mapping[str, Decision], drawn: Any
) -> dict[Key, Trials]:
    once = np.ones((1, drawn.shape[1]), dtype=np.int64)
    found = [[[one.errors(decisions, w) for w in (*once, *drawn)] for one in row] for row in cells]
    keys = list(found[0][0][0])
    tables = {key: np.array([[[v[key] for v in cell] for cell in row] for row in found]) for key in keys}
    return {key: Trials(sizes, t[:, :, 0], np.moveaxis(t[:, :, 1:], 2, 0)) for key, t in tables.items()}


def _candidate(
    name: str, candidate: str, trials: Trials, effort: Mapping[str, Any] | None, terms: Terms
) -> dict[str, Any]:
    found = worth(trials, terms.more, terms.confidence, terms.seed)
    labels = LABELS[candidate]
    hours = None if effort is None else terms.more * effort[labels]["minutes_per_image"] / 60
    per_hour = None
    if hours and found["expected"] is not None:
        per_hour = {"expected": found["expected"] / hours, "interval": [v / hours for v in found["interval"]]}
    sentence = said(name, candidate, found, hours, terms)
    return {**found, "labels": labels, "hours": hours, "gain_per_hour": per_hour, "sentence": sentence}


def _bought(curves: Mapping[str, Trials], terms: Terms) -> dict[str, Any] | None:
    """How much lower hybrid's error is than that of what needs class masks only, by size."""
    base = next((name for name in (CLASS_MASKS, "semantic") if name in curves), None)
    if base is None or "hybrid" not in curves:
        return None
    return {"against": base, "sizes": difference(curves[base], curves["hybrid"], terms.confidence, terms.seed)}


def said(name: str, candidate: str, found: Mapping[str, Any], hours: float | None, terms: Terms) -> str:
    """The verdict in a sentence; errors are fractions, said in percent, their differences in percentage points."""
    called = SHORT.get(name, name)
    cost = "" if hours is None else f" ({hours:.1f} h as {NAMES[LABELS[candidate]]})"
    images, of = f"{terms.more} more labelled images{cost}", f"the error of {called} by {candidate.replace('_', ' ')}"
    if found["verdict"] == "untold":
        undefined = any(math.isnan(row["error"]) for row in found["observed"])
        why = "the error is not always defined" if undefined else "ask for more --repeats or --fractions"
        return f"What {images} are worth for {of} cannot be told: {why}."
    (low, high), error = (100 * v for v in found["interval"]), f"{100 * found['error']:.1f} %"
    range_words = f"{100 * terms.confidence:g} % interval {low:.1f} to {high:.1f}"
    if found["verdict"] == "gain":
        return f"{images} are expected to take {100 * found['expected']:.1f} points ({range_words}) off {of}, {error}."
    if found["verdict"] == "little":
        to = f"a training of {terms.steps} steps"
        return f"{images} are worth hardly anything to {to}: at most {high:.1f} points off {of}, {error}."
    return f"What {images} are worth cannot be told yet: between nothing and {high:.1f} points off {of}, {error}."


def rounded(value: Any) -> Any:
    """The value for JSON: numbers to six digits, NaN and infinity as None."""
    if isinstance(value, Mapping):
        return {key: rounded(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(v) for v in value]
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value
