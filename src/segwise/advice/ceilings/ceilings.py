"""The content of ceilings.json: what each approach could reach at best on every decision, from labels alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from segwise.advice.ceilings.concentration import concentration
from segwise.advice.ceilings.image import BAND, CANDIDATES, WATERSHED, Measured, measure, points, words
from segwise.advice.ceilings.labelled import labelled
from segwise.advice.ceilings.limits import output_cap, smallest_object
from segwise.advice.ceilings.params import CeilingParams
from segwise.advice.ceilings.safety import safe_to_split
from segwise.advice.ceilings.table import Plain, Table
from segwise.advice.ceilings.worst import worst
from segwise.dataset import workers
from segwise.dataset.coco import Dataset
from segwise.decision.answers import check
from segwise.decision.params import Decision

Told: TypeAlias = Callable[[str, Iterable[Measured], int], Iterable[Measured]]
SHOWN = (*CANDIDATES, WATERSHED)  # whose pairs and worst images are told


def ceilings(
    dataset: Dataset, decisions: Mapping[str, Decision], params: CeilingParams, *, told: Told = workers.told
) -> Plain:
    """Derive every candidate from the labels and score it on every decision.

    What has parameters is fitted on one half of the groups and scored on the other, both ways. Images' pixels are not
    read. Figures are rounded to six digits; what is undefined is None.

    Args:
        told: passes the images on as they are measured, telling how far it is.

    Raises:
        UsageError: a decision asks for what the data do not have.
    """
    check(dict(decisions), dataset.classes)
    records = sorted(dataset.images, key=lambda r: r.file_name)
    seen = (measure(labelled(record, dataset.classes), decisions, params) for record in records)
    images = list(told("ceilings", seen, len(records)))
    tables = {name: _table(name, images, decisions) for name in words(params)}
    shown = {name: tables[name] for name in SHOWN}
    ids = {name: decision.class_ids(dataset.classes) for name, decision in decisions.items()}
    entries = {name: _entry(text, tables[name], params) for name, text in words(params).items()}
    return {
        "num_images": len(images),
        "num_objects": sum(len(m.class_ids) for m in images),
        "num_groups": len({m.group for m in images}),
        "candidates": {name: entry for name, entry in entries.items() if name in CANDIDATES},
        "variants": {name: entry for name, entry in entries.items() if name not in CANDIDATES},
        "safe_to_split": safe_to_split(images, shown, params),
        "smallest_object": smallest_object(images, params),
        "output_cap": output_cap(images, params),
        "concentration": concentration(decisions, tables),
        "worst": worst(images, decisions, ids, shown, params.num_worst),
    }


def _table(name: str, images: Sequence[Measured], decisions: Mapping[str, Decision]) -> Table:
    truth = [m.banded if name == BAND else m.truth for m in images]
    return Table([m.found[name] for m in images], truth, [m.group for m in images], decisions, points(name))


def _entry(text: str, table: Table, params: CeilingParams) -> Plain:
    return {
        "words": text,
        "point": table.points[table.best],
        "decisions": {name: table.decision(name, params) for name in table.decisions},
        "objects": table.objects(),
    }
