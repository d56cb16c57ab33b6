"""Kinds of images: what attributes say, slice by slice, and how much of what is measured they explain. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwise.advice.measure import Measured
from segwise.advice.numbers import rounded
from segwise.dataset.coco import Dataset

MAX_VALUES = 50  # an attribute with more values than this names images, not kinds


def attributes(dataset: Dataset) -> dict[str, list[str]]:
    """The attributes that name kinds, with their value for each image ("" for none)."""
    names = sorted({key for record in dataset.images for key in record.attributes})
    found = {name: [record.attributes.get(name, "") for record in dataset.images] for name in names}
    return {name: values for name, values in found.items() if len(set(values)) <= MAX_VALUES}


def slices(dataset: Dataset, measured: Sequence[Measured]) -> dict[str, Any]:
    """The images of each value of each attribute, summed up."""
    out = {}
    for name, values in attributes(dataset).items():
        groups = [r.group for r in dataset.images]
        out[name] = {
            v: _slice([i for i, own in enumerate(values) if own == v], measured, groups) for v in sorted(set(values))
        }
    return out


def _slice(index: Sequence[int], measured: Sequence[Measured], groups: Sequence[str]) -> dict[str, Any]:
    chosen = [measured[i] for i in index]
    diameters = np.concatenate([np.zeros(0), *(m.things.diameters_px for m in chosen)])
    looks = [m.look for m in chosen]
    medians = {n: float(np.median([getattr(k, n) for k in looks])) for n in ("brightness", "contrast", "sharpness")}
    return {
        "num_images": len(chosen),
        "num_groups": len({groups[i] for i in index}),
        "num_objects": int(diameters.size),
        "median_diameter_px": round(float(np.median(diameters)), 2) if diameters.size else None,
        "coverage": rounded(float(np.mean([m.coverage for m in chosen]))),
        **{f"median_{n}": round(value, 3) for n, value in medians.items()},
    }


def explained(dataset: Dataset, measured: Sequence[Measured]) -> dict[str, Any]:
    """For each attribute with two values or more: the share of each fact's variance between its values (ω²)."""
    facts = _facts(measured)
    out = {}
    for name, values in attributes(dataset).items():
        if len(set(values)) > 1:
            out[name] = {fact: rounded(omega_squared(numbers, values)) for fact, numbers in facts.items()}
    return out


def _facts(measured: Sequence[Measured]) -> dict[str, NDArray[np.float64]]:
    looks = [m.look for m in measured]
    sizes = [float(np.median(m.things.diameters_px)) if len(m.things) else math.nan for m in measured]
    return {
        "brightness": np.array([k.brightness for k in looks]),
        "contrast": np.array([k.contrast for k in looks]),
        "sharpness": np.array([k.sharpness for k in looks]),
        "diameter": np.log(np.array(sizes)),
        "objects": np.log1p(np.array([len(m.things) for m in measured], dtype=np.float64)),
    }


def omega_squared(numbers: NDArray[np.float64], values: Sequence[str]) -> float:
    """Share of the variance of numbers (N,) that lies between the values, in [0, 1] (Hays 1963); NaNs are left out.

    (SS_between − (K − 1) · MS_within) / (SS_total + MS_within): 0 on average for an attribute that says nothing,
    however many values it has. 0 where each value has one image.
    """
    known = ~np.isnan(numbers)
    numbers, kinds = numbers[known], np.array(values)[known]
    counts = Counter(kinds.tolist())
    if len(counts) < 2 or len(counts) >= numbers.size:
        return 0.0
    within = sum(float(np.square(own - own.mean()).sum()) for v in counts for own in (numbers[kinds == v],))
    total = float(np.square(numbers - numbers.mean()).sum())
    spread = within / (numbers.size - len(counts))
    return max((total - within - (len(counts) - 1) * spread) / (total + spread), 0.0) if total > 0 else 0.0
