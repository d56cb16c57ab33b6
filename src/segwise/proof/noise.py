"""Are two trainings' figures further apart than two seeds make them? Pure.

Of N trainings that differ in their seed alone, a figure has the standard deviation s. The difference of two further
trainings then has √2 s, and |difference| / (√2 s) is Student's t with N − 1 degrees of freedom (a prediction interval:
Hahn and Meeker, Statistical Intervals, 1991, section 4.8). Each figure is judged for itself at 95 %: of many figures
one in twenty lies outside by chance alone, so that a reproduction is rather doubted than believed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from segwise.proof.lock import flat

FILES = "work/evaluate/*/metrics.json"
JUDGED = ("decisions.*.error", "foreground_iou", "miou", "ap50", "f1", "pq", "count_error", "coverage_error")
CONFIDENCE = 0.95
Values = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of the recorded run and of its repetition. `band`: how far apart two seeds may bring it, or None."""

    file: str
    name: str
    recorded: float | None
    here: float | None
    band: float | None

    @property
    def is_equal(self) -> bool:
        return self.recorded == self.here

    @property
    def is_within(self) -> bool:
        """Equal, or a difference that was measured between seeds."""
        if self.is_equal:
            return True
        if self.recorded is None or self.here is None or self.band is None:
            return False
        return abs(self.here - self.recorded) <= self.band


def figures(metrics: Any) -> dict[str, float | None]:
    """The figures of a metrics.json that a reproduction is judged by, by dotted key."""
    leaves = flat(metrics)
    kept = {k: v for k, v in leaves.items() if any(fnmatchcase(k, p) for p in JUDGED)}
    return {k: None if v is None else float(v) for k, v in kept.items() if not isinstance(v, str | list | dict)}


def band(values: Sequence[float | None]) -> float | None:
    """How far apart two trainings' figures lie at most, at 95 %, from those of two seeds or more; None if unknown."""
    if len(values) < 2 or any(v is None for v in values):
        return None
    from scipy.stats import t

    spread = float(np.std(np.array(values, dtype=np.float64), ddof=1))
    return float(np.sqrt(2.0) * spread * t.ppf(0.5 + CONFIDENCE / 2, len(values) - 1))


def bands(seeds: Sequence[Mapping[str, Values]]) -> dict[str, dict[str, float | None]]:
    """The band of each figure of each file, from one mapping (file → figures) per seed."""
    files = seeds[0] if seeds else {}
    return {
        file: {name: band([seed.get(file, {}).get(name) for seed in seeds]) for name in names}
        for file, names in files.items()
    }


def compare(file: str, recorded: Values, here: Values, measured: Mapping[str, float | None]) -> list[Compared]:
    """The figures of one file, in the recorded order; one that only the repetition has is there too."""
    names = list(dict.fromkeys([*recorded, *here]))
    return [Compared(file, n, recorded.get(n), here.get(n), measured.get(n)) for n in names]
