"""Predictions that another program wrote, as COCO results or as a COCO data set: checked as labels are, with scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from segwise.dataset import coco, finding, schema, targets
from segwise.dataset.coco import ImageRecord
from segwise.dataset.geometry import is_number, short
from segwise.errors import DataInvalidError
from segwise.types import Objects

REMEDY = "write COCO results: [{image_id, category_id, segmentation, score}, …]"


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """What was predicted, by file name; an image that is missing here has no prediction.

    Attributes:
        records: images of the data set with predictions in the place of their labels.
        scores: by the id of a prediction, in [0, 1].
    """

    records: Mapping[str, ImageRecord]
    scores: Mapping[int, float]

    def objects(self, record: ImageRecord) -> Objects:
        """The predictions of an image of the data set, the best score first; empty masks are dropped."""
        own = self.records.get(record.file_name, replace(record, annotations=()))
        scores = [self.scores[a.id] for a in targets.with_pixels(own)]
        found = replace(targets.objects(own), scores=np.array(scores, dtype=np.float32))
        return found.select(np.argsort(-found.scores, kind="stable"))


def read_results(path: Path, root: Path) -> Results:
    """Read `path`, predictions on images of the data set in `root`.

    `image_id` is that of the label file, or the image's file name with or without its ending; a `file_name` beside it
    goes first. `category_id` is that of the label file. A prediction without `score` is sure of itself: 1.

    Raises:
        DataInvalidError: it is no such file, or a prediction is of an unknown image or class, has a score outside
            [0, 1] or a shape that does not fit its image; each one is named.
    """
    if not path.is_file():
        raise DataInvalidError(f"predictions in {path}", "no such file", REMEDY)
    labels, raw = coco.read_raw(root / coco.LABELS_NAME), coco.read_raw(path)
    rows = raw.get("annotations") if isinstance(raw, dict) else raw
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataInvalidError("a list of predictions", f"{type(raw).__name__} in {path}", REMEDY)
    ids = _image_ids(labels["images"], raw.get("images", []) if isinstance(raw, dict) else [])
    for number, row in enumerate(rows):
        score = row.get("score", 1)
        if not is_number(score) or not 0 <= score <= 1:
            raise DataInvalidError("a score from 0 to 1", f"{short(score)} of prediction {number} in {path}", REMEDY)
    own = [_annotation(row, ids, number) for number, row in enumerate(rows, start=1)]
    checked = schema.check({**labels, "annotations": own})
    if finding.errors_in(checked.findings):
        raise finding.refusal(checked.findings)
    images = coco.build(root, checked).images
    scores = {number: float(row.get("score", 1)) for number, row in enumerate(rows, start=1)}
    return Results({record.file_name: record for record in images}, scores)


def _annotation(row: Mapping[str, Any], ids: Mapping[str, int], number: int) -> dict[str, Any]:
    """A label of the prediction's shape, on the image it is of."""
    named = row.get("file_name", row.get("image_id"))
    kept = {key: row[key] for key in ("category_id", "segmentation") if key in row}
    return {**kept, "id": number, "image_id": ids.get(str(named), named), "iscrowd": 0}


def _image_ids(images: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """What an image may be called, and its id in the label file; their own numbers go first if they tell the names."""
    out: dict[str, int] = {}
    for name_of in (lambda name: PurePath(name).stem, lambda name: name):
        out |= {name_of(image["file_name"]): int(image["id"]) for image in images}
    own = {str(image.get("id")): out[name] for image in theirs if (name := str(image.get("file_name"))) in out}
    return {**{str(image["id"]): int(image["id"]) for image in images}, **out, **own}
