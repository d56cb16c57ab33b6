"""Parity: the served model answers as the trained network, and a planted preprocessing fault does not get through."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from segwise.dataset import coco
from segwise.decision.params import Decision
from segwise.errors import IntegrityError
from segwise.gate.promote_params import PromoteParams
from segwise.models import build, onnx, semantic
from segwise.models.params import DenseParams, EncoderParams
from segwise.predict import predictor as predictors
from segwise.predict.predictor import Predictor
from segwise.promotion import agreement, reference
from segwise.promotion.served import Served
from segwise.spec import ClassSpec, ModelSpec, read_spec, sha256_of, write_spec
from tests.factory import make_dataset

CLASSES = (ClassSpec(id=1, name="disc", isthing=True),)
DECISIONS = {"covered": Decision(kind="coverage", classes=("disc",), tolerance={"points": 0.05})}
PARAMS = PromoteParams()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained network on ImageNet's encoder, and its model folder: half of the pixels are foreground."""
    root = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    params = DenseParams(
        encoder=EncoderParams(pretrained="packaged"), decoder_widths=(8, 8, 8, 8), contrast="stretched"
    )
    network = build.build(params, 1).eval()
    (root / "train/dense").mkdir(parents=True)
    build.save(root / "train/dense", network, "dense", params, CLASSES)
    folder = root / "model"
    folder.mkdir()
    onnx.write(semantic.Graph(network), folder / "model.onnx", semantic.OUTPUTS, semantic.DYNAMIC_AXES, 17)
    card = build.load(root / "train/dense")[2]
    spec = ModelSpec(
        approach="semantic", classes=CLASSES, zoom=1.5, stride_px=32, mean=card.mean, std=card.std,
        contrast="stretched", onnx_sha256=sha256_of(folder / "model.onnx"),
    )  # fmt: skip
    write_spec(folder, spec)
    return root


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, models: Path) -> coco.Dataset:
    """Images of colour whose sides are no multiples of the stride; the threshold is set to their middle."""
    dataset = coco.read(make_dataset(tmp_path_factory.mktemp("data"), num_images=4))
    first = Predictor.load(models / "model")
    logits = np.concatenate([first.outputs(dataset.pixels(r))["logits"][0, 1].ravel() for r in dataset.images])
    zero = np.concatenate([first.outputs(dataset.pixels(r))["logits"][0, 0].ravel() for r in dataset.images])
    middle = float(1 / (1 + np.exp(-np.median(logits - zero))))
    spec = read_spec(models / "model")
    write_spec(models / "model", spec.model_copy(update={"point": {"foreground": middle, "object_foreground": middle}}))
    return dataset


def verdicts(models: Path, data: coco.Dataset) -> dict[str, str]:
    """The parity gate's verdicts on what the Predictor answers now."""
    served = Predictor.load(models / "model")
    records = list(data.images)
    asked = agreement.Asked({r.file_name: Served(served.predict(data.pixels(r)), ("", "")) for r in records}, {})
    network = reference.load(models / "model", models / "train")
    rows = agreement.trained(asked, network, data, records, DECISIONS, PARAMS)
    return {row.name: row.verdict for row in rows}


def test_the_exported_model_answers_as_the_network_it_was_made_of(models: Path, data: coco.Dataset) -> None:
    assert verdicts(models, data) == {"parity.covered": "promote", "parity.masks": "promote"}


Prepare = Callable[..., tuple[Any, tuple[int, int]]]


def bgr(image: Any, spec: ModelSpec, zoom: float, prepare: Prepare) -> Any:
    return prepare(np.ascontiguousarray(image[..., ::-1]), spec, zoom)


def stretched(image: Any, spec: ModelSpec, zoom: float, prepare: Prepare) -> Any:
    """Resized to whole strides instead of padded to them."""
    height, width = (-(-round(side * zoom) // 32) * 32 for side in image.shape[:2])
    tensor, _ = prepare(cv2.resize(image, (round(width / zoom), round(height / zoom))), spec, zoom)
    return tensor, (height, width)


def normalised_otherwise(image: Any, spec: ModelSpec, zoom: float, prepare: Prepare) -> Any:
    other = spec.model_copy(update={"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)})
    return prepare(image, other, zoom)


def unstretched_contrast(image: Any, spec: ModelSpec, zoom: float, prepare: Prepare) -> Any:
    return prepare(image // 2 + 30, spec.model_copy(update={"contrast": "as_is"}), zoom)


@pytest.mark.parametrize("fault", [bgr, stretched, normalised_otherwise, unstretched_contrast])
def test_a_planted_preprocessing_fault_is_held(
    models: Path, data: coco.Dataset, fault: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = predictors.prepare
    monkeypatch.setattr(predictors, "prepare", lambda image, spec, zoom: fault(image, spec, zoom, prepare))
    assert "hold" in verdicts(models, data).values()


def test_a_package_of_other_classes_than_were_trained_is_refused(models: Path, tmp_path: Path) -> None:
    spec = read_spec(models / "model")
    other = spec.model_copy(update={"classes": (ClassSpec(id=1, name="cell", isthing=True),)})
    with pytest.raises(IntegrityError, match="cell"):
        reference.Reference(other, models / "train")


def test_an_image_is_padded_below_and_right_by_its_reflection() -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    tensor, size = reference.prepared(image, 1.0, 8, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    assert size == (4, 8)  # even sides
    image = image[:4, :6]
    tensor, size = reference.prepared(image, 1.0, 8, (0.5, 0.0, 0.0), (0.25, 1.0, 1.0))
    found = tensor.numpy()[0]
    assert (size, found.shape) == ((4, 6), (3, 8, 8))
    assert found[0, 1, 2] == pytest.approx((image[1, 2, 0] / 255 - 0.5) / 0.25, abs=1e-6)
    assert np.allclose(found[1, :4, 6], image[:, 4, 1] / 255)  # column 6 is 4 again
    assert np.allclose(found[2, 4, :6], image[2, :, 2] / 255)  # row 4 is 2 again
