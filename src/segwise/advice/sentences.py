"""The verdict in sentences, each resting on a number of the evidence. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from segwise.advice.blocked import BLOCKED
from segwise.advice.entry import percent
from segwise.advice.evidence import APPROACHES, Ceiling, Evidence
from segwise.advice.params import AdviseParams
from segwise.advice.rules import BORDER_OFF, CERTAIN, NO_ANSWER, Verdict
from segwise.decision.limits import REACHED, in_unit

Numbers = Mapping[str, Any]
PERFECT = {
    "semantic": "a perfect class map, its connected components taken for objects",
    "hybrid": "a perfect class map, split by perfect centre, offset and distance heads",
    "instance": "a mask for every object, as far as mask resolution, box suppression and output cap let it through",
}
FLAT = {  # where no single objects are asked for
    "semantic": "a perfect class map",
    "hybrid": "the same class map",
    "instance": "a class map painted from perfect object masks",
}
VARIANTS = {  # what is told of them beside the approaches
    "semantic + watershed": "Cutting the perfect class map at its necks instead, with no head learned,",
    "semantic@stride2": "At the resolution of the network's output, a perfect class map",
    BORDER_OFF: "With every border drawn one pixel too far, a perfect class map",
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence and the numbers it rests on."""

    text: str
    numbers: Numbers

    def plain(self) -> dict[str, Any]:
        return {"text": self.text, "numbers": dict(self.numbers)}


def headline(evidence: Evidence, verdict: Verdict) -> str:
    """The recommendation in a few words."""
    name = verdict.recommend
    if name == NO_ANSWER:
        if verdict.nearest is None:
            return "The labels do not allow an answer"
        if verdict.grades[verdict.nearest] == "cannot":
            return f"No approach can meet this tolerance; {verdict.nearest} comes nearest"
        return f"The labels do not decide it yet; {verdict.nearest} comes nearest"
    if verdict.grades[name] == "tight":
        return f"{capital(name)}, and it will be tight: train and measure before you rely on it"
    if name == "cascade":
        return f"Cascade: {verdict.cheap} on every image, instance on about {percent(verdict.escalated or 0)} of them"
    if verdict.is_simpler_enough:
        return f"{capital(name)} can be enough; nothing dearer is needed"
    return "Instance is needed" if evidence.is_of_objects else "Instance comes out best"


def sentences(evidence: Evidence, verdict: Verdict, params: AdviseParams) -> list[Sentence]:
    """Why, most important first."""
    if verdict.blockers:
        return [Sentence(*BLOCKED[blocker](evidence, params)) for blocker in verdict.blockers]
    own = "instance" if verdict.recommend == "cascade" else verdict.recommend
    first = verdict.nearest if own == NO_ANSWER else own
    if first is None:
        return [Sentence("The decision's error is not defined on these labels.", {})]
    order = [first, *(a for a in APPROACHES if a != first and a in evidence.ceilings)]
    out = [of_ceiling(evidence, verdict, approach, params) for approach in order]
    out += [*_cascade(verdict, params), *_contact(evidence), *_variants(evidence), *_suspects(evidence)]
    return out


def of_ceiling(evidence: Evidence, verdict: Verdict, approach: str, params: AdviseParams) -> Sentence:
    """What an approach can do at best, and what follows."""
    c = evidence.ceilings[approach]
    who = f"{capital(approach)} at best ({(PERFECT if evidence.is_of_objects else FLAT)[approach]})"
    numbers = {"approach": approach, "error": c.error, "used": c.used, "low": c.low, "high": c.high}
    if not c.is_known:
        return Sentence(f"{who} has no defined error on these labels.", numbers)
    return Sentence(f"{who} {_leaves(evidence, c, params)} {_follows(verdict, approach, c, params)}", numbers)


def _leaves(evidence: Evidence, c: Ceiling, params: AdviseParams) -> str:
    if not c.error:
        return "makes no error at all."
    interval = ""
    if c.error_low is not None and c.error_high is not None:
        low, high = (in_unit(_key(evidence, c), end) for end in _rising(evidence, c))
        unit = next((u for u in (" %", " points") if high.endswith(u)), "")
        interval = f" ({percent(params.ceilings.confidence)} interval {low.removesuffix(unit)} to {high})"
    return f"{named(evidence, c)}{interval}, {part(c.used)} the tolerance."


def _rising(evidence: Evidence, c: Ceiling) -> tuple[float, float]:
    """The ends of the error's interval, the one first whose number is smaller as it is said."""
    low, high = float(c.error_low or 0.0), float(c.error_high or 0.0)
    return (high, low) if _key(evidence, c).startswith("min_") else (low, high)


def _key(evidence: Evidence, c: Ceiling) -> str:
    return c.key or next(iter(evidence.limits), "relative")


def named(evidence: Evidence, c: Ceiling) -> str:
    """What a ceiling leaves or reaches of the limit that decides, in that limit's unit."""
    key = _key(evidence, c)
    verb = "reaches" if key.startswith("min_") else "leaves"
    return f"{verb} {REACHED[key].format(in_unit(key, c.error or 0.0))}"


def part(used: float | None) -> str:
    """A part of the tolerance in words: `34 % of`, `1.4 times`."""
    used = float(used or 0.0)
    if 1 < used < 1.05:
        return "slightly more than"
    return f"{used:.2g} times" if used > 1 else f"{percent(used)} of"


def _follows(verdict: Verdict, approach: str, c: Ceiling, params: AdviseParams) -> str:
    grade, chosen = verdict.grades.get(approach), verdict.recommend
    if grade == "cannot":
        return "No training can make it meet it."
    if grade == "open":
        return "These images do not tell on which side of the tolerance that is."
    left = percent(1 - float(c.used or 0))
    if approach == ("instance" if chosen == "cascade" else chosen):
        if grade == "enough":
            return f"That leaves {left} of the tolerance for what a trained network adds."
        if verdict.loads.get(approach, math.inf) <= 1:  # the room is there, but a pixel of border takes it
            return "But a border drawn one pixel off weighs more than the tolerance, see below."
        return f"Possible, but that leaves only {left} of the tolerance for what a trained network adds."
    if chosen in APPROACHES and APPROACHES.index(approach) > APPROACHES.index(chosen):
        times = params.cost(approach) / params.cost(chosen)
        return f"Not needed: it took {times:.2g} times as long as {chosen} where both were measured."
    room = percent(1 - params.max_ceiling_used)
    return f"That leaves {left} of the tolerance for training, the rule asks for {room}: measure it too."


def _cascade(verdict: Verdict, params: AdviseParams) -> list[Sentence]:
    if verdict.saving is None or verdict.escalated is None:
        return []
    numbers = {"cheap": verdict.cheap, "escalated": verdict.escalated, "saving": verdict.saving}
    text = f"A cascade would have to ask instance about {percent(verdict.escalated)} of the images "
    text += f"(a trigger asks {params.trigger_excess:g} times as often as needed)"
    if verdict.recommend == "cascade":
        return [
            Sentence(f"{text}: {percent(verdict.saving)} of the cost of instance on every image are saved.", numbers)
        ]
    least = percent(params.min_saving)
    saved = f"saves {percent(verdict.saving)} of its cost" if verdict.saving > 0 else "costs more than it saves"
    return [Sentence(f"{text}: it {saved}, too little to be worth a second model ({least}).", numbers)]


def _contact(evidence: Evidence) -> list[Sentence]:
    contact = evidence.contact
    if not evidence.is_of_objects:
        return []
    text = f"{capital(percent(contact.touching))} of these objects touch another of their class, which is what a class "
    text += "map merges"
    if contact.overlapping or contact.hidden >= 0.01:
        text += f"; {percent(contact.overlapping)} of all objects share more than a tenth of their pixels with one of "
        text += f"their class, and {percent(contact.hidden)} of their pixels lie under other classes, which cut them"
    numbers = {"touching": contact.touching, "overlapping": contact.overlapping, "hidden": contact.hidden}
    return [Sentence(f"{text}.", numbers)]


def _variants(evidence: Evidence) -> list[Sentence]:
    """What a cut by shape, the network's stride and fuzzy borders make of the perfect class map, where that differs
    from it by more than a tenth of the tolerance."""
    own, out = evidence.ceilings.get("semantic"), []
    for name, words in VARIANTS.items():
        c = evidence.variants.get(name)
        if c is None or c.used is None or own is None or own.used is None or abs(c.used - own.used) < 0.1:
            continue
        if name == "semantic + watershed" and not evidence.is_of_objects:
            continue
        text = f"{words} {named(evidence, c)}, {part(c.used)} the tolerance."
        if name == BORDER_OFF and c.used > 1 and evidence.kind == "coverage":
            text += " Two people who draw a pixel apart disagree by more than it: no approach helps."
        out.append(Sentence(text, {"variant": name, "error": c.error, "used": c.used}))
    return out


def _suspects(evidence: Evidence) -> list[Sentence]:
    labels = evidence.labels
    number = sum(n for check, n in labels.faults.items() if check not in CERTAIN)
    if not evidence.is_of_objects or not number:
        return []
    words = ", ".join(f"{n} × {check}" for check, n in labels.faults.items() if check not in CERTAIN)
    share = percent(number / labels.num_labels)
    text = (
        f"The labels' check doubts whether {number:,} of them are single objects ({words}; {share}): their error is in "
    )
    return [Sentence(f"{text}every figure here, see work/labels/index.html.", {"suspects": number})]


def capital(text: str) -> str:
    """With a capital letter at its start."""
    return text[:1].upper() + text[1:]
