"""Fewer labels, as they might have been: nested subsets of whole groups. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from segwise.errors import DataInvalidError, UsageError

Names = tuple[str, ...]


def nested(groups: Mapping[str, str], fractions: Sequence[float], repeats: int, seed: int) -> list[list[Names]]:
    """The images of each repeat and fraction, sorted: [repeat][fraction].

    In each repeat the groups stand in a random order of their own; a subset holds the first of them that together have
    at least that fraction of the images, so that a larger subset holds every smaller one and no group is divided.

    Args:
        groups: the group of each image, by file name.
        fractions: ascending, the last is 1.

    Raises:
        UsageError: the fractions are not as said, or there is no repeat.
        DataInvalidError: the groups are too few or too large for two fractions to differ.
    """
    _check(fractions, repeats)
    members: dict[str, list[str]] = {}
    for name in sorted(groups):
        members.setdefault(groups[name], []).append(name)
    order = sorted(members)
    return [_prefixes([order[i] for i in _shuffled(len(order), seed, r)], members, fractions) for r in range(repeats)]


def halves(groups: Mapping[str, str], seed: int) -> tuple[Names, Names]:
    """The images in two parts of about as many images, no group divided, sorted.

    Raises:
        DataInvalidError: there is only one group.
    """
    parts: tuple[list[str], list[str]] = ([], [])
    order = sorted(set(groups.values()))
    if len(order) < 2:
        remedy = "give `group` to images that belong together only, raise split.fractions, or label more"
        raise DataInvalidError("two groups or more in the validation split", f"{len(order)}", remedy)
    for index in _shuffled(len(order), seed, 0):
        min(parts, key=len).extend(name for name in groups if groups[name] == order[index])
    return tuple(sorted(parts[0])), tuple(sorted(parts[1]))


def _shuffled(num: int, seed: int, repeat: int) -> list[int]:
    return [int(i) for i in np.random.default_rng([seed, repeat]).permutation(num)]


def _prefixes(order: Sequence[str], members: Mapping[str, Sequence[str]], fractions: Sequence[float]) -> list[Names]:
    reached = np.cumsum([len(members[group]) for group in order])
    taken = [int(np.searchsorted(reached, f * reached[-1] - 1e-6)) + 1 for f in fractions] if order else []
    if len(set(taken)) < len(fractions):
        came = f"{len(order)} groups of {reached[-1] if order else 0} images, too few for the fractions"
        remedy = "ask for fewer `--fractions`, or label images of more groups"
        raise DataInvalidError("a group more for every fraction of the training images", came, remedy)
    return [tuple(sorted(name for group in order[:count] for name in members[group])) for count in taken]


def _check(fractions: Sequence[float], repeats: int) -> None:
    rising = all(a < b for a, b in pairwise(fractions))
    if len(fractions) < 2 or fractions[0] <= 0 or fractions[-1] != 1 or not rising:
        came = " ".join(f"{f:g}" for f in fractions)
        remedy = "for example: --fractions 0.25 0.5 1"
        raise UsageError("two fractions or more between 0 and 1, rising, the last one 1", came or "none", remedy)
    if repeats < 1:
        raise UsageError("at least 1 repeat", f"--repeats {repeats}", "ask for 3")
