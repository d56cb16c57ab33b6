"""Everything that can be found out about a data set in a folder: facts and findings. Bad records never stop it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from segwise.dataset import coco, finding, schema
from segwise.labels.contract import judge
from segwise.labels.contract.rule import Rule
from segwise.labels.facts import pixels
from segwise.labels.facts.tables import Table, fact_tables


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """The fact tables of all sound records (see `fact_tables`, and `files`: see `pixels.files`), and the findings of
    the schema and the rules."""

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
    ids = sorted(int(category["id"]) for category in checked.categories)
    tables = fact_tables(dataset, pixels.look(dataset), checked.annotations, ids)
    known = {record.file_name for record in dataset.images} | {f.image for f in checked.findings if f.image}
    tables["files"] = pixels.files(root, known)
    return Inspection(dataset, tables, (*checked.findings, *judge.judge(tables, rules)))
