"""The dossier's page: it stands alone, it says what is missing, and it shows every number that it is given."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from segwise.proof.facts import STATEMENT
from segwise.report import dossier_page
from segwise.report.worst import Shot
from tests.report.html import outside

EVENT = {"seq": 3, "at": "2024-01-02T03:04:05+00:00", "kind": "approval", "actor": "grace", "reason": "<looked> at it",
         "git_revision": "f" * 40, "sha256": "e" * 64, "about": "digest abc"}  # fmt: skip
SHOT = Shot(
    "worst.png", "data:image/webp;base64,AA", (20, 10), "M0 0l1 1z", "M1 1l2 2z", "", "", "", (7, 2, 1), ("said",), 0.5
)
FILES = {name: {"sha256": "a" * 64, "bytes": 1234} for name in ("trace.csv", "criteria.json", "sbom.cdx.json")}
FACTS: dict[str, Any] = {
    "about": {"name": "3-abc", "approach": "hybrid", "digest": "d" * 64, "commit": "f" * 40, "at": "2024-01-02",
              "event": EVENT, "uncommitted": ["src/x.py"], "why": "the cheapest"},
    "statement": STATEMENT,
    "criteria": {
        "sections": {
            "decision": {"cells": {"kind": "count", "classes": ["cell"], "tolerance": {"relative": 0.1}, "action": ""}},
            "gate": {"min_f1": 0.75, "per_approach": {"instance": {"max_p95_ms": 9.0}}, "unset": None},
        },
        "sha256": "1" * 64, "frozen_sha256": "2" * 64, "frozen_at": "2024-01-01", "frozen_by": "event 1 (run), ada",
        "changes": ["gate.min_f1: 0.75 → 0.7"],
    },
    "requirements": [
        {"requirement": "F1 at least 0.75", "test": "gate, check `min_f1`", "value": "0.9", "result": "pass",
         "evidence": "trace.csv"},
        {"requirement": "the run can be repeated", "test": "verify-repro", "value": "", "result": "not recorded",
         "evidence": "work/repro/report.json"},
    ],
    "data": {"revision": "5" * 32, "labels": {"num_errors": 0, "num_warnings": 2, "num_accepted": 1, "num_images": 12,
             "num_objects": 60, "findings": {"rim": 2}}, "split": {"test": {"images": 4, "groups": 2}},
             "method": "given", "num_left_out": 0,
             "links": {"tile": {"severity": "error", "num_links": 6, "num_across": 0}}},
    "training": [{"network": "dense", "seed": 7, "params": {"lr": 0.003, "loss": {"dice": 1.0}},
                  "metrics": {"steps": 5}, "minutes": 1.5, "history": [[5, None, 0.25]]}],
    "results": {
        "num_images": 4, "num_groups": 2, "num_objects": 1234,
        "all": {"num_images": None, "figures": {"f1": [0.8125, [0.7, 0.9]], "count_error": [0.083, None]}},
        "classes": {"cell": {"num_images": None, "figures": {"f1": [0.8, None]}}},
        "slices": {"modality": {"histology": {"num_images": 3, "figures": {"f1": [0.6, [0.5, 0.7]]}}}},
        "decisions": {"cells": {"tolerance": "within 10 %"}},
    },
    "trace": {"num_labels": 10, "labels": {"right": 8, "missed": 2}, "num_predictions": 9,
              "unanswering": {"invented": 1}, "num_in_crowds": 0, "f1": 0.842,
              "num_touching": 4, "num_touching_right": 3},
    "latency": {"cpu": "A CPU", "device": "cpu", "threads": 1, "batch_size": 1, "num_images": 4, "image_sizes": ["9x9"],
                "p95_ms": 812.5, "p99_ms": None},
    "software": {"python": "3.11.7", "num_components": 2, "licences": {"MIT": 2}, "requirements_lock_sha256": "7" * 64,
                 "num_pinned": 3, "differing": ["numpy: 1 → 2"], "not_installed": [], "packages": {"numpy": "2.0"},
                 "code_sha256": "8" * 64},
    "approvals": [EVENT],
    "events": [EVENT],
    "num_test_reads": 2,
    "chain": {"num_events": 1, "problem": "", "head": "9" * 64},
    "missing": [],
}  # fmt: skip


def page(shots: bool = True, **changes: Any) -> str:
    found = {**copy.deepcopy(FACTS), **changes}
    return dossier_page.render(found, [SHOT] * shots, [SHOT] * shots, FILES)


def test_it_stands_alone_and_the_same_facts_give_the_same_bytes() -> None:
    html = page()
    assert set(outside(html)) == {*FILES, "MANIFEST.json"}
    assert html == page()


@pytest.mark.parametrize(
    "words",
    [
        "It confers nothing", "hybrid for cells", "within 10&nbsp;%|within 10 %", "gate.min_f1: 0.75 → 0.7",
        "frozen by|event 1 (run), ada", "per_approach.instance.max_p95_ms", "0.812", "0.700 … 0.900", "8.3\u00a0%",
        "histology", "1,234 labelled objects", "75.0 %", "80.0 %", "812.5 ms", "A CPU, 1 thread(s)", "numpy: 1 → 2",
        "&lt;looked&gt; at it", "1 records, each hash and each link verified", "0 errors, 2 warnings, 1 accepted",
        "opened 2 times", "changed since that commit", "loss.dice", "F1 0.50", "7 found, 2 missed, 1 invented",
    ],
)  # fmt: skip
def test_every_part_is_told(words: str) -> None:
    html = page()
    assert any(form in html for form in words.split("|"))


def test_a_requirement_leads_to_its_evidence_where_that_is_in_the_folder() -> None:
    html = page()
    assert '<a href="trace.csv"><code>trace.csv</code></a>' in html
    assert "<code>work/repro/report.json</code>" in html
    assert 'href="records/work/repro/report.json"' not in html
    assert "<code>min_f1</code>" in html


def test_what_is_missing_stands_at_the_top_and_in_its_place() -> None:
    empty: dict[str, Any] = {"trace": {}, "latency": {}, "training": [], "approvals": [], "events": []}
    results = {**FACTS["results"], "all": {"num_images": None, "figures": {}}, "classes": {}, "slices": {}}
    gap = {"what": "work/leaks.json", "why": "no such file"}
    data = {**FACTS["data"], "labels": {}, "links": {}, "split": {}}
    html = page(shots=False, missing=[gap], results=results, data=data, **empty)
    assert html.index("Missing from this dossier") < html.index("Requirement, test, result")
    assert "<code>work/leaks.json</code>: no such file" in html
    assert html.count("Not recorded.") == 3
    assert "No approval of this package is recorded." in html
    assert "No pictures: see what is missing, above." in html
    assert "Missing from this dossier" not in page()


def test_a_broken_chain_and_an_unfrozen_criterion_are_plain() -> None:
    html = page(chain={"num_events": 0, "problem": "record 3 was changed", "head": None})
    assert "failed: record 3 was changed" in html
    loose = {**FACTS["criteria"], "frozen_sha256": None, "frozen_at": None, "frozen_by": None, "changes": []}
    assert page(criteria=loose).count("<dd>not recorded</dd>") == page().count("<dd>not recorded</dd>") + 3


def test_without_a_package_it_says_which_run_it_is_about() -> None:
    html = page(about={**FACTS["about"], "digest": None, "event": None})
    assert "none: no approach passed the gate" in html
    assert "the run in the working tree, not a promotion" in html
