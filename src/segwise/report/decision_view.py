"""One decision of the bake-off → what its part of `compare.html.j2` shows. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from segwise.decision.params import Decision
from segwise.report import agreement, decision_words, front, kpi_rows, kpis
from segwise.report.agreement import Points
from segwise.report.causes import Case, Size
from segwise.report.kpis import said
from segwise.report.reconcile import Beside, beside
from segwise.report.worst import Shot

Values = Mapping[str, Any]
KINDS = {
    "count": "how many", "coverage": "how much of the image", "presence": "is there any", "itemize": "which ones",
    "track": "which one is which",
}  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """What the page is made of; an empty value where there is none.

    result: the content of compare.json. decisions: as stated in params.yaml. metrics: by candidate.
    advice, ceilings, cascade: the contents of advice.json, ceilings.json and the cascade's calibration.json.
    answers: (labelled, predicted) of every test image, by decision and candidate; of decisions about numbers.
    worst: a few of a candidate's worst images.
    device: on what the times were measured.
    """

    result: Values
    decisions: Mapping[str, Decision]
    metrics: Mapping[str, Values]
    advice: Values = field(default_factory=dict)
    ceilings: Values = field(default_factory=dict)
    cascade: Values = field(default_factory=dict)
    answers: Mapping[str, Mapping[str, Points]] = field(default_factory=dict)
    worst: Mapping[str, Sequence[Shot]] = field(default_factory=dict)
    device: str = ""


def scale_of(decision: Decision) -> tuple[front.Scale, str]:
    """The axis on which a decision's error is drawn, and the key of the figure on it.

    Where one limit holds for the error itself, the error; where several do, the part of the tolerance that is used up.
    """
    limits = {key: decision.limit(key) for key in ("relative", "absolute", "points", "min_f1", "min_accuracy")}
    stated = {key: value for key, value in limits.items() if value is not None}
    if decision.kind != "presence" and len(stated) == 1:
        ((key, value),) = stated.items()
        if key == "relative":
            return front.Scale("count error", "%", 100 * value), "error"
        if key == "points":
            return front.Scale("coverage error", "points", 100 * value), "error"
        if key == "min_f1":
            return front.Scale("1 − F1", "%", 100 * (1 - value)), "error"
    return front.Scale("part of the tolerance used up", "%", 100.0), "used"


def decision_view(name: str, found: Comparison) -> dict[str, Any]:
    result, decision = found.result["decisions"][name], found.decisions[name]
    scale, key = scale_of(decision)
    measured = result["candidates"]
    marks = [_mark(c, own, key, result.get("winner")) for c, own in measured.items() if own.get(key) is not None]
    curve = _curve(found.cascade, name, key, _cpu_s(measured.get("instance", {})))
    return {
        "name": name,
        "asks": f"{KINDS[decision.kind]}: {decision.kind} of {', '.join(decision.classes) or 'every class it can be'}",
        "action": decision.action,
        "tolerance": result["tolerance"],
        "winner": result.get("winner"),
        "why": result.get("why", ""),
        "simpler": decision_words.simpler(result.get("simpler") or {}, scale, key),
        "lead": _lead(result, decision),
        "forest": front.forest(marks, scale),
        "pareto": front.pareto([m for m in marks if m.cost > 0], scale, "CPU-seconds for 1,000 images", curve),
        "has_curve": bool(curve),
        "others": decision_words.others(result, decision, scale, key),
        "agreements": _agreements(found.answers.get(name, {})),
        "rows": _figures(result, list(found.metrics)),
        "beside": _beside(name, found),
    }


def cost_of(result: Values, candidate: str) -> dict[str, Any]:
    """What a candidate costs, the same for every decision but for its price: as the first one says."""
    decisions: Values = result["decisions"]
    first: Values = next((d["candidates"][candidate] for d in decisions.values() if candidate in d["candidates"]), {})
    return {**first, "cpu_s_per_1000": _cpu_s(first)}


def _agreements(answers: Mapping[str, Points]) -> list[tuple[str, str, str]]:
    largest = max((v for points in answers.values() for pair in points for v in pair), default=0.0)
    drawn = {c: points for c, points in answers.items() if points and largest > 0}
    return [(c, agreement.scatter(p, c, largest), agreement.bland_altman(p, c, largest)) for c, p in drawn.items()]


def _figures(result: Values, names: Sequence[str]) -> list[dict[str, Any]]:
    own = {c: result["candidates"].get(c, {}) for c in names}
    intervals = {c: v.get("intervals") or {} for c, v in own.items()}
    return kpis.table(kpi_rows.of_decision(result["kind"]), own, intervals, significant(result.get("differences", ())))


def _beside(name: str, found: Comparison) -> Beside:
    of_name = {c: own["decisions"].get(name, {}) for c, own in found.ceilings.get("candidates", {}).items()}
    one = next(iter(found.metrics.values()), {})
    size = Size(one.get("num_images") or 0, one.get("num_groups") or 0, found.ceilings.get("num_images") or 0)
    advice = found.advice.get("decisions", {}).get(name, {})
    result, refused = found.result["decisions"][name], found.result.get("refused", {})
    return beside(Case(found.decisions[name], result, of_name, refused, size), advice)


def _mark(name: str, own: Values, key: str, winner: str | None) -> front.Mark:
    low, high = (own.get("intervals") or {}).get(key) or (None, None)
    return front.Mark(
        name,
        _cpu_s(own) or 0.0,
        100 * own[key],
        None if low is None else (100 * low, math.inf if high is None else 100 * high),
        str(own.get("met") or "unknown"),
        name == winner,
        bool(own.get("on_front")),
    )


def _cpu_s(own: Values) -> float | None:
    """CPU-seconds of 1,000 images."""
    return None if own.get("cpu_s_per_image") is None else 1000 * float(own["cpu_s_per_image"])


def _lead(result: Values, decision: Decision) -> dict[str, str]:
    """The winner's figures for the head of the page; of the candidate nearest to the tolerance where nothing wins."""
    measured = result["candidates"]
    usable = [c for c in measured if measured[c].get("used") is not None]
    nearest = result.get("nearest") or min(usable, key=lambda c: measured[c]["used"], default=None)
    name = result.get("winner") or nearest
    if name is None:
        return {}
    own = measured[name]
    cost, cpu = own.get("cost_per_1000"), _cpu_s(own)
    return {
        "name": name,
        **decision_words.decisive(own, decision),
        "used": said(own.get("used"), "percent"),
        "p95": f"{own['p95_ms']:.0f} ms" if own.get("p95_ms") is not None else "",
        "cpu": f"{cpu:.0f} s" if cpu is not None else "",
        "cost": said(cost, "money") if cost is not None else "",
        "day": said(cost * decision.operation.images_per_day / 1000, "money") if cost is not None else "",
    }


def _curve(cascade: Values, name: str, key: str, instance_cpu_s: float | None) -> list[tuple[float, float]]:
    """(CPU-seconds of 1,000 images, error in percent) of the cascade at each rate of escalation, on validation; empty
    for another decision's cascade. Its costs are parts of the instance model's."""
    if cascade.get("decision") != name or not instance_cpu_s:
        return []
    points = [p for p in cascade.get("curve", ()) if p.get("cost") is not None and p.get(key) is not None]
    return [(instance_cpu_s * p["cost"], 100 * p[key]) for p in sorted(points, key=lambda p: float(p["rate"]))]


def significant(differences: Sequence[Values]) -> dict[tuple[str, str, str], bool]:
    """By (figure, candidate, other): whether their paired difference is beyond chance."""
    return {(d["figure"], d["a"], d["b"]): bool(d.get("significant")) for d in differences}
