"""What the sizes of things and the number of them mean for strides and the output cap. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwise.advice.ceilings.image import STRIDES, Measured
from segwise.advice.ceilings.params import CeilingParams
from segwise.advice.ceilings.table import Plain, plain_dict

INSTANCE_STRIDE = 4  # of the finest anchors


def smallest_object(images: Sequence[Measured], params: CeilingParams) -> Plain:
    """Areas (pixels) and shorter sides of boxes (pixels) against the cells of the networks' outputs.

    `below_…` are shares of the objects whose shorter side is less than the cell; `vanished` the share, by stride, of
    which the best class map at that stride shows no pixel.
    """
    areas = np.concatenate([np.zeros(0), *(m.areas_px for m in images)])
    sides = np.concatenate([np.zeros(0), *((m.boxes_xyxy[:, 2:] - m.boxes_xyxy[:, :2]).min(axis=1) for m in images)])
    cells = {"dense": STRIDES[0] / params.dense_zoom, "instance": INSTANCE_STRIDE / params.instance_zoom}
    vanished = {s: _share(np.concatenate([np.zeros(0), *(m.vanished[s] for m in images)])) for s in STRIDES}
    return plain_dict(
        {
            "area_px": _quantiles(areas, (0, 1, 5, 50)),
            "side_px": _quantiles(sides, (0, 1, 5, 50)),
            **{f"{name}_cell_px": cell for name, cell in cells.items()},
            **{f"below_{name}_cell": _share(sides < cell) for name, cell in cells.items()},
            **{f"below_two_{name}_cells": _share(sides < 2 * cell) for name, cell in cells.items()},
            "vanished": vanished,
        }
    )


def output_cap(images: Sequence[Measured], params: CeilingParams) -> Plain:
    """Objects per image against the most that a model returns, and what an instance model loses to what.

    hidden_share: objects of which others cover more than half; gone_share: all of it, so no class map shows them.
    """
    counts = np.array([len(m.class_ids) for m in images], dtype=np.float64)
    total = counts.sum() or np.nan
    seen = np.concatenate([np.zeros(0), *(m.visible_px / np.maximum(m.areas_px, 1) for m in images)])
    return plain_dict(
        {
            **_quantiles(counts, (50, 99, 100)),
            "max_objects": params.max_objects,
            "images_over": _share(counts > params.max_objects),
            "lost_to_cap": sum(m.num_capped for m in images) / total,
            "lost_to_suppression": sum(m.num_suppressed for m in images) / total,
            "hidden_share": _share(seen < 0.5),
            "gone_share": _share(seen == 0),
        }
    )


def _quantiles(values: NDArray[np.float64], percents: Sequence[int]) -> dict[str, float]:
    names = {0: "min", 100: "max"}
    keys = [names.get(p, f"p{p:02}") for p in percents]
    found = np.percentile(values, percents) if values.size else np.full(len(percents), np.nan)
    return dict(zip(keys, found.tolist(), strict=True))


def _share(flags: NDArray[Any]) -> float:
    return float(np.mean(flags)) if flags.size else float("nan")
