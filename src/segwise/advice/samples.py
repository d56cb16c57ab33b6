"""Which images to show: the extremes that a person wants to see, and a usual one. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from segwise.advice.measure import Measured


def choose(measured: Sequence[Measured], names: Sequence[str], num: int) -> list[tuple[int, str]]:
    """Up to `num` images as (index, what it is an example of); none twice, ties go to the first name."""
    wanted: list[tuple[str, Callable[[Measured], float]]] = [
        ("most crowded", lambda m: _largest(m.things.crowding.neighbours, 90)),
        ("most objects", lambda m: float(len(m.things))),
        ("fewest objects", lambda m: -float(len(m.things)) - m.coverage),
        ("smallest objects", lambda m: -_typical(m.things.diameters_px)),
        ("largest objects", lambda m: _typical(m.things.diameters_px, missing=0)),
        ("most contact", lambda m: float(m.things.contacts.contact_px.sum())),
        ("least contrast", lambda m: -m.look.contrast),
        ("darkest", lambda m: -m.look.brightness),
    ]
    order = sorted(range(len(measured)), key=lambda i: names[i])
    middle = _usual(measured, order)
    chosen = [(middle, "a usual image")] if middle is not None and num else []
    for words, score in wanted:
        left = [i for i in order if i not in {index for index, _ in chosen}]
        if left and len(chosen) < num:
            chosen.append((max(left, key=lambda i: (score(measured[i]), -order.index(i))), words))
    return chosen


def _usual(measured: Sequence[Measured], order: Sequence[int]) -> int | None:
    """The image nearest to the medians of object count, coverage and brightness, in ranks."""
    if not order:
        return None
    facts = np.array([[len(m.things), m.coverage, m.look.brightness] for m in measured])
    ranks = facts.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    away = np.abs(ranks - (len(measured) - 1) / 2).sum(axis=1)
    return min(order, key=lambda i: float(away[i]))


def _largest(values: np.ndarray, percentile: float) -> float:
    return float(np.percentile(values, percentile)) if len(values) else -1.0


def _typical(values: np.ndarray, missing: float = np.inf) -> float:
    return float(np.median(values)) if len(values) else missing
