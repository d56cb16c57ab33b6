"""Images of 16 bits in a narrow range, or of floating point, go through the stages as the 8-bit ones they look like."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from segwise.dataset.params import DataParams, ProfileParams, SplitParams
from segwise.labels.params import ValidateParams
from segwise.stages import profile, split, validate
from tests.factory import annotation, make_dataset, read_labels, write_labels

KINDS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], list[float]]] = {  # both are exact: each level comes back
    "16 bits": (lambda grey: (1000 + 4 * grey.astype(np.uint16)).astype(np.uint16), [1000.0, 2020.0]),
    "floating point": (lambda grey: (grey / 256 - 0.5).astype(np.float32), [-0.5, 255 / 256 - 0.5]),
}
WRITTEN = ("labels/findings.json", "labels/index.html", "profile.json", "plan.yaml", "split.json", "leaks.json")


def make_grey(root: Path, stored: Callable[[np.ndarray], np.ndarray], value_range: list[float] | None) -> None:
    """A data set of grey TIFF files that hold `stored` of the factory's pictures; one object is a speck."""
    make_dataset(root)
    document = read_labels(root)
    for image in document["images"]:
        path = root / "images" / image["file_name"]
        grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        path.unlink()
        image["file_name"] = path.with_suffix(".tif").name
        assert cv2.imwrite(str(path.with_suffix(".tif")), stored(np.asarray(grey)))
    speck = np.zeros((document["images"][0]["height"], document["images"][0]["width"]), dtype=bool)
    speck[0, 0] = True
    document["annotations"].append(annotation(speck, 1000, document["images"][0]["id"]))
    write_labels(root, document | ({} if value_range is None else {"value_range": value_range}))


def run_all(folder: Path, patch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """What validate, profile and split write in this folder."""
    patch.chdir(folder)
    validate.run(DataParams(), ValidateParams())
    profile.run(DataParams(), ProfileParams())
    split.run(DataParams(), SplitParams())
    written = {name: Path("work", name).read_bytes() for name in WRITTEN}
    return written | {"record": Path("registry/splits.json").read_bytes()}


@pytest.mark.parametrize("kind", KINDS)
def test_deep_images_are_judged_measured_pictured_and_divided_as_their_8_bit_look(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_grey(tmp_path / "plain/data", lambda grey: grey, None)
    make_grey(tmp_path / "deep/data", *KINDS[kind])
    wanted = run_all(tmp_path / "plain", monkeypatch)
    assert b"data:image/" in wanted["labels/index.html"]  # a finding with its picture
    found = run_all(tmp_path / "deep", monkeypatch)
    assert b'"num_deep": 12,' in found["profile.json"]
    found["profile.json"] = found["profile.json"].replace(b'"num_deep": 12,', b'"num_deep": 0,')
    assert [name for name in wanted if found[name] != wanted[name]] == []
