"""Requirement → test → result: what passes, what fails, what is not proven and what is not recorded."""

from __future__ import annotations

from typing import Any

import pytest

from segwise.proof import requirements as asked

CHECK = {"name": "min_f1", "limit": 0.75, "value": 0.8, "passed": False, "verdict": "inconclusive"}


def gate(**changes: Any) -> asked.Requirement:
    [row] = asked.of_gate({"approaches": {"a": {"checks": [{**CHECK, **changes}]}}}, "a")
    return row


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"verdict": "promote", "passed": True}, "pass"),
        ({"verdict": "hold"}, "fail"),
        ({"verdict": "inconclusive"}, "not proven"),
        ({"verdict": None, "passed": True}, "pass"),
        ({"verdict": None, "passed": False}, "fail"),
    ],
)
def test_a_check_of_the_gate_keeps_its_verdict(changes: dict[str, Any], expected: str) -> None:
    assert gate(**changes).result == expected


def test_a_check_is_told_with_its_part_its_bound_and_what_would_decide() -> None:
    row = gate(part="modality histology", bound=0.7, confidence=0.95, more_images=40)
    assert row.requirement == "F1 at IoU 0.5 on modality histology at least 0.75"
    assert row.value == "0.8; at worst 0.7 (95 % confidence); about 40 more images would decide"
    assert gate(name="max_coverage_error", value=None, limit=0.03).value == "no number"
    assert gate(name="max_coverage_error", limit=0.03).requirement == "coverage error at most 3.00 %"


@pytest.mark.parametrize(
    ("met", "expected"), [("met", "pass"), ("missed", "fail"), ("open", "not proven"), (None, "not proven")]
)
def test_a_decision_is_met_missed_or_open(met: str | None, expected: str) -> None:
    own = {"kind": "count", "tolerance": "within 10 %", "error": 0.08, "met": met, "intervals": {"error": [0.05, 0.11]}}
    [row] = asked.of_decisions({"num_images": 4, "num_groups": 2, "decisions": {"n": own}}, "a")
    assert (row.result, row.value) == (expected, "error 8.00 % (5.00 % to 11.00 %)")


def test_labels_with_an_error_fail_and_without_a_summary_nothing_is_recorded() -> None:
    assert asked.of_labels({"num_errors": 1}).result == "fail"
    assert asked.of_labels({"num_errors": 0}).result == "pass"
    assert asked.of_labels({}).result == "not recorded"


def test_a_link_that_must_not_cross_splits_fails_and_one_that_may_does_not() -> None:
    def leaks(severity: str, num_across: int) -> asked.Requirement:
        return asked.of_leaks({"links": {"tile": {"severity": severity, "num_across": num_across}}})

    assert [leaks("error", n).result for n in (0, 1)] == ["pass", "fail"]
    assert leaks("warning", 1).result == "not recorded"
    assert asked.of_leaks({}).result == "not recorded"


def test_a_trace_that_does_not_add_up_fails() -> None:
    assert asked.of_trace({"f1": 0.8}, {"f1": 0.8}).result == "pass"
    assert asked.of_trace({"f1": 0.8}, {"f1": 0.8002}).result == "fail"
    assert asked.of_trace({}, {"f1": 0.8}).result == "not recorded"
    assert asked.of_trace({"f1": 0.8}, {"f1": None}).result == "not recorded"


def test_criteria_frozen_after_the_test_split_was_opened_or_changed_since_fail() -> None:
    since = {"seq": 5, "kind": "run"}
    assert asked.of_freeze(since, [{"seq": 7}, {"seq": 6}], []).result == "pass"
    assert asked.of_freeze(since, [{"seq": 7}, {"seq": 4}], []).result == "fail"
    assert asked.of_freeze(since, [{"seq": 7}], ["gate.min_f1: 1 → 0"]).result == "fail"
    assert asked.of_freeze(since, [], []).result == "not recorded"
    assert asked.of_freeze(None, [{"seq": 7}], []).result == "not recorded"


def test_limits_the_package_and_the_log_are_judged_by_what_was_found() -> None:
    assert [asked.of_used(c).result for c in (None, [], ["x: 1 → 2"])] == ["not recorded", "pass", "fail"]
    assert [asked.of_package(*c).result for c in ((None, ""), ("d", ""), ("d", "other bytes"))] == [
        "not recorded",
        "pass",
        "fail",
    ]
    assert [asked.of_chain(*c).result for c in ((0, ""), (2, ""), (0, "record 1"))] == ["not recorded", "pass", "fail"]


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [("identical", "pass"), ("within noise", "pass"), ("different", "fail"), ("incomplete", "not proven")],
)
def test_a_reproduction_counts_for_its_own_commit_alone(verdict: str, expected: str) -> None:
    report = {"revision": "abc", "verdict": verdict, "outputs": []}
    assert asked.of_reproduction(report, "abc").result == expected
    assert asked.of_reproduction(report, "abd").result == "not recorded"
    assert asked.of_reproduction({}, "abc").result == "not recorded"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(None, "ms", "no number"), (0.0314, "%", "3.14 %"), (2500.0, "ms", "2,500.0 ms"),
     (1.234, "× tolerance", "1.23 × tolerance"), (0.78901, "fraction", "0.789")],
)  # fmt: skip
def test_a_number_is_told_in_the_gates_unit(value: float | None, unit: str, text: str) -> None:
    assert asked.number(value, unit) == text
