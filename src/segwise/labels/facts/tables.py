"""One row of facts per image, per object and per class; the contract speaks of these columns. Pure but for class maps
that lie beside the images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from segwise.dataset.coco import Dataset, ImageRecord
from segwise.dataset.targets import objects, paint, with_pixels
from segwise.labels.facts import class_facts, contacts, image_facts, object_facts, polygons, semantic, shapes
from segwise.labels.facts.pixels import Look
from segwise.types import Objects

Table = Literal["images", "objects", "classes", "files"]


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What the masks of one image say. `columns`: facts of its annotations that have pixels (COLUMNS), each (N,)."""

    columns: dict[str, NDArray[Any]]
    image: dict[str, float]
    shared_px: dict[int, int]


def fact_tables(
    dataset: Dataset, looks: Sequence[Look], raw: Sequence[dict[str, Any]] = (), category_ids: Sequence[int] = ()
) -> dict[Table, pd.DataFrame]:
    """The facts of all images, objects and classes; `image_facts`, `object_facts` and `class_facts` say the columns.

    Args:
        looks: see `pixels.look`.
        raw: the label file's annotations, for what only polygons show.
        category_ids: the label file's number of class 1, 2, …; by default these numbers themselves.
    """
    ids = tuple(category_ids) or tuple(c.id for c in dataset.classes)
    measured = [measure(record, dataset, ids) for record in dataset.images]
    rows = object_facts.table(dataset, [m.columns for m in measured], polygons.polygons(raw))
    images = image_facts.table(dataset, looks, [m.image for m in measured], rows)
    classes = class_facts.table(dataset, ids, images, rows, [m.shared_px for m in measured])
    return {"images": images, "objects": rows, "classes": classes}


def measure(record: ImageRecord, dataset: Dataset, category_ids: Sequence[int]) -> Measured:
    """The facts that need the masks of one image."""
    things = objects(record)
    owners = contacts.owners_of(things)
    columns = shapes.shapes(things, owners)
    is_stuff = np.array([not c.isthing for c in dataset.classes], dtype=bool)
    ids = np.array([a.id for a in with_pixels(record)], dtype=np.int64)
    found = contacts.contacts(things, owners, columns["outline_px"], is_stuff[things.class_ids - 1], ids)
    wrong, stray = semantic.disagreement(dataset.root, record.file_name, lambda: paint(things, dataset.classes),
                                         category_ids)  # fmt: skip
    image = {
        "overlap_px": found.overlap_px,
        "conflict_px": found.conflict_px,
        "ignored_px": _ignored(things),
        "semantic_error_share": wrong,
        "stray_value_px": stray,
    }
    return Measured(columns | found.columns, image, found.shared_px)


def _ignored(things: Objects) -> int:
    if not things.is_crowd.any():
        return 0
    ignored = np.zeros(things.size, dtype=bool)
    for index in np.flatnonzero(things.is_crowd):
        x0, y0, x1, y1 = things.boxes_xyxy[index]
        ignored[y0:y1, x0:x1] |= things.crops[index]
    return int(np.count_nonzero(ignored))
