"""The threshold of a cascade's trigger: a promised recall, held with confidence, and what it costs and saves. Pure.

The promise: of the groups of images with some that need the instance model (`needs`), at least `recall` have all of
those escalated, with `confidence`. Over groups, because images of one group are no independent evidence. A group is
as easy to catch as its hardest needing image; of n such scores the threshold is the (m + 1)-th lowest, so that m are
missed. The share beyond an order statistic has a Beta distribution whatever the scores are (Wilks 1941), which is the
exact lower bound of Clopper and Pearson (1934) for n − m of n: the threshold may be chosen by the data it is judged on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import betaincinv

from segwise.decision.limits import in_words
from segwise.decision.params import Decision
from segwise.evaluation.needs import Flags, Values, needs
from segwise.evaluation.worth import DIGITS, Evidence, Terms, curve, differences, rounded, saving, used_of


def lower_bound(caught: int, of: int, confidence: float) -> float:
    """The one-sided lower bound of a share of which `caught` of `of` were seen (Clopper and Pearson 1934)."""
    return float(betaincinv(caught, of - caught + 1, 1 - confidence)) if caught else 0.0


def groups_needed(recall: float, confidence: float) -> int:
    """The fewest groups that can bear the promise, if every one is caught: recall^n ≤ 1 − confidence."""
    return math.ceil(math.log(1 - confidence) / math.log(recall) - 1e-9)


def hardest(scores: Values, needing: Flags, groups: Sequence[str]) -> Values:
    """The lowest score of a needing image in each group that has one, ascending."""
    lowest: dict[str, float] = {}
    for group, score in zip(np.asarray(groups)[needing], scores[needing], strict=True):
        lowest[str(group)] = min(float(score), lowest.get(str(group), math.inf))
    return np.sort(np.array(list(lowest.values()), dtype=np.float64))


def threshold(hard: Values, recall: float, confidence: float) -> float | None:
    """The highest threshold (at or above it is escalated) that keeps the promise; None where none can.

    Args:
        hard: see `hardest`.
    """
    missed = -1
    while missed + 1 < hard.size and lower_bound(hard.size - missed - 1, hard.size, confidence) >= recall:
        missed += 1
    if missed < 0:
        return None
    lowest, whole = float(hard[missed]), float(hard[missed]) * 10**DIGITS
    return math.floor(whole) / 10**DIGITS if abs(whole) < 2**53 else lowest


def served(scores: Values) -> Values:
    """The scores as run time reads them: one that cannot be computed escalates, as if it were endless."""
    return np.where(np.isnan(scores), np.inf, scores)


def writable(at: float | None, scores: Values) -> float | None:
    """A threshold that a file can hold: above every finite score in place of ∞, none in place of −∞."""
    if at is None or at == -math.inf:
        return None
    finite = scores[np.isfinite(scores)]
    return at if math.isfinite(at) else float(np.nextafter(finite.max(), math.inf)) if finite.size else 0.0


def calibrate(decision: Decision, seen: Evidence, terms: Terms, cheap_name: str) -> dict[str, Any]:
    """Choose the threshold, tell what it is worth, and refuse with the reason where it is not worth it.

    Returns:
        threshold: None where no promise can be kept; refused: the reasons, None where the cascade pays;
        promise, needs, rate, saving: of the threshold; used, differences: the part of the tolerance that it and either
        model alone use up; curve: cost (of always asking the instance model alone = 1), decision error and used part
        from never to always, with intervals. All plain values.
    """
    seen = replace(seen, scores=served(seen.scores))
    needing = needs(decision, seen.cheap, seen.instance, terms.margin)
    hard = hardest(seen.scores, needing, seen.groups)
    fitted = None if seen.is_rule else writable(threshold(hard, terms.recall, terms.confidence), seen.scores)
    at = (0.5 if hard.size else None) if seen.is_rule else fitted
    caught = int((hard >= at).sum()) if at is not None else 0
    bound = lower_bound(caught, hard.size, terms.confidence)
    if seen.is_rule and bound < terms.recall:
        at = None
    escalated = np.zeros(len(seen.groups), dtype=bool) if at is None else ~(seen.scores < at)
    rate = float(escalated.mean())
    out: dict[str, Any] = {
        "num_images": len(seen.groups),
        "num_groups": len(set(seen.groups)),
        "needs": {"images": int(needing.sum()), "groups": int(hard.size)},
        "promise": {"recall": terms.recall, "confidence": terms.confidence, "caught": caught,
                    "lower_bound": rounded(bound)},
        "threshold": at,
        "rate": rounded(rate) if at is not None else None,
        "saving": rounded(saving(rate, terms.cost_ratio)) if at is not None else None,
        "cost_ratio": rounded(terms.cost_ratio),
        "used": used_of(decision, seen, escalated if at is not None else None),
        "differences": differences(decision, seen, escalated, terms) if at is not None else {},
        "curve": curve(decision, seen, terms),
    }  # fmt: skip
    return {**out, "refused": "; ".join(reasons(decision, out, terms, cheap_name)) or None}


def reasons(decision: Decision, found: dict[str, Any], terms: Terms, cheap_name: str) -> list[str]:
    """Why the cascade of `calibrate`'s figures should not be used, in words with the numbers; empty where it should."""
    needing, used, images = found["needs"], found["used"], found["num_images"]
    if not needing["images"]:
        words = f"on none of {images} validation images is {cheap_name} beyond the tolerance ({in_words(decision)})"
        return [f"no image needs it: {words} and instance better: use {cheap_name} alone"]
    out = []
    dearer = used["instance"] if found["threshold"] is None else used["cascade"]
    if dearer is not None and used["cheap"] is not None and dearer >= used["cheap"]:
        who = "instance is" if found["threshold"] is None else "the cascade is"
        words = f"it uses {100 * dearer:.0f} % of the tolerance against {100 * used['cheap']:.0f} %"
        out.append(f"{who} no better than {cheap_name} alone: {words}")
    if found["threshold"] is None:
        out.append(_unkept(found, terms))
    elif found["saving"] < terms.min_saving:
        part = f"{100 * abs(found['saving']):.0f} %"
        saved = f"costs {part} more than instance alone" if found["saving"] < 0 else f"saves {part} of instance's cost"
        words = f"{100 * found['rate']:.0f} % of the images are escalated, which {saved}"
        out.append(f"triggers are too common: {words}; at least {100 * terms.min_saving:.0f} % is asked for")
    return out


def _unkept(found: dict[str, Any], terms: Terms) -> str:
    groups, caught = found["needs"]["groups"], found["promise"]["caught"]
    promised = f"a recall of {terms.recall:g} cannot be promised with confidence {terms.confidence:g}"
    fewest = groups_needed(terms.recall, terms.confidence)
    if groups < fewest:
        best = lower_bound(groups, groups, terms.confidence)
        words = f"only {groups} groups of validation images need it and {fewest} are needed"
        return f"{promised}: {words} (with {groups}, all caught, the most is {best:.2f})"
    bound = found["promise"]["lower_bound"]
    return f"{promised}: the rule catches {caught} of {groups} groups, a lower bound of {bound:.2f}"
