from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segwise.errors import DataInvalidError, IntegrityError
from segwise.predict.predictor import Predictor, prepare
from segwise.types import Image
from tests.predict.graphs import write_model
from tests.predict.synthetic import discs, label_map, spec


def picture(seed: int = 0, size: tuple[int, int] = (101, 77)) -> tuple[Image, np.ndarray]:
    mask = label_map(discs(size, 6, seed)) > 0
    return np.where(mask[..., None], 230, 20).astype(np.uint8) * np.ones(3, dtype=np.uint8), mask


@pytest.mark.parametrize("approach", ["semantic", "hybrid"])
@pytest.mark.parametrize("zoom", [0.5, 1.0, 1.5, 2.0])
def test_a_prediction_lines_up_with_the_image_at_any_zoom(tmp_path: Path, approach: str, zoom: float) -> None:
    write_model(tmp_path, approach, zoom)
    image, mask = picture()
    found = Predictor.load(tmp_path).predict(image).class_map > 0
    assert found.shape == mask.shape
    assert np.count_nonzero(found & mask) / np.count_nonzero(found | mask) > (0.75 if zoom < 1 else 0.85)


@pytest.mark.parametrize("approach", ["semantic", "hybrid", "instance"])
@pytest.mark.parametrize("size", [(1, 1), (1, 200), (33, 5), (64, 64)])
def test_images_of_any_size_are_answered(tmp_path: Path, approach: str, size: tuple[int, int]) -> None:
    write_model(tmp_path, approach)
    found = Predictor.load(tmp_path).predict(np.zeros((*size, 3), dtype=np.uint8))
    assert found.class_map.shape == size


def test_boxes_are_brought_back_to_image_pixels(tmp_path: Path) -> None:
    write_model(tmp_path, "instance", zoom=2.0)
    predictor = Predictor.load(tmp_path)
    image = np.zeros((40, 40, 3), dtype=np.uint8)
    assert predictor.predict(image).objects.boxes_xyxy.tolist() == [[4, 4, 12, 12]]
    assert len(predictor.predict(image, all_candidates=True).objects) == 2


def test_the_fitted_point_in_the_folder_is_used(tmp_path: Path) -> None:
    image, _ = picture()
    write_model(tmp_path, "semantic", point={"min_area_px": 1e6})
    assert len(Predictor.load(tmp_path).predict(image).objects) == 0


def test_the_input_is_normalised_padded_by_reflection_and_even() -> None:
    image = np.random.default_rng(0).integers(0, 256, (33, 50, 3), dtype=np.uint8)
    tensor, (height, width) = prepare(image, spec("semantic"), 1.0)
    assert (height, width) == (32, 50)
    same = prepare(image[:32], spec("semantic"), 1.0)[0]
    expected = (image[:32] / 255 - np.array([0.5, 0.4, 0.3])) / np.array([0.2, 0.3, 0.4])
    assert same.shape == (1, 3, 32, 64)
    assert np.allclose(same[0, :, :, :50], expected.transpose(2, 0, 1), atol=1e-5)
    assert np.allclose(same[0, :, :, 50:], same[0, :, :, 48:34:-1])
    assert tensor.dtype == np.float32


def test_a_changed_graph_is_refused(tmp_path: Path) -> None:
    write_model(tmp_path, "semantic")
    with (tmp_path / "model.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(IntegrityError):
        Predictor.load(tmp_path)


def test_a_graph_of_another_approach_is_refused_by_the_outputs_it_lacks(tmp_path: Path) -> None:
    write_model(tmp_path, "semantic")
    text = (tmp_path / "model.json").read_text().replace('"semantic"', '"hybrid"')
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(IntegrityError, match="center"):
        Predictor.load(tmp_path)


def test_pixels_of_the_wrong_kind_are_refused_with_a_reason(tmp_path: Path) -> None:
    write_model(tmp_path, "semantic")
    with pytest.raises(DataInvalidError, match="float64"):
        Predictor.load(tmp_path).predict(np.zeros((4, 4, 3)))  # type: ignore[arg-type]  # the mistake under test


def test_the_same_image_gives_the_same_prediction(tmp_path: Path) -> None:
    write_model(tmp_path, "hybrid")
    image, _ = picture(1)
    first, second = (Predictor.load(tmp_path).predict(image) for _ in range(2))
    assert np.array_equal(first.class_map, second.class_map)
    assert np.array_equal(first.objects.boxes_xyxy, second.objects.boxes_xyxy)
