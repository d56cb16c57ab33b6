"""Cityscapes' maps and those of sets that are named alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segwise.dataset.formats import cityscapes
from segwise.dataset.formats.cityscapes_labels import LABELS
from segwise.dataset.formats.delivery import Delivery, Options
from segwise.dataset.formats.folder import Folder
from segwise.errors import DataInvalidError
from tests.dataset.formats.drawn import Pixels, checks, labels, pictures, shape, shapes, write, write_image

ROAD, CAR, PERSON = 7, 26, 24


def label_ids() -> Pixels:
    """Objects 1 and 2 are cars, object 3 is a person, all else is road."""
    return np.array([ROAD, CAR, CAR, PERSON], np.uint8)[labels()]


def instance_ids() -> Pixels:
    """The same, but the person is one of a group that nobody counted."""
    return np.array([ROAD, CAR * 1000, CAR * 1000 + 1, PERSON], np.uint16)[labels()]


def write_set(root: Path, split: str = "train", name: str = "ulm_000000_000019", **maps: Pixels) -> None:
    city = name.split("_")[0]
    write_image(root / f"leftImg8bit/{split}/{city}/{name}_leftImg8bit.png")
    for kind, pixels in maps.items():
        write(root / f"gtFine/{split}/{city}/{name}_gtFine_{kind}.png", pixels)


def deliver(root: Path, *names: str) -> Delivery:
    return cityscapes.read(Folder(root), Options(names))


EXPECTED = sorted(
    [shape("road", labels() == 0), shape("car", labels() == 1), shape("car", labels() == 2),
     shape("person", labels() == 3, is_crowd=True)]
)  # fmt: skip


def test_the_table_has_the_nineteen_evaluated_classes_in_the_order_of_their_train_ids() -> None:
    trained = sorted((label for label in LABELS if not label.is_ignored), key=lambda label: label.train_id)
    assert [label.train_id for label in trained] == list(range(19))
    assert [label.name for label in trained if label.has_instances] == [
        "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle"]  # fmt: skip
    assert [label.id for label in LABELS] == list(range(34))


@pytest.mark.parametrize("kinds", [("labelIds", "instanceIds"), ("instanceIds",)])
def test_instances_are_things_groups_are_crowds_and_the_rest_is_stuff(tmp_path: Path, kinds: tuple[str, ...]) -> None:
    maps = {"labelIds": label_ids(), "instanceIds": instance_ids()}
    write_set(tmp_path, **{kind: maps[kind] for kind in kinds})
    (tmp_path / "gtFine/train/ulm/ulm_000000_000019_gtFine_polygons.json").write_text("{}")
    write(tmp_path / "gtFine/train/ulm/ulm_000000_000019_gtFine_color.png", label_ids())
    assert cityscapes.looks_like(Folder(tmp_path))
    delivery = deliver(tmp_path)
    assert shapes(delivery.pictures[0]) == EXPECTED and checks(delivery) == []
    things = {c.name: c.isthing for c in delivery.categories}
    assert len(things) == 19 and things["car"] and not things["road"]


@pytest.mark.parametrize("kind", ["labelIds", "labelTrainIds"])
def test_without_instances_every_class_is_stuff(tmp_path: Path, kind: str) -> None:
    train_ids = {ROAD: 0, CAR: 13, PERSON: 11}
    values = label_ids() if kind == "labelIds" else np.vectorize(train_ids.get)(label_ids()).astype(np.uint8)
    write_set(tmp_path, **{kind: values})
    delivery = deliver(tmp_path)
    cars = np.isin(labels(), (1, 2))
    expected = [shape("road", labels() == 0), shape("car", cars), shape("person", labels() == 3)]
    assert shapes(delivery.pictures[0]) == sorted(expected)
    assert not any(c.isthing for c in delivery.categories)


def test_ignored_labels_are_a_crowd_of_each_thing_class_and_named_once(tmp_path: Path) -> None:
    values, instances = label_ids(), instance_ids()
    values[0], instances[0] = 9, 9  # parking
    values[1], instances[1] = 255, 255
    write_set(tmp_path, labelIds=values, instanceIds=instances)
    delivery = deliver(tmp_path)
    void = np.isin(values, (9, 255))
    crowds = [shape(name, void, is_crowd=True) for name in ("car", "person")]
    objects = [found for found in EXPECTED if found[0] != "road"]
    assert shapes(delivery.pictures[0]) == sorted([*objects, *crowds, shape("road", values == ROAD)])
    assert [(f.check, "parking" in f.came) for f in delivery.findings] == [("ignored labels", True)]


def test_the_city_is_the_group_and_the_folder_the_split(tmp_path: Path) -> None:
    write_set(tmp_path, "train", "ulm_000000_000019", labelIds=label_ids())
    write_set(tmp_path, "val", "bonn_000003_000019", labelIds=label_ids())
    write_set(tmp_path, "val", "mine", labelIds=label_ids())
    assert {p.file_name.split("/")[-1]: (p.group, p.split) for p in deliver(tmp_path).pictures} == {
        "ulm_000000_000019_leftImg8bit.png": ("ulm", "train"),
        "bonn_000003_000019_leftImg8bit.png": ("bonn", "val"),
        "mine_leftImg8bit.png": ("mine", "val"),
    }


def test_fine_maps_come_before_coarse_ones_of_the_same_image(tmp_path: Path) -> None:
    write_set(tmp_path, labelIds=label_ids())
    write(tmp_path / "gtCoarse/train/ulm/ulm_000000_000019_gtCoarse_labelIds.png", label_ids() * 0 + np.uint8(23))
    assert {s[0] for s in shapes(deliver(tmp_path).pictures[0])} == {"road", "car", "person"}


def test_a_set_of_its_own_labels_is_read_by_its_list(tmp_path: Path) -> None:
    values = np.array([0, 1, 1, 2], np.uint8)[labels()]
    instances = np.array([0, 1000, 1001, 2], np.uint16)[labels()]
    write_set(tmp_path, labelIds=values, instanceIds=instances)
    (tmp_path / "label_colors.txt").write_text("0 0 0 background\n10 20 30 cell\n40 50 60 sheet\n")
    delivery = deliver(tmp_path)
    assert shapes(delivery.pictures[0]) == sorted([
        shape("cell", labels() == 1), shape("cell", labels() == 2), shape("sheet", labels() == 3)])  # fmt: skip
    assert [(c.name, c.isthing, c.preferred_id) for c in delivery.categories] == [
        ("cell", True, 1),
        ("sheet", False, 2),
    ]


def test_labels_of_no_list_and_maps_that_disagree_are_told(tmp_path: Path) -> None:
    write_set(tmp_path, name="a_000000_000000", labelIds=label_ids() * 0 + np.uint8(77))
    values = label_ids()
    values[2, 3:6] = ROAD
    write_set(tmp_path, name="b_000000_000000", labelIds=values, instanceIds=instance_ids())
    delivery = deliver(tmp_path)
    assert [(f.check, f.severity, f.object_id) for f in delivery.findings] == [
        ("unknown value", "error", "gtFine/train/a/a_000000_000000_gtFine_labelIds.png"),
        ("maps disagree", "warning", "instance 26000")]  # fmt: skip
    assert "3 of its 48 pixels" in delivery.findings[1].came


def test_maps_without_images_and_images_without_maps_are_told(tmp_path: Path) -> None:
    write_set(tmp_path, labelIds=label_ids())
    (tmp_path / "leftImg8bit/train/ulm/ulm_000000_000019_leftImg8bit.png").rename(
        tmp_path / "leftImg8bit/train/ulm/ulm_000000_000020_leftImg8bit.png"
    )
    delivery = deliver(tmp_path)
    assert pictures(delivery) == {}
    assert checks(delivery) == [("file missing", "error", ""), ("no labels", "warning", "dropped")]
    with pytest.raises(DataInvalidError, match="labelIds"):
        cityscapes.read(Folder(tmp_path / "leftImg8bit"), Options())


def test_a_city_in_two_splits_is_grouped_by_sequence(tmp_path: Path) -> None:
    write_set(tmp_path, "train", "ulm_000000_000019", labelIds=label_ids())
    write_set(tmp_path, "val", "ulm_000001_000019", labelIds=label_ids())
    write_set(tmp_path, "val", "bonn_000003_000019", labelIds=label_ids())
    assert sorted(str(p.group) for p in deliver(tmp_path).pictures) == ["bonn", "ulm/000000", "ulm/000001"]
