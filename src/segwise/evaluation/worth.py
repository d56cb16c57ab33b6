"""What a cascade would be worth: its cost, its decision error, and the whole curve between never and always. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwise.decision.limits import strain
from segwise.decision.params import Decision
from segwise.decision.score import Answers, figures
from segwise.evaluation.intervals import bootstrap
from segwise.evaluation.needs import Flags, Values, mixed

CURVE_RATES = np.linspace(0, 1, 21)
DIGITS = 6
Weighted = Callable[[NDArray[np.int64] | None], dict[str, float]]


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked of the cascade.

    Attributes:
        recall, confidence: the promise. margin: see `needs`. min_saving: of the instance model's cost.
        cost_ratio: the instance model's cost of an image over the cheap one's.
        replicates, seed: of the bootstrap, whose intervals have `confidence` too.
    """

    recall: float
    confidence: float
    margin: float
    min_saving: float
    cost_ratio: float
    replicates: int
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """I validation images: the answers of both models (labels beside them), their groups, and the trigger's score of
    each, float64 (I,): a learned one by a line that has not seen the image's group. `is_rule`: scores are yes (1) or no
    (0), and the threshold between them is not ours to choose."""

    cheap: Answers
    instance: Answers
    groups: tuple[str, ...]
    scores: Values
    is_rule: bool = False


def saving(rate: float, cost_ratio: float) -> float:
    """The part of the instance model's cost that a cascade saves: 1 − (cheap + rate × instance) / instance."""
    return 1 - rate - 1 / cost_ratio


def curve(decision: Decision, seen: Evidence, terms: Terms) -> list[dict[str, Any]]:
    """Cost and decision error from never to always asking the instance model, those of the highest scores first.

    Each point's `error` and `used` have bootstrap intervals over groups. The last point asks both models of every
    image; the instance model alone costs 1.
    """
    num = len(seen.groups)
    order = np.lexsort((np.arange(num), -seen.scores))
    points, done = [], set[int]()
    for asked in (round(rate * num) for rate in CURVE_RATES):
        if asked in done:
            continue
        done.add(asked)
        escalated = np.zeros(num, dtype=bool)
        escalated[order[:asked]] = True
        answers = mixed(seen.cheap, seen.instance, escalated)
        points.append({"rate": rounded(asked / num), "cost": rounded(asked / num + 1 / terms.cost_ratio),
                       **_measured(decision, answers, seen.groups, terms)})  # fmt: skip
    return points


def _measured(decision: Decision, answers: Answers, groups: Sequence[str], terms: Terms) -> dict[str, Any]:
    def both(weights: NDArray[np.int64] | None) -> dict[str, float]:
        found = figures(decision, answers, weights)
        return {key: found[key] for key in ("error", "used", "accuracy") if key in found}

    return {**{key: plain(value) for key, value in both(None).items()}, "intervals": _intervals(groups, both, terms)}


def used_of(decision: Decision, seen: Evidence, escalated: Flags | None) -> dict[str, float | None]:
    """The part of the tolerance that either model alone uses up, and the cascade that escalates these images, if any;
    as far as these images can tell (`limits.strain`)."""
    both = {"cheap": seen.cheap, "instance": seen.instance}
    if escalated is not None:
        both["cascade"] = mixed(seen.cheap, seen.instance, escalated)
    return {name: plain(strain(decision, figures(decision, answers))) for name, answers in both.items()}


def differences(decision: Decision, seen: Evidence, escalated: Flags, terms: Terms) -> dict[str, Any]:
    """The cascade's used part less that of either model alone, with paired bootstrap intervals over groups."""
    cascade, sides = mixed(seen.cheap, seen.instance, escalated), {"cheap": seen.cheap, "instance": seen.instance}

    def less(weights: NDArray[np.int64] | None) -> dict[str, float]:
        own = strain(decision, figures(decision, cascade, weights))
        return {name: own - strain(decision, figures(decision, side, weights)) for name, side in sides.items()}

    intervals = _intervals(seen.groups, less, terms)
    return {k: {"difference": plain(v), "interval": intervals.get(k)} for k, v in less(None).items()}


def _intervals(groups: Sequence[str], statistic: Weighted, terms: Terms) -> dict[str, list[float] | None]:
    found = bootstrap(groups, statistic, replicates=terms.replicates, confidence=terms.confidence, seed=terms.seed)
    return {key: None if pair is None else [rounded(v) for v in pair] for key, pair in found.items()}


def plain(value: float) -> float | None:
    """As it is written: rounded, None where there is no number."""
    return None if not math.isfinite(value) else rounded(value)


def rounded(value: float) -> float:
    """To the digits that are written."""
    return round(float(value), DIGITS)
