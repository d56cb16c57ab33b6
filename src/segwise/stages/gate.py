"""gate: hold every candidate's figures against the limits, at worst, and write the verdict. A refusal is no failure."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwise.decision.params import Decision
from segwise.errors import IntegrityError, UsageError
from segwise.evaluation.intervals import draws
from segwise.evaluation.replicates import USED, Replicates, replicated
from segwise.evaluation.slices import by_attribute
from segwise.evaluation.sums import Sums, read_sums
from segwise.gate import criteria
from segwise.gate.bounds import Sample
from segwise.gate.checks import MEASURES, limits_of
from segwise.gate.constant import why_constant
from segwise.gate.misses import used_at_most
from segwise.gate.params import GateParams
from segwise.gate.power import per_candidate, strength, weights_of
from segwise.gate.slices import Slice, enough
from segwise.gate.verdict import judge, worst_used
from segwise.spec import CANDIDATES, canonical_json, sha256_of

WORK = Path("work")
Weights = NDArray[np.int64]
Decisions = Mapping[str, Decision]
LINE_EVERY_S = 5.0
PRECISION = {"min_mask_ap", "min_mask_ap50"}
AREAS = ("miou", "foreground_iou")  # figures of pixels; the coverage error is one of images, all others of objects


def run(params: GateParams, decisions: Decisions | None = None) -> dict[str, Any]:
    """Write `work/gate/verdict.json` (names only: see docs/decisions/0003) and `work/gate/checks.json` (all values).

    Raises:
        IntegrityError: no candidate has been evaluated and timed, or one was not asked the decisions.
        UsageError: slices are asked for by an attribute that no test image has.
    """
    decisions = decisions or {}
    timings = _read(WORK / "benchmark.json").get("approaches", {})
    metrics: dict[str, dict[str, Any]] = {a: _read(WORK / "evaluate" / a / "metrics.json") for a in CANDIDATES}
    refused = {a: str(m["refused"]) for a, m in metrics.items() if m.get("refused")}
    measured = {a: read_sums(WORK / "evaluate" / a / "sums.npz") for a, m in metrics.items() if m and a not in refused}
    if not measured and not refused:
        raise IntegrityError(
            "metrics of at least one approach", "none in work/evaluate", "run `dvc repro` to produce them"
        )
    for approach, sums in measured.items():
        _check_asked(approach, sums, decisions)
        _check_slices(sums, params)
    alpha = per_candidate(params.alpha, len(measured))
    found = {a: _samples(a, sums, params, decisions, alpha) for a, sums in measured.items()}
    values = {a: {**_timed(timings.get(a, {})), **samples} for a, samples in found.items()}
    slices = {a: _slices(a, sums, params, alpha) for a, sums in measured.items()}
    constant = {a: why for a, s in measured.items() if (why := why_constant(s.pixels, s.counted[:, :, s.things]))}
    verdict = judge(values, params, {**refused, **constant}, slices)
    folder = WORK / "gate"
    folder.mkdir(parents=True, exist_ok=True)
    full = {**verdict.full(), "judged_by": _judged_by(params, decisions), "judged": {a: _sha256(a) for a in measured}}
    (folder / "checks.json").write_text(canonical_json(full), encoding="utf-8")
    (folder / "verdict.json").write_text(canonical_json(verdict.bare()), encoding="utf-8")
    return {**full, "summary": full["why"]}


def _judged_by(params: GateParams, decisions: Decisions) -> str:
    """The digest by which `promote` knows that the verdict is one by the limits that hold then."""
    asked = {name: decision.model_dump(mode="json") for name, decision in decisions.items()}
    return criteria.judged_by(criteria.of({"decision": asked, "gate": params.model_dump(mode="json")}))


def _sha256(approach: str) -> str:
    """Of the figures that it was judged on."""
    return sha256_of(WORK / "evaluate" / approach / "sums.npz")


def _timed(timing: Mapping[str, Any]) -> dict[str, float | None]:
    return {name: timing.get(measure.key) for name, measure in MEASURES.items() if not measure.is_sampled}


def _check_asked(approach: str, sums: Sums, decisions: Decisions) -> None:
    if missing := sorted(set(decisions) - set(sums.asked)):
        came = f"none to {', '.join(missing)}"
        raise IntegrityError(f"answers of {approach} to every decision", came, "measure again: `dvc repro evaluate`")


def _check_slices(sums: Sums, params: GateParams) -> None:
    """An attribute that no image has would make one slice of all images, and every limit on it a limit on the whole."""
    for key in params.slices.by if params.slices else ():
        if key not in sums.attributes:
            known = ", ".join(sorted(sums.attributes)) or "none"
            raise UsageError("an attribute of the test images", f"`{key}` in gate.slices.by", f"they have: {known}")


def _samples(approach: str, sums: Sums, params: GateParams, decisions: Decisions, alpha: float) -> dict[str, Sample]:
    """The candidate's figures on all test images by measure name, with their draws."""
    ones = np.ones(len(sums), dtype=np.int64)
    found = _replicates(approach, sums, params, decisions, ones, limits_of(params, approach))
    return {"tolerance_used": _used(sums, found, decisions, alpha), **_figures(sums, found, ones)}


def _replicates(
    label: str, sums: Sums, params: GateParams, decisions: Decisions, whole: Weights, limits: Iterable[str]
) -> Replicates:
    """The figures of the images in `whole` and of each draw of their groups; AP only where a limit is on it."""
    kept = np.flatnonzero(whole)
    counts = draws(sums.groups[kept].tolist(), params.replicates, params.seed)
    drawn = np.zeros((len(counts), len(sums)), dtype=np.int64)
    drawn[:, kept] = counts
    return replicated(sums, decisions, whole, _told(label, drawn), has_precision=not PRECISION.isdisjoint(limits))


def _told(label: str, drawn: Weights) -> Iterator[Weights]:
    """The draws; every few seconds a line on stderr says how many are done."""
    said = time.monotonic()
    for number, weights in enumerate(drawn):
        if (now := time.monotonic()) - said >= LINE_EVERY_S:
            said = now
            print(f"gate: {label}: draw {number}/{len(drawn)}", file=sys.stderr, flush=True)
        yield weights


def _figures(sums: Sums, found: Replicates, whole: Weights) -> dict[str, Sample]:
    """Each sampled measure but the decisions'."""
    names = [name for name, measure in MEASURES.items() if measure.is_sampled and name != "tolerance_used"]
    return {
        name: _sample(sums, found, MEASURES[name].key, _basis(sums, name) * whole, np.flatnonzero(whole))
        for name in names
    }


def _basis(sums: Sums, name: str) -> NDArray[np.float64]:
    """What a figure divides by in each image, by its labels, float64 (I,)."""
    if name == "coverage_error":
        return np.ones(len(sums))
    labelled = sums.pixels[:, 1:].sum(axis=(1, 2)) if name in AREAS else sums.counted[:, 0][:, sums.things].sum(axis=1)
    return np.asarray(labelled, dtype=np.float64)


def _sample(sums: Sums, found: Replicates, key: str, basis: NDArray[np.float64], kept: NDArray[np.int64]) -> Sample:
    num_groups, effective = strength(sums.groups[kept].tolist(), [basis[kept]])
    return Sample(found.value[key], found.draws[key], num_groups, len(kept), effective)


def _used(sums: Sums, found: Replicates, decisions: Decisions, alpha: float) -> Sample:
    """The used part of the tolerance of the worst decision, in all images and in each draw: every one must be kept."""
    if not decisions:
        return Sample(None)
    names = [USED + name for name in decisions]
    weights = [one for name, decision in decisions.items() for one in weights_of(decision, sums.asked[name])]
    num_groups, effective = strength(sums.groups.tolist(), weights)

    return Sample(
        worst_used(found.value[name] for name in names),
        np.max([found.draws[name] for name in names], axis=0),  # undefined where one of them is
        num_groups,
        len(sums),
        effective,
        _exact(sums, decisions, alpha),
    )


def _exact(sums: Sums, decisions: Decisions, alpha: float) -> Callable[[float], float] | None:
    """The largest of the exact bounds, of as many times the groups; None where no decision limits a share."""

    def bounds(times: float) -> list[float]:
        found = [used_at_most(d, sums.asked[name], sums.groups, alpha, times) for name, d in decisions.items()]
        return [bound for bound in found if bound is not None]

    return (lambda times: max(bounds(times))) if bounds(1.0) else None


def _slices(approach: str, sums: Sums, params: GateParams, alpha: float) -> list[Slice]:
    """The figures of each slice that limits are asked of; those that are too small to be judged without draws."""
    asked = params.slices.limits() if params.slices else {}
    if params.slices is None or not asked:
        return []
    parts = {f"{key} {value}": images for key in params.slices.by for value, images in by_attribute(sums, key).items()}
    wanted = enough(params.slices, alpha)
    return [_slice(f"{approach}, {part}", part, sums, params, images, asked, wanted) for part, images in parts.items()]


def _slice(
    label: str, part: str, sums: Sums, params: GateParams, images: NDArray[np.bool_], asked: Iterable[str], wanted: int
) -> Slice:
    whole = images.astype(np.int64)
    num_groups, _ = strength(sums.groups[images].tolist(), [_basis(sums, name[4:])[images] for name in asked])
    is_labelled = bool(sums.pixels[images, 1:].any())
    is_judged = num_groups >= wanted and is_labelled
    values = {}
    if is_judged:
        values = _figures(sums, _replicates(label, sums, params, {}, whole, asked), whole)
    return Slice(part, values, int(whole.sum()), num_groups, is_labelled)


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
