"""Frozen criteria: one digest, and the names of what was changed."""

from __future__ import annotations

import hashlib

from segwise.gate import criteria
from segwise.spec import canonical_json

PARAMS = {
    "decision": {"n": {"kind": "count", "classes": [], "zones": {}, "tolerance": {"relative": 0.1}}},
    "evaluate": {"replicates": 1000},
    "gate": {"min_f1": 0.75, "margins": {"f1": 0.02}, "slices": None},
    "promote": {"max_slowdown": 1.15},
    "train": {"lr": 0.1},
}


def test_the_criteria_are_the_four_sections_and_nothing_else() -> None:
    found = criteria.of(PARAMS)
    assert found == {name: PARAMS[name] for name in ("decision", "evaluate", "gate", "promote")}
    assert criteria.of({"gate": {"by": ("a", "b")}}) == {"gate": {"by": ["a", "b"]}}
    assert criteria.digest(found) == hashlib.sha256(canonical_json(found).encode()).hexdigest()


def test_the_digest_does_not_depend_on_the_order_and_changes_with_any_value() -> None:
    found = criteria.of(PARAMS)
    assert criteria.digest(dict(reversed(found.items()))) == criteria.digest(found)
    assert criteria.digest({**found, "evaluate": {"replicates": 1001}}) != criteria.digest(found)


def test_nothing_changed_has_no_line() -> None:
    assert criteria.changed(criteria.of(PARAMS), criteria.of(PARAMS)) == []


def test_each_changed_key_is_named_with_both_values() -> None:
    now = {
        "decision": {
            "n": {"kind": "count", "classes": ["a"], "zones": {"left": [[0, 0]]}, "tolerance": {"relative": 0.2}}
        },
        "evaluate": {"replicates": 1000},
        "gate": {"min_f1": 0.7, "margins": {}, "slices": {"min_f1": 0.5}, "seed": 1},
        "promote": {"max_slowdown": 1.15},
    }
    assert criteria.changed(PARAMS | {"train": {}}, now | {"train": {}}) == [
        'decision.n.classes: [] → ["a"]',
        "decision.n.tolerance.relative: 0.1 → 0.2",
        "decision.n.zones: {} → not set",
        "decision.n.zones.left: not set → [[0, 0]]",
        "gate.margins: not set → {}",
        "gate.margins.f1: 0.02 → not set",
        "gate.min_f1: 0.75 → 0.7",
        "gate.seed: not set → 1",
        "gate.slices: null → not set",
        "gate.slices.min_f1: not set → 0.5",
    ]


def test_values_are_told_as_they_are_written_whatever_their_order() -> None:
    assert criteria.changed({"decision": {}}, {"decision": {"µ": [{"b": 1, "a": "é"}]}}) == [
        "decision: {} → not set",
        'decision.µ: not set → [{"a": "é", "b": 1}]',
    ]
    one, other = {"decision": {"n": [{"a": 1, "b": 2}]}}, {"decision": {"n": [{"b": 2, "a": 1}]}}
    assert criteria.changed(one, other) == []


def test_a_removed_section_is_named_key_by_key() -> None:
    assert criteria.changed({"evaluate": {"seed": 0}}, {}) == ["evaluate.seed: 0 → not set"]


def test_a_section_that_was_no_criterion_when_they_were_frozen_is_not_compared() -> None:
    before = {"gate": {"min_f1": 0.7}}
    assert criteria.changed(before, {"gate": {"min_f1": 0.7}, "promote": {"max_slowdown": 9}}) == []
    assert criteria.changed(
        {**before, "promote": {"max_slowdown": 1.15}}, {**before, "promote": {"max_slowdown": 9}}
    ) == ["promote.max_slowdown: 1.15 → 9"]


def test_what_the_gate_judges_by_is_the_decisions_and_its_limits() -> None:
    found = criteria.of(PARAMS)
    same = {**found, "evaluate": {"replicates": 3}, "promote": {}}
    assert criteria.judged_by(same) == criteria.judged_by(found)
    for section in ("decision", "gate"):
        assert criteria.judged_by({**found, section: {"n": {"kind": "coverage"}}}) != criteria.judged_by(found)
