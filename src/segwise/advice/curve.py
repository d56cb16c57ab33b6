"""What more labels are worth: an inverse power law through the errors of trainings on fewer of them. Pure.

error(n) = floor + scale · n^−exponent (Cortes, Jackel, Solla, Vapnik and Denker, NIPS 1993; the exponents seen in deep
networks: Hestness et al., arXiv:1712.00409). The law is what is known of learning curves in general; how far it can be
trusted here is what the intervals say. They hold the chance of the drawn validation images (whole groups), of the drawn
subsets and of training, but not that all labels at hand are themselves a sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

EXPONENTS = (0.05, 2.0)  # searched where there are three sizes or more
UNKNOWN_EXPONENTS = (0.1, 1.0)  # assumed, evenly in the logarithm, where two sizes leave it open
STEPS, ROUNDS = 33, 5  # each round looks between the neighbours of the best: to about 1e-5 of the exponent
MIN_FREEDOM = 3  # repeats beyond the first, summed over the sizes, below which chance is not known
NOTHING, LITTLE = 0.01, 0.1  # gains below these shares of today's error are none, or hardly any


@dataclass(frozen=True, slots=True, eq=False)
class Laws:
    """D power laws: floor + scale · (n / reference)^−exponent; floor, scale ≥ 0 and exponent float64 (D,) each."""

    floor: Values
    scale: Values
    exponent: Values
    reference: float

    def at(self, sizes: Values) -> Values:
        """The errors at sizes (N,), float64 (D, N)."""
        powers = np.power(sizes[None, :] / self.reference, -self.exponent[:, None])
        return np.asarray(self.floor[:, None] + self.scale[:, None] * powers, dtype=np.float64)


def fit(sizes: Values, errors: Values, exponents: Values | None = None) -> Laws:
    """The laws nearest to errors (D, S) at S different sizes by least squares, none of them rising or below 0.

    For a given exponent the law is a straight line, so only that is searched. `exponents` (D,) are held instead.

    Raises:
        ValueError: fewer than two sizes, or two without `exponents`.
    """
    if np.unique(sizes).size < (3 if exponents is None else 2):
        raise ValueError(f"a law through the sizes {sizes.tolist()}")
    reference, rows = float(sizes.max()), np.arange(len(errors))
    if exponents is not None:
        floor, scale, _ = _lines(sizes / reference, errors, exponents[:, None])
        return Laws(floor[:, 0], scale[:, 0], exponents, reference)
    tried = np.broadcast_to(np.geomspace(*EXPONENTS, STEPS), (len(errors), STEPS))
    for _ in range(ROUNDS):
        floor, scale, rest = _lines(sizes / reference, errors, tried)
        best = rest.argmin(axis=1)
        found = Laws(floor[rows, best], scale[rows, best], tried[rows, best], reference)
        low, high = tried[rows, np.maximum(best - 1, 0)], tried[rows, np.minimum(best + 1, STEPS - 1)]
        tried = np.linspace(low, high, STEPS, axis=1)
    return found


def _lines(parts: Values, errors: Values, exponents: Values) -> tuple[Values, Values, Values]:
    """Floor, scale and summed squares of the best lines in x = parts^−exponent, (D, G) each, for exponents (D, G)."""
    x, y = np.power(parts, -exponents[..., None]), errors[:, None, :]
    x_mean, y_mean = x.mean(axis=2), y.mean(axis=2)
    spread = np.square(x - x_mean[..., None]).sum(axis=2)
    scale = ((x - x_mean[..., None]) * (y - y_mean[..., None])).sum(axis=2) / spread
    scale = np.maximum(scale, 0)
    floor = y_mean - scale * x_mean
    through_zero = (x * y).sum(axis=2) / np.square(x).sum(axis=2)
    scale, floor = np.where(floor < 0, through_zero, scale), np.maximum(floor, 0)
    rest = np.square(floor[..., None] + scale[..., None] * x - y).sum(axis=2)
    return floor, scale, rest


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """The errors of S sizes × R repeats: sizes and errors float64 (S, R), and drawn (D, S, R), the same errors on D
    draws of the validation groups."""

    sizes: Values
    errors: Values
    drawn: Values

    def defined(self) -> Trials:
        """Without the draws in which an error is undefined."""
        return Trials(self.sizes, self.errors, self.drawn[~np.isnan(self.drawn).any(axis=(1, 2))])

    @property
    def freedom(self) -> int:
        return int(self.errors.shape[0] * (self.errors.shape[1] - 1))


def means(trials: Trials, seed: int) -> Values:
    """Draws of each size's mean error, (D, S): other validation groups, and other repeats of subset and training.

    What the repeats differ by is pooled over the sizes and scaled to the spread that it estimates, without which few
    repeats look surer than they are (Davison and Hinkley, Bootstrap Methods, 1997, 6.2.3).
    """
    num_sizes, repeats = trials.errors.shape
    off = (trials.errors - trials.errors.mean(axis=1, keepdims=True)) * np.sqrt(repeats / max(repeats - 1, 1))
    random = np.random.default_rng(seed)
    chosen = random.choice(off.ravel(), size=(len(trials.drawn), num_sizes, repeats))
    return np.asarray(trials.drawn.mean(axis=2) + chosen.mean(axis=2), dtype=np.float64)


def worth(trials: Trials, more: int, confidence: float, seed: int) -> dict[str, Any]:
    """What `more` labelled images beyond the largest size are expected to take off the error.

    Returns:
        verdict: gain (the interval lies above nothing), little (all of it is below a tenth of today's error), unclear
            (it holds both), or untold (chance is not known, or the error is undefined).
        observed: per size num_images, error, its interval, and the error of each repeat.
        expected, interval: of the gain, in the error's units; error, floor and exponent of the law; band: rows of
            num_images, low, error and high along the law, up to `more` images further. None where untold.
    """
    kept, confidence_ends = trials.defined(), [(1 - confidence) / 2, (1 + confidence) / 2]
    is_known = bool(np.isfinite(trials.errors).all()) and len(kept.drawn) * 2 > len(trials.drawn)
    drawn = means(kept, seed) if is_known and trials.freedom else None
    out: dict[str, Any] = {"verdict": "untold", "expected": None, "interval": None, "band": None, "error": None}
    out |= {"floor": None, "exponent": None, "observed": _observed(trials, drawn, confidence_ends)}
    if drawn is None or trials.freedom < MIN_FREEDOM:
        return out
    sizes = trials.sizes.mean(axis=1)
    law, laws = _law(sizes, trials.errors.mean(axis=1), drawn, seed)
    last = trials.sizes.max()
    steps = np.unique(np.round(np.geomspace(sizes.min(), last + more, 24))).astype(np.float64)
    ends = np.array([last, last + more], dtype=np.float64)
    gains = laws.at(ends) @ np.array([1.0, -1.0])
    low, high = np.quantile(gains, confidence_ends)
    today, then = law.at(ends)[0]
    edges = np.quantile(laws.at(steps), confidence_ends, axis=0)
    return {
        **out,
        "verdict": verdict(float(low), float(high), float(today)),
        "expected": float(today - then),
        "interval": [float(low), float(high)],
        "error": float(today),
        "floor": float(law.floor[0]),
        "exponent": float(law.exponent[0]) if len(sizes) > 2 else None,
        "band": np.stack([steps, edges[0], law.at(steps)[0], edges[1]], axis=1).tolist(),
    }


def verdict(low: float, high: float, error: float) -> str:
    """What an interval of the gain says beside today's error: see `worth`."""
    if low > NOTHING * error:
        return "gain"
    return "little" if high <= LITTLE * error else "unclear"


def difference(one: Trials, other: Trials, confidence: float, seed: int) -> list[dict[str, Any]]:
    """How much lower the error of `other` is, per size: num_images, difference, interval, and whether it is beyond
    chance. Both come from the same trainings' images and draws, so it is a paired comparison. NaN counts as unknown."""
    paired = Trials(one.sizes, one.errors - other.errors, one.drawn - other.drawn)
    kept = paired.defined()
    drawn = means(kept, seed) if np.isfinite(paired.errors).all() and len(kept.drawn) * 2 > len(paired.drawn) else None
    known = drawn if paired.freedom >= MIN_FREEDOM else None
    rows = _observed(paired, known, [(1 - confidence) / 2, (1 + confidence) / 2])
    out = []
    for row in rows:
        ends = row["interval"]
        beyond = None if ends is None else bool(ends[0] > 0 or ends[1] < 0)
        gap = {"difference": row["error"], "interval": ends, "is_beyond_chance": beyond}
        out.append({"num_images": row["num_images"], **gap})
    return out


def _law(sizes: Values, errors: Values, drawn: Values, seed: int) -> tuple[Laws, Laws]:
    """The law of the errors (S,) and those of their draws (D, S)."""
    if len(sizes) > 2:
        return fit(sizes, errors[None]), fit(sizes, drawn)
    low, high = np.log(UNKNOWN_EXPONENTS)
    middle = np.array([np.exp((low + high) / 2)])
    others = np.exp(np.random.default_rng([seed, 1]).uniform(low, high, size=len(drawn)))
    return fit(sizes, errors[None], middle), fit(sizes, drawn, others)


def _observed(trials: Trials, drawn: Values | None, ends: list[float]) -> list[dict[str, Any]]:
    rows = []
    for index, errors in enumerate(trials.errors):
        interval = None if drawn is None else np.quantile(drawn[:, index], ends).tolist()
        each = [{"num_images": int(n), "error": float(e)} for n, e in zip(trials.sizes[index], errors, strict=True)]
        mean = {"num_images": float(trials.sizes[index].mean()), "error": float(errors.mean())}
        rows.append({**mean, "interval": interval, "repeats": each})
    return rows
