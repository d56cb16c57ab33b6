"""segwise validate: data/ → work/labels/ (facts, findings, summary, Data Docs); an error-level finding stops here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from segwise.dataset import finding
from segwise.dataset.params import DataParams
from segwise.labels import contract, findings
from segwise.labels.inspection import Inspection, inspect
from segwise.labels.judge import num_broken
from segwise.labels.params import ValidateParams
from segwise.labels.rules import rules
from segwise.spec import canonical_json

OUT = Path("work/labels")
STATE = Path(".segwise/findings.json")  # survives a failed stage, whose outputs DVC may remove


def run(data: DataParams, params: ValidateParams) -> dict[str, Any]:
    """Check the images and labels against the contract.

    Raises:
        DataInvalidError: there is an error-level finding; all findings are in .segwise/findings.json.
    """
    STATE.unlink(missing_ok=True)
    book = rules(params)
    found = inspect(Path(data.dir), book)
    _write(found)
    contract.run(found.tables, book, OUT / "data_docs")
    sizes = {f"num_{name}": len(found.tables[name]) for name in ("images", "objects", "classes")}
    rows = {check: number for check, number in num_broken(found.tables, book).items() if number}
    summary = {**sizes, **findings.counts(found.findings), "rows": rows}
    (OUT / "summary.json").write_text(canonical_json(summary), encoding="utf-8")
    if finding.errors_in(found.findings):
        raise finding.refusal(found.findings, str(STATE))
    words = f"{sizes['num_images']} images, {sizes['num_objects']} objects, warnings: {summary['num_warnings']}"
    return {"summary": f"{words} → {OUT}/data_docs/index.html", **summary}


def _write(found: Inspection) -> None:
    for path in (STATE, OUT / "findings.json"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(findings.as_json(found.findings), encoding="utf-8")
    findings.table(found.findings).to_parquet(OUT / "findings.parquet", index=False)
    for name in ("images", "objects", "classes"):
        found.tables[name].to_parquet(OUT / f"{name}.parquet", index=False)
