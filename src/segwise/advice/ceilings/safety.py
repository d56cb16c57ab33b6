"""Is it safe to split by shape? Which touching pairs are told apart, by how they meet. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from segwise.advice.ceilings.image import WATERSHED, Measured
from segwise.advice.ceilings.pairs import Pairs
from segwise.advice.ceilings.params import CeilingParams
from segwise.advice.ceilings.table import Plain, Table, plain_dict
from segwise.evaluation.intervals import bootstrap

EDGES: dict[str, tuple[float, ...]] = {
    "contact": (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0),
    "hidden": (0.0, 1e-9, 0.1, 0.25, 0.5, 0.75, 1.0),
    "waist": (-1.0, 0.0, 0.02, 0.05, 0.1, 0.2, 1.0),
    "ratio": (0.0, 0.1, 0.25, 0.5, 0.75, 1.0),
}
SAFE = 0.9  # share of the pairs told apart from which a split by shape is called safe
MIN_PAIRS = 5  # fewer in a bin say nothing


def safe_to_split(images: Sequence[Measured], tables: Mapping[str, Table], params: CeilingParams) -> Plain:
    """Pairs that touch or overlap and lone objects, at the points that are best for F1.

    Returns:
        num_pairs; touching_share: objects in a pair; separated: share of the pairs told apart by candidate, with the
        watershed's interval; lone_split: share of the objects in no pair that a candidate cuts; by_contact, by_hidden,
        by_waist, by_ratio: see `Pairs`, per bin; safe_contact: the longest contact up to which at least SAFE of the
        pairs of every bin are told apart by shape, None = not even the shortest; is_safe: whether at least SAFE of all
        pairs are, None with fewer than MIN_PAIRS.
    """
    facts = _joined([m.pairs for m in images])
    apart = {
        name: [_apart(m.pairs, table.at(i).holder) for i, m in enumerate(images)] for name, table in tables.items()
    }
    flags = {name: _flat(values) for name, values in apart.items()}
    lone = [_lone(m) for m in images]
    num = sum(flag.size for flag in lone)
    cut = {n: sum(np.count_nonzero(t.at(i).is_split & lone[i]) for i in range(len(images))) for n, t in tables.items()}
    alone = sum(np.count_nonzero(flag) for flag in lone)
    bins = {f"by_{key}": _bins(facts[key], edges, flags) for key, edges in EDGES.items()}
    safe = _safe_contact(bins["by_contact"])
    return plain_dict(
        {
            "num_pairs": facts["contact"].size,
            "touching_share": 1 - alone / num if num else None,
            "separated": {name: _mean(values) for name, values in flags.items()},
            "separated_interval": _interval(images, apart[WATERSHED], params),
            "lone_split": {name: value / alone if alone else None for name, value in cut.items()},
            **bins,
            "safe_contact": safe,
            "is_safe": None if facts["contact"].size < MIN_PAIRS else _mean(flags[WATERSHED]) >= SAFE,
        }
    )


def _apart(met: Pairs, holder: NDArray[np.int64]) -> NDArray[np.bool_]:
    """The pairs whose objects have a prediction each, another one."""
    one, other = holder[met.first], holder[met.second]
    return np.asarray((one != other) & (one >= 0) & (other >= 0), dtype=bool)


def _lone(image: Measured) -> NDArray[np.bool_]:
    out = np.ones(len(image.class_ids), dtype=bool)
    out[image.pairs.first] = out[image.pairs.second] = False
    return out


def _joined(found: Sequence[Pairs]) -> dict[str, NDArray[np.float64]]:
    return {key: _flat([getattr(pairs, key) for pairs in found]) for key in EDGES}


def _flat(values: Sequence[NDArray[np.generic]]) -> NDArray[np.float64]:
    return np.concatenate([np.zeros(0), *values]).astype(np.float64)


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if values.size else float("nan")


def _bins(values: NDArray[np.float64], edges: Sequence[float], flags: Mapping[str, NDArray[np.float64]]) -> list[Plain]:
    place = np.digitize(values, edges[1:-1], right=True)
    return [
        {
            "above": low,
            "to": high,
            "num_pairs": int(np.count_nonzero(place == index)),
            "separated": {name: _mean(found[place == index]) for name, found in flags.items()},
        }
        for index, (low, high) in enumerate(pairwise(edges))
    ]


def _safe_contact(bins: Sequence[Plain]) -> float | None:
    safe = None
    for entry in (b for b in bins if b["num_pairs"] >= MIN_PAIRS):
        if entry["separated"][WATERSHED] < SAFE:
            break
        safe = float(entry["to"])
    return safe


def _interval(
    images: Sequence[Measured], apart: Sequence[NDArray[np.bool_]], params: CeilingParams
) -> tuple[float, float] | None:
    sums = np.array([(np.count_nonzero(flags), flags.size) for flags in apart]).reshape(-1, 2)

    def share(weights: NDArray[np.int64]) -> dict[str, float]:
        hits, total = weights @ sums
        return {"share": hits / total if total else float("nan")}

    groups = [m.group for m in images]
    found = bootstrap(groups, share, replicates=params.replicates, confidence=params.confidence, seed=params.seed)
    return found.get("share")
