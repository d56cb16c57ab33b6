"""The page of label findings: what is wrong, where, and what to do, with the pixels in question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from segwise.dataset.coco import Dataset
from segwise.dataset.finding import Finding
from segwise.labels.contract.baseline import is_acceptable
from segwise.labels.contract.rule import Rule
from segwise.labels.facts.tables import Table
from segwise.report.painter import Painter
from segwise.report.template import fill
from segwise.report.thumbnails import Picture

PER_CHECK = 12  # findings of a check that are shown with pictures
PICTURES = 320  # pictures on the page: at most 25 kB each
LISTED = 300  # findings of a check that are listed in words


@dataclass(frozen=True, slots=True)
class Card:
    """One finding as shown."""

    finding: Finding
    pictures: list[Picture]

    @property
    def is_pair(self) -> bool:
        """Two images side by side."""
        return len(self.pictures) > 1


@dataclass(frozen=True, slots=True)
class Section:
    """All findings of one check: those with pictures, those only in words, and how many are not on the page."""

    check: str
    severity: str
    anchor: str
    remedies: list[str]
    num: int
    num_accepted: int
    num_images: int
    cards: list[Card] = field(default_factory=list)
    rows: list[Finding] = field(default_factory=list)
    num_hidden: int = 0
    is_acceptable: bool = True


def render(
    dataset: Dataset,
    findings: Sequence[Finding],
    accepted: Sequence[Finding] = (),
    tables: Mapping[Table, pd.DataFrame] | None = None,
    *,
    rules: Sequence[Rule] = (),
    raw: Mapping[str, Any] | None = None,
    stale: int = 0,
    data_revision: str = "",
) -> str:
    """The page's HTML, self-contained, below 10 MB; reads the images that it shows from `dataset.root`.

    Args:
        findings: the new ones (see `labels.baseline.split`); `accepted` are only counted.
        tables: the fact tables; with `rules` they tell which finding of a check is the worst.
        raw: the label file's document, for the shapes of records that are not in the data set.
        stale: number of accepted findings that are no longer found.
        data_revision: digest of the data.
    """
    ranked = ranking(findings, tables or {}, rules)
    painter = Painter(dataset, shapes(raw or {}))
    return fill(
        "labels.html.j2",
        sections=sections(ranked, accepted, painter),
        num_errors=sum(f.severity == "error" for f in findings),
        num_warnings=sum(f.severity == "warning" for f in findings),
        num_accepted=len(accepted),
        num_stale=stale,
        num_images=len(dataset.images),
        num_objects=sum(len(record.annotations) for record in dataset.images),
        num_clean=len(dataset.images) - len({f.image for f in findings} & {r.file_name for r in dataset.images}),
        data_revision=data_revision,
    )


def ranking(findings: Sequence[Finding], tables: Mapping[Table, pd.DataFrame], rules: Sequence[Rule]) -> list[Finding]:
    """Errors first, the findings of a check together, and of those the one furthest beyond its rule's bound first."""
    excess = {rule.check: _excess(tables[rule.table], rule) for rule in rules if rule.table in tables}
    order = {(f.severity, f.check): i for i, f in reversed(list(enumerate(findings)))}

    def rank(found: Finding) -> tuple[bool, int, float]:
        beyond = excess.get(found.check, {}).get((found.image, found.object_id), 0.0)
        return found.severity != "error", order[found.severity, found.check], -beyond

    return sorted(findings, key=rank)


def sections(ranked: Sequence[Finding], accepted: Sequence[Finding], painter: Painter) -> list[Section]:
    """One section per check and severity, in the order given; pictures are shared out evenly among the checks."""
    by_check: dict[tuple[str, str], list[Finding]] = {}
    for found in ranked:
        by_check.setdefault((found.check, found.severity), []).append(found)
    num_accepted = Counter(f.check for f in accepted)
    each = max(1, min(PER_CHECK, PICTURES // max(len(by_check), 1)))
    out = []
    for number, ((check, severity), listed) in enumerate(by_check.items()):
        cards = [Card(f, painter.pictures(f)) for f in listed[:each]]
        rest = listed[each:]
        out.append(
            Section(
                check, severity, f"check-{number + 1}", list(dict.fromkeys(f.remedy for f in listed))[:3],
                len(listed), num_accepted[check], len({f.image for f in listed if f.image}),
                cards, rest[:LISTED], max(len(rest) - LISTED, 0), is_acceptable(check),
            )
        )  # fmt: skip
    return out


def shapes(raw: Mapping[str, Any]) -> dict[tuple[str, str], NDArray[np.float64]]:
    """Points (x, y), float (N, 2), of every record with polygons or a box that can be read at all, by image and id."""
    try:
        names = {str(image["id"]): str(image["file_name"]) for image in raw["images"]}
        rows = [(names.get(str(a.get("image_id")), ""), str(a.get("id")), _points(a)) for a in raw["annotations"]]
    except (KeyError, TypeError, AttributeError):
        return {}
    return {(name, number): points for name, number, points in rows if points is not None}


def _points(record: Mapping[str, Any]) -> NDArray[np.float64] | None:
    shape, box = record.get("segmentation"), record.get("bbox")
    try:
        if isinstance(shape, list) and shape:
            values = np.array(shape[0], dtype=np.float64)
            values = values[: len(values) // 2 * 2].reshape(-1, 2)
        elif isinstance(box, list):
            x, y, width, height = (float(v) for v in box)
            values = np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])
        else:
            return None
    except (TypeError, ValueError):
        return None
    values = values[np.isfinite(values).all(axis=1)]
    return np.clip(values, -1e5, 1e5) if len(values) else None


def _excess(table: pd.DataFrame, rule: Rule) -> dict[tuple[Any, Any], float]:
    if "file_name" not in table:
        return {}
    numbers = table["object_id"].tolist() if "object_id" in table else [None] * len(table)
    return dict(zip(zip(table["file_name"].tolist(), numbers, strict=True), rule.excess(table).tolist(), strict=True))
