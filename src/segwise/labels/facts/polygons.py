"""Facts of polygons as they stand in the label file; what they are as masks no longer shows these. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

COLUMNS = {"num_points": np.int64, "crossing_px": float, "num_inner_parts": np.int64}


def polygons(records: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """One row per raw annotation that passed the schema, indexed by its id; zeros for run lengths.

    num_points: corners of all parts.
    crossing_px: area that a polygon loses or counts twice because it crosses itself: half of the difference between
        the area it encloses and the one its corners give (the shoelace formula).
    num_inner_parts: parts that lie within another part. COCO's polygons know no holes: both are filled.
    """
    owner, parts = _parts(records)
    facts = pd.DataFrame({name: np.zeros(len(records), dtype=kind) for name, kind in COLUMNS.items()})
    if parts:
        sizes = [len(part) for part in parts]
        rings = shapely.linearrings(np.concatenate(parts), indices=np.repeat(np.arange(len(parts)), sizes))
        shapes = shapely.polygons(rings)
        facts["num_points"] = np.bincount(owner, weights=sizes, minlength=len(records)).astype(np.int64)
        facts["crossing_px"] = np.bincount(owner, weights=_crossing(parts, shapes), minlength=len(records))
        facts["num_inner_parts"] = _inner(owner, shapes, len(records))
    return facts.set_index(pd.Index([int(r["id"]) for r in records], dtype=np.int64))


def _parts(records: Sequence[dict[str, Any]]) -> tuple[NDArray[np.int64], list[NDArray[np.float64]]]:
    found = [
        (index, np.asarray(part, dtype=np.float64).reshape(-1, 2))
        for index, record in enumerate(records)
        if isinstance(record["segmentation"], list)
        for part in record["segmentation"]
    ]
    return np.array([index for index, _ in found], dtype=np.int64), [part for _, part in found]


def _crossing(parts: Sequence[NDArray[np.float64]], shapes: NDArray[Any]) -> NDArray[np.float64]:
    lost = np.zeros(len(parts))
    for index in np.flatnonzero(~shapely.is_valid(shapes)).tolist():
        x, y = parts[index].T
        signed = abs(float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())) / 2
        lost[index] = abs(float(shapely.make_valid(shapes[index]).area) - signed) / 2
    return lost


def _inner(owner: NDArray[np.int64], shapes: NDArray[Any], number: int) -> NDArray[np.int64]:
    inner = np.zeros(number, dtype=np.int64)
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    for start, stop in zip(starts, [*starts[1:], len(owner)], strict=True):
        if stop - start > 1:
            own = shapely.make_valid(shapes[start:stop])
            within = shapely.contains(own[:, None], own[None, :])
            np.fill_diagonal(within, val=False)
            inner[owner[start]] = int(within.any(axis=0).sum())
    return inner
