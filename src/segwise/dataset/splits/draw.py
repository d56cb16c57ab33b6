"""Which split a set of images gets that belongs together and has none yet: by balance, or by its name alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segwise.dataset.params import FractionParams
from segwise.dataset.splits.balance import Amounts
from segwise.spec import SPLITS

_PASSES = 5


def by_name(names: Sequence[str], fractions: FractionParams, seed: int) -> list[str]:
    """A split for each name, drawn from the seed and the name alone."""
    edges = (fractions.test, fractions.test + fractions.val)
    draws = [uniform(seed, name) for name in names]
    return ["test" if draw < edges[0] else "val" if draw < edges[1] else "train" for draw in draws]


def by_balance(
    sets: Sequence[Sequence[int]],
    held: Sequence[str | None],
    amounts: Amounts,
    fractions: FractionParams,
    seed: int,
    keys: Sequence[str],
) -> list[str]:
    """A split for each set, such that the splits' shares of all amounts come close to the fractions.

    Minimised is the sum over amounts and splits of weight × (share - fraction)² / fraction, counting all images.
    Large and rare sets are placed first, then each is moved where it helps, until none is.

    Args:
        sets: indices of images.
        held: the split of each image that has one.
        keys: a text for each image; with the seed it orders sets that are within a factor of two in size.
    """
    wanted = np.array([getattr(fractions, split) for split in SPLITS])[:, None]
    shares = amounts.values / np.maximum(amounts.values.sum(axis=0), 1e-12)
    own = np.stack([shares[list(members)].sum(axis=0) for members in sets]) if sets else np.zeros((0, shares.shape[1]))
    sums = np.stack([shares[[part == split for part in held]].sum(axis=0) for split in SPLITS])
    place = np.full(len(sets), -1)
    for _ in range(_PASSES):
        before = place.copy()
        for k in _order(sets, own * amounts.weights, seed, keys):
            if place[k] >= 0:
                sums[place[k]] -= own[k]
            growth = own[k] * (2 * (sums - wanted) + own[k]) / wanted
            place[k] = int((growth @ amounts.weights).argmin())
            sums[place[k]] += own[k]
        if (place == before).all():
            break
    return [SPLITS[index] for index in place.tolist()]


def uniform(seed: int, key: str) -> float:
    """A number in [0, 1) that depends on the seed and the key alone."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{key}".encode()).digest()[:8], "big") / 2**64


def _order(sets: Sequence[Sequence[int]], weighted: NDArray[np.float64], seed: int, keys: Sequence[str]) -> list[int]:
    sizes = np.floor(np.log2(np.maximum(weighted.max(axis=1, initial=0), 1e-12))).tolist()
    draws = [uniform(seed, min(keys[index] for index in members)) for members in sets]
    return sorted(range(len(sets)), key=lambda k: (-sizes[k], draws[k]))
