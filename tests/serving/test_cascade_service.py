"""The service with a cascade in its package: every nested byte verified, each answer saying which model gave it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segwise import bundle
from segwise.errors import IntegrityError
from segwise.serving.engine import Engine
from tests.predict.cascades import write_tiny_cascade
from tests.predict.test_predictor import picture


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_tiny_cascade(tmp_path / bundle.MODEL, "num_objects", 2)
    limits = {"max_body_mb": 1, "max_megapixels": 1}
    bundle.write_manifest(tmp_path, {"winner": "cascade", "why": "it passes", "data_md5": None, "limits": limits})
    return tmp_path


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_an_answer_says_whether_the_image_was_escalated(root: Path) -> None:
    engine, (image, _) = Engine.load(root), picture()
    assert engine.answer(png(image), "none")["escalated"] is True
    assert engine.answer(png(np.zeros_like(image)), "none")["escalated"] is False
    assert engine.card()["spec"]["approach"] == "cascade"
    json.dumps(engine.card())


@pytest.mark.parametrize("file", ["cascade.json", "cheap/model.json", "instance/model.onnx"])
def test_a_package_with_a_changed_file_in_a_nested_folder_is_not_served(root: Path, file: str) -> None:
    path = root / bundle.MODEL / file
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(IntegrityError, match=file):
        Engine.load(root)
