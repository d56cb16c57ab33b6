"""How often the model was right when it was this sure: what turns a disagreement into a chance of a label error."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
ERROR_RATE = 0.05  # the share of places assumed to hold an error of a kind, before the model is asked
RIDGE = 0.02  # pull of every weight to 0, in observations
EVEN = 0.5  # weight of one made-up agreement and one disagreement: few observations promise little


def chances(questioned: Values, agreed: Values) -> Values:
    """The chance that each questioned place is an error of the label, float64 (N,) in [0, 1].

    Both tables hold the same features, one row per place, each oriented so that more is more suspicious: `questioned`
    (N, F) where model and label disagree, `agreed` (M, F) what the same places would look like if a label on which
    both agree had this very error. A logistic model tells the two apart, with weights of at least 0 (Platt, 1999, on
    several features); each agreed place weighs ERROR_RATE, since so many errors are expected. Where agreements look
    just like disagreements, the model's word is worth little and all chances stay low.
    """
    if not len(questioned):
        return np.zeros(0)
    both = np.concatenate([questioned, agreed])
    centre, spread = both.mean(axis=0), both.std(axis=0)
    spread = np.where(spread > 1e-9, spread, 1.0)
    rows = np.concatenate([(both - centre) / spread, np.zeros((2, both.shape[1]))])
    is_error = np.concatenate([np.zeros(len(questioned)), np.ones(len(agreed)), [0.0, 1.0]])
    weight = np.concatenate([np.ones(len(questioned)), np.full(len(agreed), ERROR_RATE), [EVEN, EVEN * ERROR_RATE]])
    fitted = _fit(rows, is_error, weight)
    return np.asarray(_sigmoid(rows[: len(questioned)] @ fitted[1:] + fitted[0]), dtype=np.float64)


def logit(probability: Values | float) -> Values:
    """log(p / (1 − p)), p kept within [0.001, 0.999]."""
    clipped = np.clip(probability, 0.001, 0.999)
    return np.asarray(np.log(clipped / (1 - clipped)), dtype=np.float64)


def _fit(rows: Values, is_error: Values, weight: Values) -> Values:
    """Bias and weights of the logistic model."""
    from scipy.optimize import minimize

    sign = np.where(is_error > 0, -1.0, 1.0)

    def loss(theta: Values) -> tuple[float, Values]:
        wrong = sign * (rows @ theta[1:] + theta[0])
        slope = weight * sign * _sigmoid(wrong)
        value = float(weight @ np.logaddexp(0, wrong) + RIDGE * theta[1:] @ theta[1:])
        return value, np.concatenate([[slope.sum()], slope @ rows + 2 * RIDGE * theta[1:]])

    start = np.zeros(rows.shape[1] + 1)
    bounds = [(None, None), *[(0.0, None)] * rows.shape[1]]
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x, dtype=np.float64)


def _sigmoid(value: Values) -> Values:
    return np.asarray(1 / (1 + np.exp(-np.clip(value, -40, 40))), dtype=np.float64)
