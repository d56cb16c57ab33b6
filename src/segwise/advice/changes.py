"""What would change the advice: tolerance, contact, more images, deadline, price. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from segwise.advice.entry import percent
from segwise.advice.evidence import Evidence
from segwise.advice.params import AdviseParams
from segwise.advice.rules import CONTRADICTING, NO_ANSWER, Verdict, recommend, scaled, switches
from segwise.advice.sentences import capital
from segwise.decision.limits import WORDS

BARRED = {  # by whether the labels contradict themselves by more than the room
    True: "labels that contradict themselves would weigh too much for an answer: correct them, work/labels/index.html.",
    False: "the ceiling itself would stand in the way; what training adds decides long before.",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that would change the answer: its key, its present value, and the value from which on it does."""

    text: str
    key: str
    value: Any
    to: Any

    def plain(self) -> dict[str, Any]:
        return {"text": self.text, "key": self.key, "value": self.value, "to": self.to}


def changes(evidence: Evidence, verdict: Verdict, params: AdviseParams) -> list[Change]:
    """Everything that would, the tolerance first."""
    if verdict.blockers == (CONTRADICTING,):  # a looser tolerance would bear them
        return [*_tolerance(evidence, verdict, params), *_proof(evidence, params)]
    if verdict.blockers:
        return _proof(evidence, params)
    return [
        *_tolerance(evidence, verdict, params),
        *_contact(evidence, verdict),
        *_groups(evidence, verdict),
        *_proof(evidence, params),
        *_time(evidence, verdict, params),
        *_price(evidence, verdict, params),
    ]


def limits_at(evidence: Evidence, factor: float) -> dict[str, float]:
    """Every tolerance `factor` times as wide; those that leave their range are left out."""
    wide = scaled(evidence, factor).limits
    return {k: v for k, v in wide.items() if not k.startswith("min_") or 0 < v < 1}


def _tolerance(evidence: Evidence, verdict: Verdict, params: AdviseParams) -> list[Change]:
    """The nearest tolerances on either side at which another candidate is recommended."""
    found = switches(evidence, params)
    wider = [(factor, name) for factor, name in found if factor > 1 and name != verdict.recommend]
    tighter = [(factor, before) for (_, before), (factor, _) in pairwise(found) if factor <= 1]
    out = []
    for factor, name in dict.fromkeys([*wider[:1], *wider[-1:]]):
        limits = limits_at(evidence, factor)
        is_enough = f"{name} is enough" if name in ("semantic", "hybrid") else f"the advice is {name}"
        if limits:
            text = f"{in_words(limits, looser=True)}, {is_enough}."
            out.append(Change(text, "tolerance", dict(evidence.limits), limits))
    for factor, name in tighter[-1:]:
        limits = limits_at(evidence, factor)
        words = in_words(limits, looser=False)
        text = f"{words}, the advice is {name}."
        if name == NO_ANSWER:
            barred = CONTRADICTING in recommend(scaled(evidence, factor * (1 - 1e-6)), params).blockers
            text = f"{words}, {BARRED[barred]}"
        out.append(Change(text, "tolerance", dict(evidence.limits), limits))
    return out


def in_words(limits: Mapping[str, float], *, looser: bool) -> str:
    """A condition in words, rounded to where what follows from it stays true: `With a tolerance of 9 % or more`."""
    kept = {key: rounded(value, looser != key.startswith("min_")) for key, value in limits.items()}
    words = ", ".join(WORDS[key](value) for key, value in kept.items())
    if any(key.startswith("min_") for key in limits):
        return f"If no more than {words} were asked" if looser else f"If more than {words} were asked"
    return f"With a tolerance of {words.removeprefix('within ')} or {'more' if looser else 'less'}"


def rounded(value: float, up: bool) -> float:
    """Two digits, up or down; of shares near 1 two digits of what lacks."""
    lacking = 1 - value if 0.9 < value < 1 else value
    step = 10.0 ** (math.floor(math.log10(lacking)) - 1)
    turned = math.ceil if up else math.floor
    return round(turned(round(value / step, 6)) * step, 12)


def _contact(evidence: Evidence, verdict: Verdict) -> list[Change]:
    """How few objects may touch for a class map to be enough, its error taken as proportional to the touching share;
    not where it is larger than that share, so that something else is behind it."""
    touching, load = evidence.contact.touching, verdict.loads.get("semantic", 0.0)
    semantic = evidence.ceilings.get("semantic")
    if semantic is None or not evidence.is_of_objects or load <= 1 or semantic.key in ("absolute", "min_accuracy"):
        return []
    if not 0 < (semantic.error or 0.0) <= touching:
        return []
    to = touching / load
    text = f"If about {percent(to)} of the objects touched instead of {percent(touching)}, semantic would be enough "
    return [Change(f"{text}(its error taken as proportional to that share).", "touching_share", touching, round(to, 6))]


def _groups(evidence: Evidence, verdict: Verdict) -> list[Change]:
    """How many groups would tell on which side of the tolerance the nearest approach is: intervals narrow with √n."""
    c = evidence.ceilings.get(verdict.nearest or "")
    if verdict.recommend != NO_ANSWER or c is None or c.used is None or c.low is None or c.high is None:
        return []
    gap, half = abs(1 - c.used), (c.high - c.used if c.used <= 1 else c.used - c.low)
    if not gap or not c.low <= 1 <= c.high:
        return []
    to = math.ceil(evidence.labels.num_groups * (half / gap) ** 2)
    now = evidence.labels.num_groups
    text = f"Labels of about {to:,} groups of images instead of {now:,} would tell on which side of the tolerance "
    return [Change(f"{text}{verdict.nearest} is.", "num_groups", now, to)]


def _proof(evidence: Evidence, params: AdviseParams) -> list[Change]:
    """Presence: the independent images that a test needs so that it can prove the promised rates at all."""
    if evidence.kind != "presence":
        return []
    confidence, labels, out = params.ceilings.confidence, evidence.labels, []
    sides = {"min_sensitivity": (labels.groups_with, "with"), "min_specificity": (labels.groups_without, "without")}
    for key, (number, word) in sides.items():
        if evidence.limits.get(key) == 1:
            text = f"No test can prove {WORDS[key](1)}: a mistake that none of its images shows is always possible. "
            out.append(Change(f"{text}Ask for what one can, such as 0.99.", f"tolerance.{key}", 1.0, 0.99))
        needed = proof(evidence.limits.get(key, 0.0), confidence)
        if number < needed:
            text = f"To prove {WORDS[key](evidence.limits[key])} ({percent(confidence)} confidence) a test needs "
            text += f"{needed:,} independent groups of images {word} it and not one mistake; all labels together hold "
            out.append(Change(f"{text}{number:,}.", f"groups_{word}", number, needed))
    return out


def proof(limit: float, confidence: float) -> int:
    """Trials without a single mistake whose exact interval of this confidence lies above `limit`: limit^n ≤ half of
    1 − confidence (Clopper and Pearson 1934; the rule of three: Hanley and Lippman-Hand 1983)."""
    return math.ceil(round(math.log((1 - confidence) / 2) / math.log(limit), 9)) if 0 < limit < 1 else 0


def expected_ms(evidence: Evidence, approach: str, params: AdviseParams) -> float:
    """p50 of one image on one thread of the reference machine, milliseconds: its time there, by the pixels."""
    reference = params.reference
    return reference.ms(approach) * evidence.megapixels * 1e6 / reference.side_px**2


def _time(evidence: Evidence, verdict: Verdict, params: AdviseParams) -> list[Change]:
    name = "instance" if verdict.recommend == "cascade" else verdict.recommend  # escalated images wait longest
    if name == NO_ANSWER:
        return []
    p50, out = expected_ms(evidence, name, params), []
    p95 = p50 * params.reference.p95_factor
    estimate = f"an estimate: {params.reference.ms(name):g} ms for {params.reference.side_px}² pixels on one thread of "
    estimate += f"another machine, and {evidence.megapixels:.2g} megapixels an image here"
    if evidence.deadline_ms is not None:
        breaks = "would break" if p95 > evidence.deadline_ms else "should keep"
        text = (
            f"{capital(name)} {breaks} the deadline of {evidence.deadline_ms:g} ms: {p95:,.0f} ms at p95 ({estimate})."
        )
        out.append(Change(text, "operation.deadline_ms", evidence.deadline_ms, round(p95, 1)))
    if evidence.frames_per_s is not None:
        cores = math.ceil(round(evidence.frames_per_s * p50 / 1000, 9))
        text = (
            f"{evidence.frames_per_s:g} frames a second would keep about {cores} cores busy with {name} ({estimate})."
        )
        out.append(Change(text, "operation.frames_per_s", evidence.frames_per_s, round(1000 / p50, 2)))
    return out


def _price(evidence: Evidence, verdict: Verdict, params: AdviseParams) -> list[Change]:
    """What the dearer approaches would cost more on a day, where something simpler is enough."""
    if not verdict.is_simpler_enough:
        return []
    own, dear = (day_price(evidence, name, params) for name in (verdict.recommend, "instance"))
    text = f"For {evidence.images_per_day:,} images a day instance would cost about {dear:,.2g} instead of {own:,.2g} "
    text += f"(at {evidence.price:g} a CPU hour, an estimate). Where that hardly matters, train both and measure."
    return [Change(text, "operation.cost_per_cpu_hour", evidence.price, None)]


def day_price(evidence: Evidence, approach: str, params: AdviseParams) -> float:
    """What a day's images cost, in the currency of `cost_per_cpu_hour`."""
    return evidence.images_per_day * expected_ms(evidence, approach, params) / 3.6e6 * evidence.price
