from __future__ import annotations

import zipfile
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from segwise.decision.params import Decision
from segwise.errors import IntegrityError
from segwise.evaluation.figures import figures
from segwise.evaluation.slices import by_attribute, by_crowding, size_figures
from segwise.evaluation.summary import summary
from segwise.evaluation.sums import Sums, read_sums, stacked, write_nothing, write_sums
from segwise.spec import canonical_json
from tests.evaluation.test_summary import CLASSES, PARAMS, measured

DECISIONS = {"number": Decision(kind="count"), "any": Decision(kind="presence", classes=("one",))}


@pytest.fixture(scope="module")
def sums() -> Sums:
    return stacked(measured(decisions=DECISIONS), CLASSES)


def test_what_is_written_is_read_again(sums: Sums, tmp_path: Path) -> None:
    write_sums(tmp_path / "sums.npz", sums)
    again = read_sums(tmp_path / "sums.npz")
    texts = [canonical_json(summary(s, CLASSES, DECISIONS, PARAMS)) for s in (sums, again)]
    assert texts[0] == texts[1]
    for field in fields(Sums):
        if isinstance(getattr(sums, field.name), np.ndarray):
            assert getattr(again, field.name).dtype == getattr(sums, field.name).dtype, field.name
            assert np.array_equal(getattr(again, field.name), getattr(sums, field.name)), field.name
    assert again.attributes["modality"].tolist() == sums.attributes["modality"].tolist()


def test_the_same_sums_are_the_same_bytes_in_any_order_and_at_any_time(sums: Sums, tmp_path: Path) -> None:
    write_sums(tmp_path / "a.npz", sums)
    write_sums(tmp_path / "b.npz", stacked(measured(decisions=DECISIONS)[::-1], CLASSES))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        entries = archive.infolist()
    assert {e.date_time for e in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {e.compress_type for e in entries} == {zipfile.ZIP_STORED}
    assert [e.filename for e in entries] == sorted(e.filename for e in entries)


def test_sums_that_are_missing_empty_or_damaged_are_refused(sums: Sums, tmp_path: Path) -> None:
    write_nothing(tmp_path / "empty.npz")
    (tmp_path / "damaged.npz").write_bytes(b"PK no archive")
    for name in ("missing.npz", "empty.npz", "damaged.npz"):
        with pytest.raises(IntegrityError, match="dvc repro evaluate"):
            read_sums(tmp_path / name)


def test_no_image_without_an_object_changes_the_order_of_sizes(sums: Sums) -> None:
    ones = np.ones(len(sums), dtype=np.int64)
    labelled = sums.sized[:, :, [0, 2]].sum(axis=(0, 2, 3))
    assert labelled.sum() == sums.counted[:, 0].sum()
    assert labelled.max() - labelled.min() <= 0.15 * labelled.sum()  # thirds, but for objects of one area
    told = size_figures(sums, ones, [0, 1])
    for name, parts in told.items():
        assert 0 <= parts["recall"] <= 1 and 0 <= parts["precision"] <= 1, name


def test_the_sizes_add_up_to_the_whole(sums: Sums) -> None:
    tp, fp, fn, right = sums.sized.sum(axis=(0, 1))
    assert tp.tolist() == right.tolist() == sums.matches[:, 0, 0].sum(axis=0).tolist()
    assert fp.tolist() == sums.matches[:, 1, 0].sum(axis=0).tolist()
    assert fn.tolist() == sums.matches[:, 2, 0].sum(axis=0).tolist()


def test_crowding_divides_the_images_by_objects_per_area(sums: Sums) -> None:
    parts, ends = by_crowding(sums)
    assert sum(part.astype(int) for part in parts.values()).tolist() == [1] * len(sums)
    assert ends["low"][1] < ends["middle"][0] <= ends["middle"][1] < ends["high"][0]
    assert sums.density.max() == pytest.approx(sums.counted[:, 0].sum(axis=1).max() / (140 * 180 / 1e6))


def test_images_of_one_density_are_one_slice() -> None:
    alike = stacked(measured(1) * 4, CLASSES)
    assert [part.sum() for part in by_crowding(alike)[0].values()] == [4]


def test_images_without_the_attribute_are_unknown(sums: Sums) -> None:
    assert {name: int(part.sum()) for name, part in by_attribute(sums, "microscope").items()} == {"unknown": len(sums)}


def test_kinds_of_mistakes_add_up_to_what_f1_lacks(sums: Sums) -> None:
    found = figures(sums, np.array([2, 0, 1, 1, 0, 3, 1, 1]))
    kinds = [found[f"{kind}_error"] for kind in ("class", "splitting", "outline", "missed", "invented")]
    assert sum(kinds) == pytest.approx(1 - found["f1"])
    assert min(kinds) >= 0
    assert found["merge_rate"] == found["num_merged"] / (sums.counted[:, 0].sum(axis=1) @ [2, 0, 1, 1, 0, 3, 1, 1])
