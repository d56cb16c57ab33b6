"""The content of advice.json: for every decision what could meet it, why, and what would change that; and what labels
cost. Pure: a rule set over measured ceilings (docs/decisions/0009)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segwise.advice.annotation import annotation
from segwise.advice.changes import changes, day_price, expected_ms, limits_at
from segwise.advice.evidence import APPROACHES, Evidence, gathered
from segwise.advice.label_facts import contact_of, label_facts
from segwise.advice.params import AdviseParams
from segwise.advice.rules import CONTRADICTING, recommend, switches
from segwise.advice.sentences import headline, sentences
from segwise.dataset.coco import Dataset
from segwise.decision.params import Decision

Plain = dict[str, Any]
DIGITS = 6


def advise(
    dataset: Dataset,
    decisions: Mapping[str, Decision],
    profile: Mapping[str, Any],
    ceilings: Mapping[str, Any],
    params: AdviseParams,
    faults: Mapping[str, int],
) -> Plain:
    """Advice on every decision.

    Args:
        profile, ceilings: the contents of profile.json and ceilings.json; decisions that ceilings do not hold are those
            whose classes cannot be counted. faults: labels by finding, `rows` of work/labels/summary.json.
    """
    megapixels = profile["sizes"]["image_megapixels"].get("mean", 0.0)
    found = {
        name: gathered(
            name,
            decision,
            label_facts(dataset, decision, faults),
            contact_of(decision, dataset.classes, profile),
            ceilings,
            megapixels,
        )
        for name, decision in decisions.items()
    }
    entries = {name: entry(evidence, params) for name, evidence in found.items()}
    advised = {name: e["recommend"] for name, e in entries.items()}
    budgets = {name: decision.operation.annotation_hours for name, decision in decisions.items()}
    return {
        "decisions": entries,
        "annotation": annotation(profile, ceilings, advised, budgets),
        "num_images": len(dataset.images),
        "confidence": params.ceilings.confidence,
        "reference": params.reference.model_dump(),
    }


def entry(evidence: Evidence, params: AdviseParams) -> Plain:
    """The advice on one decision as plain values."""
    verdict = recommend(evidence, params)
    sweep = switches(evidence, params) if verdict.blockers in ((), (CONTRADICTING,)) else []
    out: Plain = _plain(
        {
            "kind": evidence.kind,
            "tolerance": evidence.tolerance,
            "limits": dict(evidence.limits),
            "recommend": verdict.recommend,
            "nearest": verdict.nearest,
            "headline": headline(evidence, verdict),
            "simpler_is_enough": verdict.is_simpler_enough,
            "blockers": list(verdict.blockers),
            "grades": dict(verdict.grades),
            "sentences": [s.plain() for s in sentences(evidence, verdict, params)],
            "would_change": [c.plain() for c in changes(evidence, verdict, params)],
            "by_tolerance": [
                {"from": limits_at(evidence, factor) if factor else {}, "factor": factor, "recommend": name}
                for factor, name in sweep
            ],
            "ceilings": {
                a: {
                    "used": c.used,
                    "error": c.error,
                    "limit": c.key,
                    "used_interval": [c.low, c.high],
                    "error_interval": [c.error_low, c.error_high],
                    "load": verdict.loads.get(a),
                }
                for a, c in evidence.ceilings.items()
            },
            "expected": {
                a: {"p50_ms": expected_ms(evidence, a, params), "day_price": day_price(evidence, a, params)}
                for a in APPROACHES
            },
            "confidence": params.ceilings.confidence,
        }
    )
    return out


def _plain(value: Any) -> Any:
    """Numbers rounded, so that the file does not depend on the last bits of a sum."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return round(value, DIGITS) if isinstance(value, float) else value
