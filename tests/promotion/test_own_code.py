"""A package answers with the code it carries, whatever became of the working tree."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segwise import bundle, golden
from segwise.errors import IntegrityError, SegwiseError
from segwise.predict.predictor import Predictor
from segwise.promotion import own_code
from tests.model_folder import make_model

REPO = Path(__file__).resolve().parents[2]
SQUARES, DARK = np.zeros((72, 96, 3), dtype=np.uint8), np.zeros((40, 56, 3), dtype=np.uint8)
SQUARES[8:24, 8:32] = SQUARES[40:64, 56:88] = 255
IMAGES = [SQUARES, DARK]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package's folder, with golden images and the code of the working tree."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src/segwise").symlink_to(REPO / "src/segwise")
    make_model(tmp_path / bundle.MODEL)
    images = {f"{number}.png": image for number, image in enumerate(IMAGES)}
    section = golden.record(tmp_path / bundle.MODEL, images, tmp_path / golden.FOLDER)
    bundle.write_manifest(tmp_path, {"golden": section})
    return tmp_path


def test_answers_come_back_as_they_were_given(package: Path) -> None:
    found = own_code.answers(package, IMAGES)
    here = [Predictor.load(package / bundle.MODEL, threads=1).predict(image) for image in IMAGES]
    assert [golden.digests(answer) for answer in found] == [golden.digests(answer) for answer in here]
    assert [len(answer.objects) for answer in here] == [2, 0]


def test_a_working_tree_that_answers_otherwise_now_does_not_speak_for_an_old_package(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(self: Predictor, image: Any, **more: Any) -> Any:
        answer = predict(self, image, **more)
        answer.class_map[:9] = 0
        return answer

    predict = Predictor.predict
    monkeypatch.setattr(Predictor, "predict", changed)
    with pytest.raises(IntegrityError, match="another class map"):
        golden.check(package)
    assert "2 golden images answered as recorded" in golden.check(package, partial(own_code.answers, package))


def stub(package: Path, body: str) -> None:
    """The package carries other code than that which recorded its golden images."""
    (package / "src/segwise").unlink()
    (package / "src/segwise/predict").mkdir(parents=True)
    for name in ("__init__.py", "predict/__init__.py"):
        (package / "src/segwise" / name).touch()
    (package / "src/segwise/predict/predictor.py").write_text(body)


def test_a_package_whose_own_code_answers_otherwise_is_refused(package: Path) -> None:
    stub(
        package,
        "import numpy as np\n"
        "from types import SimpleNamespace as Bag\n"
        "class Predictor:\n"
        "    load = classmethod(lambda cls, folder, threads: cls())\n"
        "    def predict(self, image):\n"
        "        none = Bag(class_ids=np.zeros(0, int), boxes_xyxy=np.zeros((0, 4), np.int32), crops=())\n"
        "        return Bag(class_map=np.ones(image.shape[:2], np.uint8), objects=none)\n",
    )
    with pytest.raises(IntegrityError, match="another class map"):
        golden.check(package, partial(own_code.answers, package))


def test_a_package_that_cannot_answer_says_why(package: Path) -> None:
    stub(package, "raise ImportError('no such library here')\n")
    with pytest.raises(SegwiseError, match=r"exit 1: .*no such library here"):
        own_code.answers(package, IMAGES)
