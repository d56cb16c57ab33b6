"""Counts in bins, for the page's charts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwise.advice.contact import FAR_PX
from segwise.advice.measure import Measured
from segwise.advice.outlines import thickness

BINS = 28


def histograms(measured: Sequence[Measured]) -> dict[str, Any]:
    """Of everything the page draws: `edges` (K+1,), `counts` (K,) and whether the bins are even in the logarithm."""
    things = [m.things for m in measured]
    looks = [m.look for m in measured]

    def every(parts: list[NDArray[Any]]) -> NDArray[np.float64]:
        return np.concatenate([np.zeros(0), *parts]).astype(np.float64)

    shares = every([t.contacts.share for t in things])
    gaps = every([t.contacts.gap_px for t in things])
    nearest = every([t.crowding.nearest for t in things])
    relative = every([m.things.diameters_px / np.sqrt(m.size[0] * m.size[1]) for m in measured])
    return {
        "diameter_px": binned(every([t.diameters_px for t in things]), log=True),
        "thickness_px": binned(every([thickness(t.areas_px, t.outlines.perimeter_px) for t in things]), log=True),
        "relative_diameter": binned(100 * relative, log=True),
        "objects_per_image": binned(np.array([len(t) for t in things], dtype=np.float64), whole=True),
        "contact_share": binned(100 * shares[shares > 0], limits=(0, 100)),
        "gap_px": binned(gaps[(gaps > 0) & np.isfinite(gaps)], limits=(0, FAR_PX), bins=FAR_PX),
        "nearest_diameters": binned(np.minimum(nearest[np.isfinite(nearest)], 6), limits=(0, 6)),
        "vertices": binned(every([t.outlines.vertices for t in things]), log=True),
        "brightness": binned(np.array([k.brightness for k in looks]), limits=(0, 255)),
        "contrast": binned(np.array([k.contrast for k in looks]), limits=(0, 255)),
        "sharpness": binned(np.array([k.sharpness for k in looks])),
    }


def binned(
    values: NDArray[np.float64],
    *,
    log: bool = False,
    whole: bool = False,
    limits: tuple[float, float] | None = None,
    bins: int = BINS,
) -> dict[str, Any]:
    """Values (N,) in at most `bins` bins between their extremes or `limits`; empty lists for no values.

    `log`: bins even in the logarithm, for positive values. `whole`: bins of whole numbers.
    """
    if not values.size:
        return {"edges": [], "counts": [], "log": log}
    low, high = limits or (float(values.min()), float(values.max()))
    if whole:
        step = max(int(np.ceil((high - low + 1) / bins)), 1)
        edges = np.arange(low - 0.5, high + 0.5 + step, step)
    elif log:
        edges = np.geomspace(low, max(high, low * 1.1), bins + 1)
        edges[0], edges[-1] = min(edges[0], low), max(edges[-1], high)  # the last bits of a power are not exact
    else:
        edges = np.linspace(low, high if high > low else low + 1, bins + 1)
    counts = np.histogram(values, edges)[0]
    return {"edges": [float(f"{e:.6g}") for e in edges], "counts": [int(n) for n in counts], "log": log}
