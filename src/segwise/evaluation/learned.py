"""A learned score for a cascade's trigger: a straight line over standardised features, shrunk by ridge. Pure numpy.

Hoerl and Kennard 1970; on a yes-or-no target it ranks as regularised linear discriminant analysis does. The penalty is
the one that expects a fifth of the target's variance to be explained by the features together: (1 − R²) F / (R² n).
Features that go with the target by less than two standard errors are left out first (sure independence screening, Fan
and Lv 2008): with few images that need the dearer model, many that say nothing would drown the few that do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
EXPECTED_R2 = 0.2
SCREEN = 2.0  # standard errors of a correlation of nothing, 1 / √n
DIGITS = 6


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """score = constant + features @ weights: of mean 0 and spread 1 over the images it was fitted on (or 0 for all)."""

    weights: Values
    constant: float

    def __call__(self, features: Values) -> Values:
        """Scores, float64 (I,), of features (I, F)."""
        return np.asarray(self.constant + features @ self.weights, dtype=np.float64)


def fit(features: Values, wanted: NDArray[np.bool_]) -> Line:
    """The line that tells the wanted images from the others; features float64 (I, F). All 0 where all are alike."""
    num, size = features.shape
    middle, spread = features.mean(axis=0), features.std(axis=0)
    scale = np.where(spread > 1e-9 * (1 + np.abs(middle)), spread, np.inf)  # what never changes says nothing
    target = wanted.astype(np.float64) - wanted.mean()
    standard = (features - middle) / scale
    standard *= _speaks(standard, target)
    speaking = max(int(np.count_nonzero(standard.any(axis=0))), 1)
    penalty = (1 - EXPECTED_R2) * speaking / (EXPECTED_R2 * num)
    weights = np.linalg.solve(standard.T @ standard / num + penalty * np.eye(size), standard.T @ target / num)
    reach = float((standard @ weights).std())
    weights = weights / scale / reach if reach > 1e-12 else np.zeros(size)
    weights = np.array([_written(w) for w in weights])
    return Line(weights, _written(-float(middle @ weights)))


def _written(value: float) -> float:
    """A number as `as_text` writes it, and so as it is used."""
    return float(f"{value:.{DIGITS}g}")


def _speaks(standard: Values, target: Values) -> NDArray[np.bool_]:
    """Which features go with the target, bool (F,): the clearest one at least."""
    covariance = np.abs(standard.T @ target) / len(target)
    limit = SCREEN * float(target.std()) / math.sqrt(len(target))
    return np.asarray(covariance >= min(limit, float(covariance.max())), dtype=bool)


def cross_fitted(features: Values, wanted: NDArray[np.bool_], groups: Sequence[str], folds: int, seed: int) -> Values:
    """Each image's score by a line that was fitted without its group, float64 (I,).

    Groups with wanted images are dealt evenly over the folds, and so are the others.
    """
    fold = _folds(wanted, groups, folds, seed)
    scores = np.zeros(len(features))
    for held in np.unique(fold):
        out = fold == held
        rest = features[~out] if (~out).any() else features
        scores[out] = fit(rest, wanted[~out] if (~out).any() else wanted)(features[out])
    return scores


def _folds(wanted: NDArray[np.bool_], groups: Sequence[str], folds: int, seed: int) -> NDArray[np.int64]:
    names, member = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    has = np.bincount(member, wanted, len(names)) > 0
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(~has[order], kind="stable")]
    of_group = np.zeros(len(names), dtype=np.int64)
    of_group[order] = np.arange(len(names)) % max(min(folds, len(names)), 1)
    return of_group[member]


def as_text(line: Line, terms: Sequence[str]) -> str:
    """The line as an expression over the terms, to be read, edited and evaluated."""
    parts = [f"{weight:g} * {term}" for weight, term in zip(line.weights, terms, strict=True) if weight]
    return " + ".join([*parts, f"{line.constant:g}"])
