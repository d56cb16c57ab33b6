"""Figures as JSON holds them: rounded, whole numbers whole, what is undefined or endless as None."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

DIGITS = 6


def number(value: float) -> float | None:
    """Rounded to six digits; None where it is no finite number."""
    return round(float(value), DIGITS) if math.isfinite(value) else None


def plain(figures: Mapping[str, float]) -> dict[str, float | int | None]:
    """Each figure as `number` has it; those named num_… as whole numbers."""
    return {
        name: int(value) if name.startswith("num_") and math.isfinite(value) else number(value)
        for name, value in figures.items()
    }


def ends(pair: Sequence[float] | None) -> list[float | None] | None:
    """An interval: [low, high], an end None where there is no bound on that side; None where there is no interval."""
    return None if pair is None else [number(value) for value in pair]
