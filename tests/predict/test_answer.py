"""A prediction as JSON: the same keys for the service and for `segwise predict`."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from segwise.predict.answer import MaskForm, as_json
from segwise.types import ClassInfo, Objects, Prediction

CLASSES = (ClassInfo(1, "nucleus", True), ClassInfo(2, "tissue", False))
KEYS = {"class", "score", "area_px", "box_xyxy"}


@pytest.fixture
def prediction() -> Prediction:
    mask = np.zeros((6, 10), dtype=bool)
    mask[1:4, 2:9] = True
    return Prediction(mask.astype(np.uint8), Objects.from_masks([mask], [1], [0.75], (6, 10)))


@pytest.mark.parametrize(("masks", "extra"), [("rle", {"rle"}), ("polygon", {"polygon"}), ("none", set())])
def test_an_object_has_the_documented_keys_and_survives_json(
    prediction: Prediction, masks: MaskForm, extra: set[str]
) -> None:
    answer: dict[str, Any] = as_json(prediction, CLASSES, masks)
    assert json.loads(json.dumps(answer)) == answer
    (found,) = answer["objects"]
    assert found.keys() == KEYS | extra
    assert (found["class"], found["score"], found["area_px"], found["box_xyxy"]) == ("nucleus", 0.75, 21, [2, 1, 9, 4])


def test_counts_name_things_and_coverage_names_every_class(prediction: Prediction) -> None:
    answer = as_json(prediction, CLASSES)
    assert (answer["width"], answer["height"]) == (10, 6)
    assert answer["counts"] == {"nucleus": 1}
    assert answer["coverage"] == {"nucleus": 0.35, "tissue": 0.0}
