"""One candidate over all images: its predictions' scores stacked by point, fitted and summed up. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwise.advice.ceilings.folds import fitted, folds
from segwise.advice.ceilings.params import CeilingParams
from segwise.advice.ceilings.scored import SUMS, Scored
from segwise.decision import score
from segwise.decision.answers import Answer
from segwise.decision.limits import strain
from segwise.decision.params import Decision
from segwise.evaluation.counts import count_metrics
from segwise.evaluation.intervals import bootstrap
from segwise.evaluation.objects import f1
from segwise.evaluation.pixels import foreground_iou, iou, mean_of

Ints = NDArray[np.int64]
Plain = dict[str, Any]
Point = dict[str, float]
DIGITS = 6


class Table:
    """I images at P points, fitted on one half of the groups and read on the other.

    `chosen` int64 (I,) is the point of each image that is best for the objects' F1 on the other half.
    """

    def __init__(
        self,
        found: Sequence[Sequence[Scored]],
        truth: Sequence[Mapping[str, Answer]],
        groups: Sequence[str],
        decisions: Mapping[str, Decision],
        points: Sequence[Point],
    ) -> None:
        self.found, self.groups, self.decisions, self.points = found, groups, decisions, points
        self.fold = folds(groups)
        self.sums = np.array([[s.sums for s in image] for image in found])
        self.answers = {name: self._stacked(name, truth) for name in decisions}
        self.chosen, self.best = fitted(self.fold, len(points), self._f1_loss)
        self.fits = {name: fitted(self.fold, len(points), partial(self._loss, name)) for name in decisions}

    def _stacked(self, name: str, truth: Sequence[Mapping[str, Answer]]) -> list[score.Answers]:
        said = [[image[p].answers[name] for image in self.found] for p in range(len(self.points))]
        return [
            score.stack([(t[name], s[0]) for t, s in zip(truth, at, strict=True)], np.array([s[1] for s in at]))
            for at in said
        ]

    def _f1_loss(self, point: int, weights: Ints) -> float:
        return 1 - f1(*(float(v) for v in (weights @ self.sums[:, point])[:3]))

    def _loss(self, name: str, point: int, weights: Ints) -> float:
        decision = self.decisions[name]
        return strain(decision, score.figures(decision, self.answers[name][point], weights))

    def read(self, name: str) -> score.Answers:
        """The answers to a decision, each image's at the point fitted on the other half."""
        return picked(self.answers[name], self.fits[name][0])

    def at(self, image: int, name: str | None = None) -> Scored:
        """An image's score at its point, of a decision or of the objects."""
        return self.found[image][int((self.chosen if name is None else self.fits[name][0])[image])]

    def decision(self, name: str, params: CeilingParams) -> Plain:
        """The figures of a decision, with intervals, whether it is met, and the point fitted on all images."""
        decision, answers = self.decisions[name], self.read(name)
        figures = score.figures(decision, answers)
        found = bootstrap(
            self.groups, partial(score.figures, decision, answers),
            replicates=params.replicates, confidence=params.confidence, seed=params.seed,
        )  # fmt: skip
        met = score.met(figures["used"], found.get("used"))
        return {**plain(figures), "met": met, "intervals": plain(found), "point": self.points[self.fits[name][1]]}

    def objects(self) -> Plain:
        """Figures of single objects, of counts and of pixels, at the points that are best for F1."""
        index = range(len(self.found))
        sums = dict(zip(SUMS, self.sums[list(index), self.chosen].sum(axis=0).tolist(), strict=True))
        counted = np.array([self.at(i).counted for i in index])
        pixels = np.sum([self.at(i).pixels for i in index], axis=0)
        quality = {"miou": mean_of(iou(pixels)), "foreground_iou": foreground_iou(pixels)}
        return plain_dict({**_rates(sums), **count_metrics(counted[:, 0], counted[:, 1]), **quality})


def _rates(sums: Mapping[str, int]) -> dict[str, float]:
    total = sums["truth"] or float("nan")
    return {
        "f1": f1(sums["tp"], sums["fp"], sums["fn"]),
        "merge_rate": sums["merged"] / total,
        "split_rate": sums["split"] / total,
    }


def picked(answers: Sequence[score.Answers], chosen: Ints) -> score.Answers:
    """Each image's answers at its own point; `answers` by point, `chosen` int64 (I,)."""
    index = np.arange(len(chosen))
    names = ("counts", "coverage", "present", "acts", "matches")
    return score.Answers(*(np.stack([getattr(a, name) for a in answers])[chosen, index] for name in names))


def plain_dict(values: Mapping[str, Any]) -> Plain:
    """See `plain`."""
    return {str(key): plain(value) for key, value in values.items()}


def plain(value: Any) -> Any:
    """JSON-able: rounded to DIGITS, None for what is undefined or infinite."""
    if isinstance(value, dict):
        return plain_dict(value)
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(item) for item in value]
    if isinstance(value, float | np.floating):
        return round(float(value), DIGITS) if np.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value
