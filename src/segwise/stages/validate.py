"""segwise validate: data/ → work/labels/ (facts, findings, their page, summary, Data Docs); an error stops here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from segwise.dataset import coco, finding
from segwise.dataset.finding import Finding
from segwise.dataset.params import DataParams
from segwise.labels import findings
from segwise.labels.contract import baseline, suite
from segwise.labels.contract.checks import severity
from segwise.labels.contract.judge import num_broken
from segwise.labels.contract.rules import rules
from segwise.labels.facts.tables import Table
from segwise.labels.inspection import Inspection, inspect
from segwise.labels.params import ValidateParams
from segwise.labels.revisions import drift
from segwise.report import labels_page
from segwise.spec import canonical_json

OUT = Path("work/labels")
STATE = Path(".segwise/findings.json")  # survives a failed stage, whose outputs DVC may remove
PAGE = Path(".segwise/labels.html")
TABLES: tuple[Table, ...] = ("images", "objects", "classes")


def run(data: DataParams, params: ValidateParams) -> dict[str, Any]:
    """Check the images and labels against the contract, and tell what is not accepted (`registry/labels.json`).

    Raises:
        DataInvalidError: there is an error-level finding; all findings are in .segwise/findings.json and labels.html.
    """
    for path in (STATE, PAGE):
        path.unlink(missing_ok=True)
    root, book, known = Path(data.dir), rules(params), baseline.load()
    found = inspect(root, book)
    every = (*found.findings, *drift.compare(known.facts, found.tables, severity("drift", params.severity)))
    new, accepted = baseline.split(every, found.dataset, known)
    stale = len(baseline.stale(every, found.dataset, known))
    raw = coco.read_raw(root / coco.LABELS_NAME)
    drawn = raw if isinstance(raw, dict) else None
    page = labels_page.render(found.dataset, new, accepted, found.tables, rules=book, stale=stale, raw=drawn)
    _write(found, new, page)
    suite.run(found.tables, book, OUT / "data_docs")
    sizes = {f"num_{name}": len(found.tables[name]) for name in TABLES}
    rows = {check: number for check, number in num_broken(found.tables, book).items() if number}
    summary = {**sizes, **findings.counts(new), "num_accepted": len(accepted), "num_stale": stale, "rows": rows}
    (OUT / "summary.json").write_text(canonical_json(summary), encoding="utf-8")
    if finding.errors_in(new):
        raise finding.refusal(new, f"{STATE}, with pictures in {PAGE}")
    words = f"{sizes['num_images']} images, {sizes['num_objects']} objects, warnings: {summary['num_warnings']}"
    words += f", accepted: {len(accepted)}" if accepted else ""
    return {"summary": f"{words} → {OUT}/index.html", **summary}


def _write(found: Inspection, new: Sequence[Finding], page: str) -> None:
    for listed, shown in ((STATE, PAGE), (OUT / "findings.json", OUT / "index.html")):
        listed.parent.mkdir(parents=True, exist_ok=True)
        listed.write_text(findings.as_json(new), encoding="utf-8")
        shown.write_text(page, encoding="utf-8")
    findings.table(new).to_parquet(OUT / "findings.parquet", index=False)
    for name in TABLES:
        found.tables[name].to_parquet(OUT / f"{name}.parquet", index=False)
