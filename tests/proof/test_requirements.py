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
def test_a_reproduction_counts_for_its_own_run_alone(verdict: str, expected: str) -> None:
    report = {"dvc_lock_sha256": "abc", "verdict": verdict, "outputs": []}
    assert asked.of_reproduction(report, "abc").result == expected
    for other, lock in ((report, "abd"), (report, None), ({}, "abc"), ({}, None), ({"verdict": "identical"}, None)):
        assert asked.of_reproduction(other, lock).result == "not recorded"


@pytest.mark.parametrize(("verdict", "expected"), [("identical", "not proven"), ("different", "fail")])
def test_a_reproduction_of_some_stages_proves_nothing_of_the_run(verdict: str, expected: str) -> None:
    report = {"dvc_lock_sha256": "a", "verdict": verdict, "outputs": [1], "left_out": ["train@dense", "gate"]}
    row = asked.of_reproduction(report, "a")
    assert row.result == expected
    assert row.value == f"{verdict}, 1 outputs compared; not run again: train@dense, gate"


ROW = {"part": "quality", "name": "f1", "words": "F1 at IoU 0.5", "unit": "fraction", "verdict": "promote",
       "champion": 0.8, "challenger": 0.81, "difference": 0.01, "interval": [-0.005, 0.03], "limit": 0.02}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "words", "value"),
    [
        ({}, "F1 at IoU 0.5: worse than the champion's by at most 0.02",
         "challenger 0.81; champion 0.8; difference 0.01 (-0.005 to 0.03)"),
        ({"part": "latency", "name": "slowdown", "unit": "×", "champion": 60.0, "challenger": 63.0, "difference": 1.05,
          "interval": None, "limit": 1.15}, "F1 at IoU 0.5: at most 1.15 ×",
         "challenger 63.0 ms; champion 60.0 ms; difference 1.05 ×"),
        ({"part": "parity", "name": "parity.masks", "champion": None, "difference": None, "limit": 0.99},
         "F1 at IoU 0.5: at least 0.99", "challenger 0.81"),
        ({"part": "identity", "unit": "", "champion": None, "challenger": 0.0, "difference": None, "limit": 0.0},
         "F1 at IoU 0.5", "none differs"),
        ({"part": "identity", "unit": "", "champion": None, "challenger": 3.0, "difference": None, "limit": 0.0},
         "F1 at IoU 0.5", "3 differ"),
    ],
)  # fmt: skip
def test_what_a_promotion_was_held_against_is_told_in_its_unit(changes: dict[str, Any], words: str, value: str) -> None:
    [row] = asked.of_promotion({"checks": [{**ROW, **changes}]})
    assert (row.requirement, row.value, row.result) == (words, value, "pass")
    [row] = asked.of_promotion({"checks": [{**ROW, **changes, "verdict": "inconclusive"}]})
    assert row.result == "not proven"


def test_golden_images_are_a_requirement_and_without_a_promotion_there_is_none() -> None:
    [row] = asked.of_promotion({"golden": "5 golden images answered as recorded, byte for byte"})
    assert (row.result, row.value) == ("pass", "5 golden images answered as recorded, byte for byte")
    assert asked.of_promotion({}) == []


def test_of_a_past_run_the_checks_are_those_that_the_package_names() -> None:
    checks = [{"name": "min_f1", "passed": True, "verdict": "promote"}, {"name": "slices", "passed": False}]
    first, second = asked.of_manifest(checks, {"min_f1": 0.75})
    assert (first.requirement, first.result) == ("F1 at IoU 0.5 at least 0.75", "pass")
    assert (second.requirement, second.result) == ("slices", "fail")
    assert first.value == "the value is not kept"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(None, "ms", "no number"), (0.0314, "%", "3.14 %"), (2500.0, "ms", "2,500.0 ms"),
     (1.234, "× tolerance", "1.23 × tolerance"), (0.78901, "fraction", "0.789")],
)  # fmt: skip
def test_a_number_is_told_in_the_gates_unit(value: float | None, unit: str, text: str) -> None:
    assert asked.number(value, unit) == text
