"""What a figure is at worst, from its bootstrap draws over groups. Pure: arrays come in as arguments."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from segwise.gate.power import fewest_draws, fewest_groups, level

Draws = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One figure as measured on test images.

    Attributes:
        value: over all images; None or NaN where it has none.
        draws: float64 (R,), the same figure for each draw of whole groups; undefined ones are NaN.
        num_groups: groups that say anything about it, see `power.strength`. num_images: of all groups.
        effective_groups: of equal size, see `power.effective_groups`; None = all are alike.
        exact: a bound known otherwise, of as many times the groups, which the draws may only make worse, see `misses`.
    """

    value: float | None
    draws: Draws = field(default_factory=lambda: np.zeros(0))
    num_groups: int = 0
    num_images: int = 0
    effective_groups: float | None = None
    exact: Callable[[float], float] | None = None

    @property
    def number(self) -> float | None:
        """The value, None where it is no finite number."""
        return None if self.value is None or not math.isfinite(self.value) else float(self.value)


def worst_of(sample: Sample, alpha: float, *, is_minimum: bool) -> float | None:
    """What the figure is at worst: beyond it with probability alpha at most. None where that cannot be told.

    An undefined draw counts as the worst there can be. The bound is never on the good side of the value.
    """
    drawn = drawn_of(sample, alpha, is_minimum=is_minimum)
    if drawn is None or sample.exact is None:
        return drawn
    exact = sample.exact(1.0)
    return (min if is_minimum else max)(drawn, exact) if math.isfinite(exact) else None


def drawn_of(sample: Sample, alpha: float, *, is_minimum: bool) -> float | None:
    """The bound as far as the draws tell it, see `worst_of`."""
    value = sample.number
    if value is None or sample.num_groups < fewest_groups(alpha):
        return None
    sign, effective = 1.0 if is_minimum else -1.0, sample.effective_groups
    low = quantile(sign * sample.draws, level(sample.num_groups if effective is None else effective, alpha))
    return sign * min(sign * value, low) if math.isfinite(low) else None


def quantile(draws: Draws, at: float) -> float:
    """The draw below which the share `at` lies, at most; undefined ones count as −∞, and so does a level that so few
    draws do not reach. No interpolation: an order statistic falls with no draw that rises."""
    if draws.size < fewest_draws(at):
        return -math.inf
    ordered = np.sort(np.where(np.isnan(draws), -np.inf, draws))
    return float(ordered[math.floor(at * ordered.size)])
