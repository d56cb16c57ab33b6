"""The bake-off: every candidate on every decision, in the decision's own units, with its cost; who wins and why. Pure.

All candidates are drawn alike: one set of bootstrap draws over groups serves every figure of every candidate, so that
differences are paired. The winner is the cheapest candidate that is proven to meet the decision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwise.decision.limits import in_words
from segwise.decision.params import Decision
from segwise.errors import IntegrityError
from segwise.evaluation.choice import Entry, choose
from segwise.evaluation.decided import Replicates, decided, replicated
from segwise.evaluation.figures import HEADLINES, figures
from segwise.evaluation.intervals import draws, interval
from segwise.evaluation.params import EvaluateParams
from segwise.evaluation.plain import ends, number, plain
from segwise.evaluation.sums import Sums
from segwise.spec import CANDIDATES
from segwise.types import ClassInfo

COSTS = (
    "p50_ms", "p95_ms", "p99_ms", "jitter", "images_per_s", "cpu_s_per_image", "peak_memory_mb", "model_mb",
    "cold_start_ms", "train_minutes",
)  # fmt: skip
Costs = Mapping[str, Mapping[str, Any]]
Drawn = NDArray[np.int64]


def bakeoff(
    candidates: Mapping[str, Sums],
    decisions: Mapping[str, Decision],
    classes: Sequence[ClassInfo],
    costs: Costs,
    params: EvaluateParams,
    refused: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The content of work/compare/compare.json.

    Args:
        candidates: what each measured on the same images.
        decisions: those that were asked of every image.
        costs: by candidate its entry of work/benchmark.json and `train_minutes`; what is not known may be missing.
        refused: candidates that do not compete, with the reason.

    Returns:
        decisions: by name: kind, tolerance, deadline_ms, frames_per_s; candidates (every figure of the decision,
            intervals, met, COSTS, cost_per_1000, deadline_met, frames_met, on_front); differences of each pair (a − b)
            in used part, error and accuracy; winner, why, nearest, simpler_is_enough and simpler: see `choice.choose`.
        quality: by candidate: the headline figures and their intervals. differences: of those, each pair.
        per_class: by class and candidate: figures of the class. refused: as given.

    Raises:
        IntegrityError: the candidates did not measure the same images, or were not asked the same decisions.
    """
    names = ordered(candidates)
    candidates = {name: candidates[name] for name in names}
    _check(candidates, decisions)
    groups = next(iter(candidates.values())).groups.tolist() if candidates else []
    drawn = draws(groups, params.replicates, params.seed, params.confidence)
    told = {
        name: _decision(name, decision, candidates, costs, drawn, params.confidence)
        for name, decision in decisions.items()
    }
    return {"decisions": told, **_quality(candidates, classes, drawn, params), "refused": dict(refused or {})}


def ordered(names: Mapping[str, Any] | Sequence[str]) -> list[str]:
    """The simplest first; names that are not in CANDIDATES last."""
    known: list[str] = list(CANDIDATES)
    return sorted(names, key=lambda name: (known.index(name) if name in known else len(known), name))


def _check(candidates: Mapping[str, Sums], decisions: Mapping[str, Decision]) -> None:
    remedy = "measure all of them again: `dvc repro evaluate`"
    first = next(iter(candidates.values()), None)
    for name, sums in candidates.items():
        if first is not None and sums.file_names.tolist() != first.file_names.tolist():
            raise IntegrityError("candidates measured on the same images", f"{name} on {len(sums)} others", remedy)
        if missing := sorted(set(decisions) - set(sums.asked)):
            raise IntegrityError(f"answers of {name} to every decision", f"none to {', '.join(missing)}", remedy)


def _decision(
    name: str,
    decision: Decision,
    candidates: Mapping[str, Sums],
    costs: Costs,
    drawn: Drawn,
    confidence: float,
) -> dict[str, Any]:
    replicates = {c: replicated(decision, sums.asked[name], drawn) for c, sums in candidates.items()}
    found = {
        c: {
            **decided(decision, sums.asked[name], drawn, confidence, replicates[c]),
            **costed(decision, costs.get(c, {})),
        }
        for c, sums in candidates.items()
    }
    keys = ("used", "error", "accuracy") if decision.action else ("used", "error")
    differences = _differences(found, replicates, keys, confidence)
    choice = choose(decision, [Entry.of(c, values, decision) for c, values in found.items()], differences)
    for c, values in found.items():
        values["on_front"] = c in choice["front"]
    return {
        "kind": decision.kind,
        "tolerance": in_words(decision),
        "deadline_ms": decision.operation.deadline_ms,
        "frames_per_s": decision.operation.frames_per_s,
        "hardware": decision.operation.hardware,
        "candidates": found,
        "differences": differences,
        **choice,
    }


def costed(decision: Decision, measured: Mapping[str, Any]) -> dict[str, Any]:
    """What a candidate costs in this decision's operation.

    cost_per_1000: of 1,000 images, in the currency of `cost_per_cpu_hour`. cost_per_day: of `images_per_day`.
    deadline_met: p95 within the deadline; frames_met: as many images per second as asked; None where nothing is asked
    or known.
    """
    operation, cpu = decision.operation, measured.get("cpu_s_per_image")
    per_image = None if cpu is None else cpu / 3600 * operation.cost_per_cpu_hour
    p95, rate = measured.get("p95_ms"), measured.get("images_per_s")
    asked, wanted = operation.deadline_ms, operation.frames_per_s
    return {
        **{key: measured.get(key) for key in COSTS},
        "cost_per_1000": _significant(per_image, 1000),
        "cost_per_day": _significant(per_image, operation.images_per_day),
        "deadline_met": None if asked is None or p95 is None else p95 <= asked,
        "frames_met": None if wanted is None or rate is None else rate >= wanted,
    }


def _significant(per_image: float | None, times: int) -> float | None:
    """Six digits that mean something, however cheap an image is."""
    return None if per_image is None else float(f"{per_image * times:.6g}")


def _differences(
    whole: Mapping[str, Mapping[str, Any]],
    replicates: Mapping[str, Replicates],
    keys: Sequence[str],
    confidence: float,
) -> list[dict[str, Any]]:
    """a − b of each pair and figure, with the interval of the paired differences; significant where it excludes 0."""
    out = []
    for a, b in combinations(whole, 2):
        for key in keys:
            first, second = whole[a].get(key), whole[b].get(key)
            pairs = (replicates[a].get(key, np.array([])), replicates[b].get(key, np.array([])))
            found = interval(np.subtract(*pairs), confidence)
            out.append(
                {
                    "a": a, "b": b, "figure": key,
                    "difference": None if first is None or second is None else number(first - second),
                    "interval": ends(found),
                    "significant": found is not None and (found[0] > 0 or found[1] < 0),
                }
            )  # fmt: skip
    return out


def _quality(
    candidates: Mapping[str, Sums], classes: Sequence[ClassInfo], drawn: Drawn, params: EvaluateParams
) -> dict[str, Any]:
    quality, replicates, per_class = {}, {}, {c.name: dict[str, Any]() for c in classes}
    for name, sums in candidates.items():
        ones = np.ones(len(sums), dtype=np.int64)
        values = [figures(sums, weights, full=False) for weights in drawn]
        replicates[name] = {key: np.array([v[key] for v in values]) for key in HEADLINES} if values else {}
        intervals = {key: ends(interval(v, params.confidence)) for key, v in replicates[name].items()}
        quality[name] = {**plain(figures(sums, ones)), "intervals": intervals}
        for k, c in enumerate(classes):
            per_class[c.name][name] = plain(figures(sums, ones, columns=[k], full=False))
    differences = _differences(quality, replicates, HEADLINES, params.confidence)
    return {"quality": quality, "differences": differences, "per_class": per_class}
