"""Findings are told as counts, as a table and as JSON."""

from __future__ import annotations

import json

from segwise.dataset.finding import Finding
from segwise.labels import findings

FOUND = [
    Finding("overlap", "warning", "b.png", 7, "20 px", "draw them apart"),
    Finding("file missing", "error", "a.png", None, "no such file", "restore it"),
    Finding("drift", "warning", None, None, "brighter", "look", "approximated"),
    Finding("overlap", "warning", "a.png", "shape 3", "3 px", "draw them apart"),
]


def test_the_table_has_a_row_per_finding_in_the_order_given() -> None:
    table = findings.table(FOUND)
    assert list(table.columns) == ["check", "severity", "image", "object_id", "came", "remedy", "effect"]
    assert table["image"].tolist() == ["b.png", "a.png", "", "a.png"]
    assert table["object_id"].tolist() == ["7", "", "", "shape 3"]
    assert table["effect"].tolist() == ["", "", "approximated", ""]


def test_the_table_of_no_findings_has_the_same_columns_and_types() -> None:
    empty, some = findings.table([]), findings.table(FOUND)
    assert len(empty) == 0
    assert empty.dtypes.to_dict() == some.dtypes.to_dict()


def test_counts_are_by_severity_and_by_check() -> None:
    counted = findings.counts(FOUND)
    assert (counted["num_errors"], counted["num_warnings"]) == (1, 3)
    assert counted["findings"] == {"drift": 1, "file missing": 1, "overlap": 2}


def test_json_holds_every_field() -> None:
    rows = json.loads(findings.as_json(FOUND))
    assert rows[0] == {
        "check": "overlap", "severity": "warning", "image": "b.png", "object_id": 7, "came": "20 px",
        "remedy": "draw them apart", "effect": "",
    }  # fmt: skip
