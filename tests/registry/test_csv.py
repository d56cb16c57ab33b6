"""The events as a table that a spreadsheet opens."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from segwise.registry import audit
from tests.registry.events import add


def test_subject_and_details_are_json_with_sorted_keys_and_readable_letters(tmp_path: Path) -> None:
    event = add(tmp_path / "events.jsonl", "hold", {"z": "1", "digest": "a"}, details={"why": "zu ungenau für Zürich"})
    header, row = csv.reader(io.StringIO(audit.as_csv([event])))
    cells = dict(zip(header, row, strict=True))
    assert cells["subject"] == '{"digest": "a", "z": "1"}'
    assert cells["details"] == '{"why": "zu ungenau für Zürich"}'
