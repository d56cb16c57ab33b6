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
    known: dict[tuple[tuple[str, float], ...], float] = {}

    def scored(point: Point) -> float:
        key = tuple(sorted(point.items()))
        if key not in known:
            known[key] = score(point)
        return known[key]

    switches = {switch for switch, _ in only_with.values()}
    best = _Held(start, scored(start))
    for branch in _branches(start, {key: values for key, values in grid.items() if key in switches}):
        keys = [
            k for k in grid if k not in switches and (k not in only_with or branch[only_with[k][0]] == only_with[k][1])
        ]
        held = _ascend(scored, branch, {k: grid[k] for k in keys}, sweeps)
        best = held if held.score > best.score else best
    return Fit(best.point, best.score, len(known))


def _branches(start: Point, switches: Mapping[str, Sequence[float]]) -> list[Point]:
    branches = [start]
    for key, values in switches.items():
        branches = [{**branch, key: value} for branch in branches for value in values]
    return branches


@dataclass(frozen=True, slots=True)
class _Held:
    point: Point
    score: float


def _ascend(score: Callable[[Point], float], start: Point, grid: Mapping[str, Sequence[float]], sweeps: int) -> _Held:
    held = _Held(start, score(start))
    for _ in range(sweeps):
        before = held
        for key, values in grid.items():
            for value in values:
                trial = {**held.point, key: value}
                found = score(trial)
                if found > held.score:
                    held = _Held(trial, found)
        if held is before:
            break
    return held
