"""Golden images: a package is re-scored without data, and another answer is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segwise import bundle, golden
from segwise.errors import IntegrityError
from segwise.predict.predictor import Predictor
from segwise.spec import canonical_json, read_spec, write_spec
from segwise.types import Objects, Prediction
from tests.factory import draw_discs, paint_pixels
from tests.model_folder import make_model


def images(number: int = 3) -> dict[str, Any]:
    rng = np.random.default_rng(5)
    return {f"i{k}.png": paint_pixels(draw_discs(rng), "fluorescence", rng) for k in range(number)}


def package(root: Path) -> Path:
    make_model(root / bundle.MODEL)
    section = golden.record(root / bundle.MODEL, images(), root / golden.FOLDER)
    bundle.write_manifest(root, {"golden": section})
    return root


def rewrite(root: Path, **changes: Any) -> None:
    """Change the section `golden` of the manifest."""
    path = root / bundle.MANIFEST
    manifest = json.loads(path.read_text())
    path.write_text(canonical_json({**manifest, "golden": {**manifest["golden"], **changes}}))


def shift_normalisation(root: Path, by: float) -> None:
    folder = root / bundle.MODEL
    spec = read_spec(folder)
    write_spec(folder, spec.model_copy(update={"mean": tuple(v + by for v in spec.mean)}))


def test_a_package_answers_its_golden_images_as_when_it_was_made(tmp_path: Path) -> None:
    assert golden.check(package(tmp_path)) == "3 golden images answered as recorded, byte for byte"


def test_the_record_is_of_what_the_predictor_answers(tmp_path: Path) -> None:
    root = package(tmp_path)
    predictor = Predictor.load(root / bundle.MODEL)
    for (_, entry), image in zip(golden.listed(root), images().values(), strict=True):
        answer = predictor.predict(image)
        assert entry["num_objects"] == len(answer.objects) > 2
        assert golden.digests(answer) == {k: entry[k] for k in ("class_map_sha256", "objects_sha256")}


@pytest.mark.parametrize("made_on", [None, {"cpu": "another"}])
def test_another_preprocessing_is_found_here_and_on_another_processor(tmp_path: Path, made_on: Any) -> None:
    root = package(tmp_path)
    if made_on:
        rewrite(root, made_on=made_on)
    shift_normalisation(root, 0.25)
    with pytest.raises(IntegrityError, match=r"golden image i0\.png"):
        golden.check(root)


def test_a_pixel_in_a_million_is_rounding_on_another_processor_only(tmp_path: Path) -> None:
    root = package(tmp_path)
    section = bundle.read_manifest(root)["golden"]
    wrong = {**section["images"][1], "class_map_sha256": "0" * 64}
    rewrite(root, images=[section["images"][0], wrong, section["images"][2]])
    with pytest.raises(IntegrityError, match=r"golden image i1\.png; got another class map"):
        golden.check(root)
    rewrite(root, made_on={"cpu": "another"})
    assert "within rounding" in golden.check(root)


def test_on_another_processor_pixels_and_counts_have_limits() -> None:
    entry, stored = {"num_objects": 100}, np.zeros((50, 100), dtype=np.uint8)

    def answer(num_pixels: int, num_objects: int) -> Prediction:
        class_map = stored.copy()
        class_map.ravel()[:num_pixels] = 1
        mask = np.zeros((50, 100), dtype=bool)
        mask[0, 0] = True
        return Prediction(
            class_map, Objects.from_masks([mask] * num_objects, [1] * num_objects, [1.0] * num_objects, (50, 100))
        )

    assert golden.disagrees(entry, stored, answer(5, 100)) == ""  # 5 of 5000 = 0.999
    assert "less than 99.9 %" in golden.disagrees(entry, stored, answer(6, 100))
    assert golden.disagrees(entry, stored, answer(0, 101)) == golden.disagrees(entry, stored, answer(0, 99)) == ""
    assert golden.disagrees(entry, stored, answer(0, 102)) == "102 objects instead of 100"
    assert "(50, 100)" in golden.disagrees(entry, np.zeros((4, 4), np.uint8), answer(0, 100))


def test_digests_see_pixels_sizes_classes_and_places() -> None:
    mask = np.zeros((6, 8), dtype=bool)
    mask[1:3, 1:4] = True

    def found(mask: Any, class_id: int = 1) -> Objects:
        return Objects.from_masks([mask], [class_id], [0.5], mask.shape)

    base = golden.objects_sha256(found(mask))
    holed = mask.copy()
    holed[1, 2] = False
    assert (
        len({base, *(golden.objects_sha256(o) for o in (found(np.roll(mask, 1, 1)), found(holed), found(mask, 2)))})
        == 4
    )
    flat = np.zeros((4, 6), np.uint8)
    assert golden.class_map_sha256(flat) != golden.class_map_sha256(flat.reshape(6, 4))


def test_golden_images_are_spread_over_sizes_and_large_ones_left_out() -> None:
    sizes = {f"{k:02}": (100, 100 + k) for k in range(20)} | {"huge": (2000, 2000)}
    assert golden.choose(sizes) == ["02", "06", "10", "14", "18"]
    assert golden.choose({"huge": (2000, 2000), "larger": (3000, 3000)}) == ["huge"]
    assert golden.choose({}) == []


def test_a_package_from_before_there_were_golden_images_says_so(tmp_path: Path) -> None:
    make_model(tmp_path / bundle.MODEL)
    bundle.write_manifest(tmp_path, {})
    assert golden.check(tmp_path) == "no golden images in this package"
