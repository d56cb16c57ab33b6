from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from segwise.dataset import coco
from segwise.dataset.loader import (
    Crops,
    Draws,
    Source,
    attribute_weights,
    flatten,
    instance_targets,
    label_layers,
    train_loader,
    validation_loader,
)
from segwise.dataset.transforms import Cropper, CropSpec, seed_of
from segwise.types import IGNORE_INDEX, Objects
from tests.factory import annotation, write_labels

CHANCES = {"brightness_p": 0.5, "colour_p": 0.5, "invert_p": 0.2, "grey_p": 0.2, "blur_p": 0.2, "noise_p": 0.2}
NORM = ((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))


def crops(
    root: Path, kind: str = "dense", spec: CropSpec | None = None, ignored: frozenset[int] = frozenset()
) -> Crops:
    dataset = coco.read(root)
    source = Source(dataset, dataset.images, ignored)
    return Crops(source, Cropper(spec or CropSpec(64, 1.5, 1.25, CHANCES), True), kind, NORM, 0)  # type: ignore[arg-type]


def plain(side: int = 64, zoom: float = 1.0) -> CropSpec:
    return CropSpec(side, zoom, 1.0, {})


def test_a_draw_is_a_function_of_its_numbers_alone(tiny_dataset: Path) -> None:
    first, second = crops(tiny_dataset), crops(tiny_dataset)
    second[(3, 0)], second[(1, 5)]
    ours, theirs = first[(1, 2)], second[(1, 2)]
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    assert not torch.equal(first[(1, 3)]["image"], ours["image"])


SEEN = {
    "all": {"as it is", "left-right", "up-down", "both", "turned"},
    "mirrored": {"as it is", "left-right", "up-down", "both"},
    "left-right": {"as it is", "left-right"},
    "up-down": {"as it is", "up-down"},
    "none": {"as it is"},
}


@pytest.mark.parametrize("turns", SEEN)
def test_only_the_allowed_turns_are_drawn(turns: str) -> None:
    image = np.random.default_rng(0).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    moves = {
        "as it is": image,
        "left-right": image[:, ::-1],
        "up-down": image[::-1],
        "both": image[::-1, ::-1],
    }
    cropper = Cropper(CropSpec(32, 1.0, 1.0, {}, turns), True)
    empty, layers = np.zeros((32, 32), dtype=np.uint8), np.zeros((1, 32, 32), dtype=np.int32)
    drawn = [cropper(image, empty, layers, seed)[0] for seed in range(60)]
    names = {next((n for n, m in moves.items() if np.array_equal(m, crop)), "turned") for crop in drawn}
    assert names == SEEN[turns]


def test_worker_processes_give_the_batches_that_no_workers_give(tiny_dataset: Path) -> None:
    none, two = (
        [batch["image"] for batch in train_loader(crops(tiny_dataset), Draws(12, 2, 4, 0), workers)]
        for workers in (0, 2)
    )
    assert len(none) == 2
    assert all(torch.equal(a, b) for a, b in zip(none, two, strict=True))


def test_every_image_is_drawn_once_a_round_and_steps_follow_on_one_another() -> None:
    draws, seen = Draws(count=7, steps=1, batch_size=5, seed=1), []
    for step in range(7):
        draws.position = lambda step=step: step  # type: ignore[misc]
        seen += list(draws)
    assert [number for _, number in seen] == list(range(35))
    assert all(sorted(index for index, _ in seen[i : i + 7]) == list(range(7)) for i in range(0, 35, 7))


def test_an_image_drawn_twice_in_a_round_shows_two_crops(tiny_dataset: Path) -> None:
    data = crops(tiny_dataset)
    count = len(data.source.records)
    drawn = list(Draws(count, steps=1, batch_size=count, seed=0, weights=np.array([1.0] + [1e-9] * (count - 1))))
    assert {index for index, _ in drawn} == {0}
    images = [data[draw]["image"] for draw in drawn]
    assert not any(torch.equal(a, b) for i, a in enumerate(images) for b in images[:i])


def test_draws_of_one_image_never_share_a_seed_however_long_the_training() -> None:
    numbers = [*range(20_000), *range(2**32 - 100, 2**32)]
    assert len({seed_of(3, number, 7) for number in numbers}) == len(numbers)


def test_rare_values_of_an_attribute_are_drawn_as_often_as_common_ones(tiny_dataset: Path) -> None:
    records = coco.read(tiny_dataset).images
    few = [records[0], *[r for r in records if r.attributes["modality"] != records[0].attributes["modality"]]]
    weights = attribute_weights(few, "modality", 1.0)
    assert weights is not None
    drawn = [index for index, _ in Draws(len(few), 1000, 4, 0, weights)]
    assert drawn.count(0) / 4000 == pytest.approx(0.5, abs=0.04)
    assert attribute_weights(few, "no such attribute", 1.0) is None


def test_an_enlarged_crop_holds_what_the_image_holds(tiny_dataset: Path) -> None:
    item = crops(tiny_dataset, spec=plain(side=128, zoom=2.0))[(0, 0)]
    bright = item["image"].mean(0) > 0  # discs are the bright part of the first image
    agree = (bright == (item["class_map"] == 1)).float().mean()
    assert item["image"].shape == (3, 128, 128)
    assert agree > 0.97


def test_a_crop_larger_than_the_image_is_filled_with_pixels_that_do_not_count(tiny_dataset: Path) -> None:
    item = crops(tiny_dataset, spec=plain(side=128, zoom=1.0))[(0, 0)]
    ignored = (item["class_map"] == IGNORE_INDEX).sum().item()
    assert ignored == 128 * (128 - 96)


def test_an_ignored_class_leaves_no_pixel_and_no_object(tiny_dataset: Path) -> None:
    item = crops(tiny_dataset, spec=plain(), ignored=frozenset({1}))[(0, 0)]
    assert not (item["class_map"] == 1).any()
    assert (item["class_map"] == IGNORE_INDEX).any()
    assert not item["thing"].any()


def test_overlapping_objects_come_back_whole_as_instance_targets() -> None:
    masks = np.zeros((3, 20, 20), dtype=bool)
    masks[0, 2:10, 2:10], masks[1, 6:14, 6:14], masks[2, 15:19, 2:8] = True, True, True
    layers = label_layers(Objects.from_masks(list(masks), [1, 2, 1], [1, 1, 1], (20, 20)))
    found = instance_targets(layers, np.array([1, 2, 1]))
    assert layers.shape == (2, 20, 20)
    order = np.lexsort(found["boxes"].numpy().T[::-1])
    assert found["boxes"].numpy()[order].tolist() == [[2, 2, 10, 10], [2, 15, 8, 19], [6, 6, 14, 14]]
    assert found["labels"].numpy()[order].tolist() == [1, 1, 2]
    np.testing.assert_array_equal(found["masks"].numpy()[order].astype(bool), masks[[0, 2, 1]])
    assert set(np.unique(flatten(layers))) == {0, 1, 2, 3}


def test_training_sees_the_owners_that_the_class_map_shows(tmp_path: Path) -> None:
    """A small object inside a large one is on top, whatever the order of the label file."""
    small, large = np.zeros((2, 40, 40), dtype=bool)
    small[10:16, 10:16], large[2:38, 2:38] = True, True
    for order in ((small, large), (large, small)):
        root = tmp_path / str(int(order[0].sum()))
        (root / "images").mkdir(parents=True)
        Image.fromarray(np.zeros((40, 40, 3), dtype=np.uint8)).save(root / "images" / "a.png")
        classes = [{"id": i, "name": name, "isthing": 1} for i, name in ((1, "small"), (2, "large"))]
        labels = [annotation(m, i, 1, 1 if m is small else 2) for i, m in enumerate(order, start=1)]
        image = {"id": 1, "file_name": "a.png", "height": 40, "width": 40}
        write_labels(root, {"images": [image], "annotations": labels, "categories": classes})
        dataset = coco.read(root)
        sample = Source(dataset, dataset.images).sample(0)
        owned = np.concatenate([[0], sample.class_ids])[flatten(sample.layers)]
        np.testing.assert_array_equal(owned, sample.class_map)
        assert (sample.class_map == 1).sum() == small.sum()


def test_instance_targets_tell_what_is_ignored(tiny_dataset: Path) -> None:
    item = crops(tiny_dataset, "instance", plain(), ignored=frozenset({1}))[(0, 0)]
    whole = crops(tiny_dataset, spec=plain(), ignored=frozenset({1}))[(0, 0)]
    assert item["ignored"].any()
    assert torch.equal(item["ignored"], whole["class_map"] == IGNORE_INDEX)


def test_an_image_without_objects_has_empty_instance_targets() -> None:
    found = instance_targets(np.zeros((1, 16, 16), dtype=np.int32), np.zeros(0, dtype=np.int64))
    assert {key: tuple(value.shape) for key, value in found.items()} == {
        "boxes": (0, 4), "labels": (0,), "masks": (0, 16, 16)
    }  # fmt: skip


def test_validation_shows_every_image_and_the_same_crops_each_time(tiny_dataset: Path) -> None:
    loader = validation_loader(crops(tiny_dataset), 8)
    first, second = ([batch["image"] for batch in loader] for _ in range(2))
    assert sum(len(batch) for batch in first) == 32
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
