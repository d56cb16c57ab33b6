"""Fitting an operating point: each key swept over its values with the others held. Pure; the score is an argument."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Point = dict[str, float]


@dataclass(frozen=True, slots=True)
class Fit:
    """The best point found, its score, and how many points were scored."""

    point: Point
    score: float
    num_tried: int


def sweep(
    score: Callable[[Point], float],
    start: Point,
    grid: Mapping[str, Sequence[float]],
    *,
    sweeps: int,
    only_with: Mapping[str, tuple[str, float]] | None = None,
) -> Fit:
    """Coordinate ascent on a grid. A value replaces the held one only if it scores higher, so ties keep the start.

    Args:
        score: higher is better.
        grid: values by key, swept in this order; every key must be in `start`.
        only_with: keys that matter only while another key has a value, {key: (other, value)}. That other key is a
            switch: each of its values is fitted on its own and the best one wins.
    """
    only_with = only_with or {}
    switches = {switch for switch, _ in only_with.values()}
    fits = [Fit(start, score(start), 1)]
    for branch in _branches(start, {key: values for key, values in grid.items() if key in switches}):
        keys = [
            k for k in grid if k not in switches and (k not in only_with or branch[only_with[k][0]] == only_with[k][1])
        ]
        fits.append(_ascend(score, branch, {k: grid[k] for k in keys}, sweeps))
    best = fits[0]
    for fit in fits[1:]:
        best = fit if fit.score > best.score else best
    return Fit(best.point, best.score, sum(fit.num_tried for fit in fits))


def _branches(start: Point, switches: Mapping[str, Sequence[float]]) -> list[Point]:
    branches = [start]
    for key, values in switches.items():
        branches = [{**branch, key: value} for branch in branches for value in values]
    return branches


def _ascend(score: Callable[[Point], float], start: Point, grid: Mapping[str, Sequence[float]], sweeps: int) -> Fit:
    point, best, tried = start, score(start), 1
    for _ in range(sweeps):
        before = point
        for key, values in grid.items():
            for value in values:
                if value != point[key]:
                    trial = {**point, key: value}
                    value_score, tried = score(trial), tried + 1
                    if value_score > best:
                        point, best = trial, value_score
        if point == before:
            break
    return Fit(point, best, tried)
