"""segwise import: a COCO data set → data/, all of it or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from segwise.dataset import coco, schema
from segwise.dataset.formats import coco_source
from segwise.dataset.params import DataParams
from segwise.dataset.replace import replacing
from segwise.labels import findings
from segwise.labels.inspection import inspect
from segwise.labels.params import ValidateParams
from segwise.labels.rules import rules

MAKING = Path(".segwise/import")  # on the same file system as data/, so that a rename is enough
STATE = Path(".segwise/findings.json")
PULLING = Path(".segwise/pulling")  # the Makefile's mark of a killed `dvc pull`: it would be repeated over the new data


def run(source: Path, data: DataParams) -> dict[str, Any]:
    """Check the data set in `source`, copy it aside, check the copy, and put it in the place of data/.

    Raises:
        UsageError: `source` is no COCO data set.
        DataInvalidError: it has an error-level finding; data/ stays as it is.
        BusyError: another import is running.
    """
    target = Path(data.dir)
    labels = coco_source.label_file(source)
    document, found = coco_source.canonical(coco.read_raw(labels))
    _refuse(found)
    with replacing(target, MAKING) as new:
        coco_source.copy(document, labels, new)
        inspection = inspect(new, rules(ValidateParams()))
        _refuse(inspection.findings)
    counts = findings.counts(inspection.findings)
    PULLING.unlink(missing_ok=True)
    sizes = {f"num_{name}": len(table) for name, table in inspection.tables.items()}
    words = f"{sizes['num_images']} images, {sizes['num_objects']} objects, warnings: {counts['num_warnings']}"
    return {"summary": f"{words} → {target}; now record the revision: `dvc add {target}`", **sizes, **counts}


def _refuse(found: tuple[finding.Finding, ...]) -> None:
    if finding.errors_in(found):
        STATE.parent.mkdir(parents=True, exist_ok=True)
        STATE.write_text(findings.as_json(found), encoding="utf-8")
        raise finding.refusal(found, str(STATE))
