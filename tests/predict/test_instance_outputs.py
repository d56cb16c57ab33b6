from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segwise.predict.predictor import Predictor
from segwise.spec import read_spec, write_spec
from tests.predict.graphs import write_model

BOXES = [[8, 8, 24, 24], [40, 8, 56, 20]]  # of the graph, in pixels of its input


def outputs(folder: Path, extra: dict[str, Any], size: tuple[int, int], zoom: float) -> dict[str, Any]:
    write_model(folder, "instance", zoom=zoom)
    write_spec(folder, read_spec(folder).model_copy(update={"extra": extra}))
    return Predictor.load(folder).outputs(np.zeros((*size, 3), dtype=np.uint8))


@pytest.mark.parametrize(("extra", "expected"), [({}, 0.25), ({"mask_shift_px": 0.0}, 0), ({"mask_shift_px": 1}, 0.5)])
def test_the_model_folder_says_how_far_masks_lie_from_their_boxes(
    tmp_path: Path, extra: dict[str, Any], expected: float
) -> None:
    assert outputs(tmp_path, extra, (32, 64), zoom=2.0)["mask_shift"].tolist() == [expected, expected]


def test_a_box_that_reaches_into_the_padding_keeps_its_size_and_so_its_mask_its_scale(tmp_path: Path) -> None:
    found = outputs(tmp_path, {"mask_shift_px": 0}, (20, 50), zoom=1.0)
    assert found["boxes"].tolist() == BOXES
    prediction = Predictor.load(tmp_path).predict(np.zeros((20, 50, 3), dtype=np.uint8))
    assert prediction.objects.boxes_xyxy.tolist() == [[8, 8, 24, 20]]  # what lies outside of the image is cut off
