"""A split divides images, never groups, and does not move when data is added."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwise.config import parse
from segwise.dataset import coco
from segwise.dataset.params import SplitParams
from segwise.dataset.split import assign
from segwise.errors import DataInvalidError, UsageError

HASH = SplitParams(method="hash")


def records(groups: dict[str, str]) -> list[coco.ImageRecord]:
    return [coco.ImageRecord(i, name, 8, 8, group, None, {}, ()) for i, (name, group) in enumerate(groups.items())]


def many(num_groups: int) -> list[coco.ImageRecord]:
    return records({f"{g}_{i}.png": f"g{g}" for g in range(num_groups) for i in range(3)})


def test_the_given_split_is_taken(tiny_dataset: Path) -> None:
    images = coco.read(tiny_dataset).images
    parts = assign(images, SplitParams())
    assert {name for names in parts.values() for name in names} == {r.file_name for r in images}
    assert all(r.file_name in parts[str(r.split)] for r in images)


def test_a_divided_group_is_refused_by_name(tiny_dataset: Path) -> None:
    first, *rest = coco.read(tiny_dataset).images
    with pytest.raises(DataInvalidError, match="g00") as refused:
        assign([replace(first, split="test"), *rest], SplitParams())
    assert refused.value.exit_code == 4


def test_a_missing_split_is_refused_by_image(tiny_dataset: Path) -> None:
    first, *rest = coco.read(tiny_dataset).images
    with pytest.raises(DataInvalidError, match=r"image_000\.png"):
        assign([replace(first, split=None), *rest], SplitParams())


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), num_groups=st.integers(60, 90), added=st.integers(1, 30))
def test_an_image_never_changes_its_split_when_data_is_added(seed: int, num_groups: int, added: int) -> None:
    params = SplitParams(method="hash", seed=seed)
    before, after = assign(many(num_groups), params), assign(many(num_groups + added), params)
    assert all(set(before[split]) <= set(after[split]) for split in before)


def test_a_hashed_split_keeps_groups_whole_and_fractions_near() -> None:
    parts = assign(many(2000), HASH)
    groups = {split: {name.split("_")[0] for name in names} for split, names in parts.items()}
    assert not groups["train"] & groups["val"]
    assert not groups["train"] & groups["test"]
    assert abs(len(groups["train"]) / 2000 - 0.7) < 0.03
    assert parts == assign(list(reversed(many(2000))), HASH)
    assert parts != assign(many(2000), SplitParams(method="hash", seed=1))


def test_an_empty_part_is_refused() -> None:
    with pytest.raises(DataInvalidError, match="none of 1"):
        assign(records({"a.png": "a"}), HASH)


def test_fractions_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(UsageError, match="add up to 1"):
        parse(SplitParams, {"fractions": {"train": 0.9, "val": 0.2, "test": 0.2}}, "params.yaml")
