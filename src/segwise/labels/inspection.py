"""Everything that can be found out about a data set in a folder: facts and findings. Bad records never stop it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from segwise.dataset import coco, finding, schema
from segwise.labels import facts, findings, pixels
from segwise.labels.rules import Rule, Table


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """The fact tables (see `facts.tables`) of all sound records, and the findings of the schema, rules and files."""

    dataset: coco.Dataset
    tables: dict[Table, pd.DataFrame]
    findings: tuple[finding.Finding, ...]


def inspect(root: Path, rules: tuple[Rule, ...]) -> Inspection:
    """Read the label file and every image below `root`.

    Raises:
        DataInvalidError: there is no label file, or it is no JSON. All else becomes a finding.
    """
    checked = schema.check(coco.read_raw(root / coco.LABELS_NAME))
    dataset = coco.build(root, checked)
    image_rows, object_rows = facts.tables(dataset, pixels.look(dataset))
    tables: dict[Table, pd.DataFrame] = {"images": image_rows, "objects": object_rows}
    known = {record.file_name for record in dataset.images} | {f.image for f in checked.findings if f.image}
    found = [*checked.findings, *findings.broken(tables, rules), *pixels.unlabelled(root, known)]
    return Inspection(dataset, tables, tuple(found))
