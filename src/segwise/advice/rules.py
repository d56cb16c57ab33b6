"""The rules: evidence → which approach, and why. Pure; the words are in `sentences`.

An approach's load is what its ceiling uses of the room that a ceiling may use; at a load of 1 it just fits. Loads are
proportional to 1 / tolerance, so that the order of approaches does not depend on it: a looser tolerance never asks for
a dearer approach. The rule is: the cheapest approach with a load of at most 1; where there is none, the one with the
smallest load, as long as its interval lies within the tolerance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from segwise.advice.evidence import APPROACHES, Ceiling, Evidence
from segwise.advice.params import AdviseParams
from segwise.evaluation.intervals import fewest_groups

NO_ANSWER = "no answer"
Grade = Literal["enough", "tight", "open", "cannot", "unknown"]
Blocker = Literal["not countable", "no labels", "class masks", "one side", "contradicting labels", "few groups"]
COSTS = (*APPROACHES[:2], "cascade", APPROACHES[2], NO_ANSWER)  # from the cheapest to the dearest
BORDER_OFF = "semantic, border off"  # a variant of ceilings.json
CONTRADICTING: Literal["contradicting labels"] = "contradicting labels"
CERTAIN = ("duplicate object", "two classes")  # findings that are contradictions, not suspicions


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say of one decision.

    Attributes:
        recommend: a candidate, or NO_ANSWER.
        nearest: the approach with the smallest load; None where no ceiling is known.
        grades: `enough` fits with room; `tight` is within the tolerance without it; `open`: its interval holds the
            tolerance; `cannot`: even perfect output misses it.
        loads: by approach, see above. blockers: why the labels allow no answer.
        cheap, escalated, saving: of the best cascade, worth it or not: its cheap side, the share of the images it asks
            `instance` about, and what it saves of the cost of `instance`. None where something cheaper fits.
    """

    recommend: str
    nearest: str | None = None
    grades: Mapping[str, Grade] = field(default_factory=dict)
    loads: Mapping[str, float] = field(default_factory=dict)
    blockers: tuple[Blocker, ...] = ()
    cheap: str | None = None
    escalated: float | None = None
    saving: float | None = None

    @property
    def is_simpler_enough(self) -> bool:
        """Whether something simpler than the dearest approach meets the decision with room."""
        return self.recommend != APPROACHES[-1] and self.grades.get(self.recommend) == "enough"


def recommend(evidence: Evidence, params: AdviseParams) -> Verdict:
    """The cheapest candidate that could meet the decision with room for a trained network's own error."""
    if found := blockers(evidence, params):
        return Verdict(NO_ANSWER, blockers=found)
    return judged(evidence, params)


def judged(evidence: Evidence, params: AdviseParams) -> Verdict:
    """The same by the ceilings alone, whatever speaks against the labels."""
    known = {a: c for a, c in evidence.ceilings.items() if c.is_known}
    grades = {a: grade(known.get(a), params) for a in evidence.ceilings}
    if not known:
        return Verdict(NO_ANSWER, grades=grades)
    loads = shared_loads({a: load(c, params) for a, c in known.items()}, params.same_within)
    nearest = min(loads, key=lambda a: (loads[a], APPROACHES.index(a)))
    fitting = [a for a in APPROACHES if loads.get(a, math.inf) <= 1]
    if not fitting:
        tight = [a for a in APPROACHES if loads.get(a) == loads[nearest] and grades[a] == "tight"]
        return Verdict(tight[0] if tight else NO_ANSWER, nearest, grades, loads)
    verdict = Verdict(fitting[0], nearest, {**grades, **_room(fitting, evidence)}, loads)
    return with_cascade(verdict, evidence, params) if fitting[0] == "instance" else verdict


def _room(fitting: Sequence[str], evidence: Evidence) -> dict[str, Grade]:
    """Of what fits: `tight` where a border one pixel off already breaks the decision, whatever the approach."""
    border = evidence.variants.get(BORDER_OFF)
    is_fuzzy = evidence.kind == "coverage" and border is not None and border.is_known and float(border.used or 0) > 1
    return dict.fromkeys(fitting, "tight" if is_fuzzy else "enough")


def load(ceiling: Ceiling, params: AdviseParams) -> float:
    """What a ceiling uses of the room it may use, or, where that is more, the upper end of its interval of the whole
    tolerance: ≤ 1 = it fits, and the labels show that it does."""
    used = float(ceiling.used or 0.0)
    return max(used / params.max_ceiling_used, used if ceiling.high is None else ceiling.high)


def shared_loads(loads: Mapping[str, float], same_within: float) -> dict[str, float]:
    """The load of a cheaper approach that is at most `same_within` above a dearer one's is taken as equal to it."""
    order, out = [a for a in APPROACHES if a in loads], dict(loads)
    for index, approach in enumerate(order):
        dearer = [loads[a] for a in order[index + 1 :] if loads[approach] <= loads[a] * (1 + same_within)]
        out[approach] = min([loads[approach], *dearer])
    return out


def grade(ceiling: Ceiling | None, params: AdviseParams) -> Grade:
    """How a ceiling stands to the tolerance."""
    if ceiling is None or ceiling.used is None:
        return "unknown"
    if load(ceiling, params) <= 1:
        return "enough"
    low, high = (ceiling.used if v is None else v for v in (ceiling.low, ceiling.high))
    return "cannot" if low > 1 else "tight" if high <= 1 and ceiling.used <= 1 else "open"


def with_cascade(verdict: Verdict, evidence: Evidence, params: AdviseParams) -> Verdict:
    """Only `instance` fits: a cheap approach before it, where few images hold the cheap one's errors."""
    options = []
    for cheap, curve in evidence.handed_on.items():
        needing = [share for share, used in curve if share > 0 and used <= params.max_ceiling_used]
        escalated = min(min(needing, default=1.0) * params.trigger_excess, 1.0)
        options.append((1 - escalated - params.cost(cheap) / params.cost("instance"), cheap, escalated))
    if not options:
        return verdict
    saving, cheap, escalated = max(options)
    is_worth = saving >= params.min_saving
    grades = {**verdict.grades, "cascade": verdict.grades["instance"]} if is_worth else verdict.grades
    chosen = "cascade" if is_worth else verdict.recommend
    return replace(verdict, recommend=chosen, grades=grades, cheap=cheap, escalated=escalated, saving=saving)


def blockers(evidence: Evidence, params: AdviseParams) -> tuple[Blocker, ...]:
    """What keeps the labels from allowing any answer."""
    labels = evidence.labels
    if labels.missing:
        return ("not countable",)
    if not labels.num_labels or any(labels.per_class.get(name) == 0 for name in evidence.named):
        return ("no labels",)
    found: list[Blocker] = []
    if evidence.is_of_objects and labels.most_per_image <= 1 and labels.parts_per_label >= 2:
        found.append("class masks")
    sides = {"min_sensitivity": labels.positives, "min_specificity": labels.negatives}
    if evidence.kind == "presence" and any(not number for key, number in sides.items() if key in evidence.limits):
        found.append("one side")
    if evidence.is_of_objects and contradiction(evidence) > params.max_ceiling_used:
        found.append(CONTRADICTING)
    if labels.num_groups < fewest_groups(params.ceilings.confidence):
        found.append("few groups")
    return tuple(found)


def contradiction(evidence: Evidence) -> float:
    """The part of the tolerance that labels which contradict each other use up; 0 where it is not of single objects."""
    labels, limits = evidence.labels, evidence.limits
    number = sum(labels.faults.get(check, 0) for check in CERTAIN)
    share = number / max(labels.num_labels, 1)
    parts = [share / limits["relative"]] if limits.get("relative") else []
    parts += [number / max(labels.num_images, 1) / limits["absolute"]] if limits.get("absolute") else []
    parts += [share / (1 - limits["min_f1"])] if limits.get("min_f1", 1.0) < 1 else []
    return min(parts, default=0.0)


def scaled(evidence: Evidence, factor: float) -> Evidence:
    """The same evidence with every tolerance `factor` times as wide."""
    limits = {k: 1 - (1 - v) * factor if k.startswith("min_") else v * factor for k, v in evidence.limits.items()}
    ceilings, variants = (
        {name: c.scaled(factor) for name, c in found.items()} for found in (evidence.ceilings, evidence.variants)
    )
    handed_on = {a: tuple((share, used / factor) for share, used in c) for a, c in evidence.handed_on.items()}
    return replace(evidence, limits=limits, ceilings=ceilings, variants=variants, handed_on=handed_on)


def switches(evidence: Evidence, params: AdviseParams) -> list[tuple[float, str]]:
    """The recommendation by tolerance: (factor from which on, recommendation), from the tightest on; the first is at 0.

    Exact: a recommendation can only change where a load, an end of an interval, the rest that a cascade leaves or the
    labels' contradictions reach their limit.
    """
    loads = judged(evidence, params).loads
    ends = [v for c in evidence.ceilings.values() for v in (c.used, c.low, c.high) if v is not None]
    handed = [used / params.max_ceiling_used for curve in evidence.handed_on.values() for _, used in curve]
    barred = [contradiction(evidence) / params.max_ceiling_used] if evidence.is_of_objects else []
    places = sorted({v for v in (*loads.values(), *ends, *handed, *barred) if 1e-9 < v < math.inf})
    out = [(0.0, recommend(scaled(evidence, (places[0] if places else 1.0) / 2), params).recommend)]
    for place in places:
        then = recommend(scaled(evidence, place * (1 + 1e-9)), params).recommend
        if then != out[-1][1]:
            out.append((place, then))
    return out
