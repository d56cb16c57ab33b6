"""Numbers as the profile writes them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

MUCH = 0.05  # of an object's pixels shared with others: more than two outlines drawn a little too wide


def quantiles(values: NDArray[Any], levels: Sequence[float]) -> dict[str, float]:
    """The quantiles (`q05` for 0.05) and the mean of values (N,); nothing for no values."""
    if not values.size:
        return {}
    found = zip(levels, np.quantile(values, levels), strict=True)
    return {name(q): round(float(v), 4) for q, v in found} | {"mean": round(float(values.mean()), 4)}


def name(level: float) -> str:
    """The key of a quantile: q05 for 0.05, q100 for 1, q99.9 for 0.999."""
    percent = round(100 * level, 6)
    return f"q{round(percent):02}" if percent == round(percent) else f"q{percent:g}"


def share(flags: NDArray[np.bool_]) -> float:
    """The share that is true, in [0, 1]; 0 of none."""
    return rounded(float(flags.mean())) if flags.size else 0.0


def rounded(value: float) -> float:
    """Six digits after the point: sums in another order agree."""
    return round(value, 6)
