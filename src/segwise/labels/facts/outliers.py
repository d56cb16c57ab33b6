"""How far a value lies from the middle of its class, in robust standard deviations. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MIN_MEMBERS = 20  # smaller classes have no middle to speak of
_MAD_TO_SD, _Q95_TO_SD = 1.4826, 1 / 1.645  # of a normal distribution


def robust_z(values: NDArray[Any], groups: pd.Series[Any], chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Signed distance of each value from its group's median; 0 where not chosen and in groups under MIN_MEMBERS.

    The unit is the larger one of two estimates of a standard deviation: the median absolute deviation (Iglewicz and
    Hoaglin, "How to Detect and Handle Outliers", 1993), and the distance from the median to the 5 % tail on the value's
    own side. The second one is what keeps skewed and wide classes from being all outliers.
    """
    z = np.zeros(len(values))
    numbers = pd.Series(np.asarray(values, dtype=float)[chosen])
    for index in numbers.groupby(groups.to_numpy()[chosen]).indices.values():
        if len(index) >= MIN_MEMBERS:
            z[np.flatnonzero(chosen)[index]] = _z(numbers.to_numpy()[index])
    return z


def _z(values: NDArray[np.float64]) -> NDArray[np.float64]:
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    away = values - middle
    spread = np.median(np.abs(away)) * _MAD_TO_SD
    unit = np.maximum(spread, np.where(away > 0, high - middle, middle - low) * _Q95_TO_SD)
    mean = np.abs(away).mean() * 1.2533  # where over half of the values are the same, as in the same source
    return np.asarray(away / np.where(unit > 0, unit, max(mean, 1e-9)))
