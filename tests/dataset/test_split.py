"""A split divides images, never what belongs together, is balanced, and does not move when data is added."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from segwise.config import parse
from segwise.dataset import coco
from segwise.dataset.params import SplitParams
from segwise.dataset.splits import balance, record, split
from segwise.dataset.splits.groups import Link
from segwise.errors import DataInvalidError, UsageError
from segwise.types import ClassInfo

HASH = SplitParams(method="hash")
DRAWN = SplitParams(method="stratified")


def image(name: str, group: str, kind: str = "a") -> coco.ImageRecord:
    return coco.ImageRecord(1, name, 8, 8, group, None, {"kind": kind}, ())


def many(num_groups: int, start: int = 0) -> list[coco.ImageRecord]:
    return [image(f"{g}_{i}.png", f"g{g}") for g in range(start, start + num_groups) for i in range(3)]


def divide(
    records: Iterable[coco.ImageRecord],
    params: SplitParams,
    links: list[tuple[str, str]] | None = None,
    recorded: dict[str, str] | None = None,
) -> split.Division:
    """Divide; links are pairs of file names, beside the groups of the records."""
    rows = sorted(records, key=lambda r: r.file_name)
    place = {r.file_name: i for i, r in enumerate(rows)}
    pairs = [tuple(sorted((place[a], place[b]))) for a, b in links or ()]
    of_group = {}
    for index, row in enumerate(rows):
        pairs += [(of_group[row.group], index)] if row.group in of_group else []
        of_group[row.group] = index
    tied = [Link("tile", a, b, "said") for a, b in pairs]
    return split.assign(rows, params, balance.amounts(rows, (ClassInfo(1, "disc", True),)), tied, recorded)


def split_of(division: split.Division) -> dict[str, str]:
    return dict(zip(division.names, division.chosen, strict=True))


def test_the_given_split_is_taken(tiny_dataset: Path) -> None:
    images = coco.read(tiny_dataset).images
    for method in ("given", "auto"):
        division = divide(images, SplitParams(method=method))
        assert split_of(division) == {r.file_name: r.split for r in images}
        assert division.method == "given"


def test_a_missing_split_is_refused_by_image_where_all_must_be_given(tiny_dataset: Path) -> None:
    first, *rest = coco.read(tiny_dataset).images
    with pytest.raises(DataInvalidError, match=r"image_000\.png"):
        divide([replace(first, split=None), *rest], SplitParams(method="given"))


def test_an_unknown_split_is_refused_by_image(tiny_dataset: Path) -> None:
    first, *rest = coco.read(tiny_dataset).images
    with pytest.raises(DataInvalidError, match=r"holdout.*image_000\.png"):
        divide([replace(first, split="holdout"), *rest], SplitParams())


def test_auto_keeps_what_is_given_and_draws_the_rest(tiny_dataset: Path) -> None:
    images = list(coco.read(tiny_dataset).images)
    added = many(20)
    division = divide([*images, *added], SplitParams())
    chosen = split_of(division)
    assert all(chosen[r.file_name] == r.split for r in images)
    assert {chosen[r.file_name] for r in added} == {"train", "val", "test"}
    assert (division.method, division.num_drawn) == ("stratified", 60)


@st.composite
def growing(draw: st.DrawFn) -> tuple[list[coco.ImageRecord], list[coco.ImageRecord], list[tuple[str, str]], int]:
    """Images A, images B that come later, and links of which each touches B; names are mixed."""
    number = draw(st.integers(30, 60))
    order = draw(st.permutations(range(number + 20)))
    groups = draw(st.lists(st.integers(0, 25), min_size=number + 20, max_size=number + 20))
    kinds = draw(st.lists(st.sampled_from("aab"), min_size=number + 20, max_size=number + 20))
    rows = [image(f"{order[i]:03}.png", f"g{groups[i]}", kinds[i]) for i in range(number + 20)]
    old, new = rows[:number], rows[number:]
    ends = st.tuples(st.sampled_from(new), st.sampled_from(rows))
    links = [(a.file_name, b.file_name) for a, b in draw(st.lists(ends, max_size=25)) if a is not b]
    return old, new, links, draw(st.integers(0, 1000))


@settings(max_examples=60, deadline=None)
@given(growing(), st.sampled_from(["stratified", "hash"]))
def test_an_image_never_changes_its_split_when_data_is_added_even_if_it_joins_groups(data, method) -> None:
    old, new, links, seed = data
    params = SplitParams(method=method, seed=seed)
    try:
        before = split_of(divide(old, params))
    except DataInvalidError:
        reject()  # a split stayed empty: too few groups for this seed
    after = split_of(divide([*old, *new], params, links, recorded=before))
    assert {name: after[name] for name in before} == before
    group = {r.file_name: r.group for r in (*old, *new)}
    names = [r.file_name for r in (*old, *new)]
    tied = [*links, *((a, b) for a in names for b in names if group[a] == group[b])]
    across = [(a, b) for a, b in tied if after[a] != after[b] and split.LEFT_OUT not in (after[a], after[b])]
    assert across == []


@pytest.mark.parametrize("method", ["stratified", "hash"])
def test_dividing_again_with_the_record_changes_nothing(method: str) -> None:
    params = SplitParams(method=method)
    first = divide(many(40), params)
    again = divide(many(40), params, recorded=split_of(first))
    assert (again.chosen, again.method, again.labels) == (first.chosen, first.method, first.labels)
    assert (first.num_drawn, again.num_drawn) == (120, 0)


def test_new_images_follow_the_split_of_what_they_belong_to() -> None:
    before = split_of(divide(many(40), DRAWN))
    test_image = next(name for name, part in before.items() if part == "test")
    added = [image("new_1.png", "new_1"), image("new_2.png", "new_2")]
    links = [("new_1.png", test_image), ("new_2.png", "new_1.png")]
    after = split_of(divide([*many(40), *added], DRAWN, links, recorded=before))
    assert (after["new_1.png"], after["new_2.png"]) == ("test", "test")


def test_a_new_image_that_ties_two_splits_is_left_out_or_refused_with_both_names() -> None:
    before = split_of(divide(many(40), DRAWN))
    ends = [next(name for name, part in before.items() if part == wanted) for wanted in ("train", "test")]
    rows, links = [*many(40), image("new.png", "new")], [("new.png", end) for end in ends]
    division = divide(rows, DRAWN, links, recorded=before)
    assert division.left_out == ["new.png"]
    later = divide([*rows, image("later.png", "later")], DRAWN, [*links, ("later.png", "new.png")], split_of(division))
    assert later.left_out == ["later.png", "new.png"]
    with pytest.raises(DataInvalidError, match=rf"new\.png, tied to {ends[1]} in test, {ends[0]} in train"):
        divide(rows, SplitParams(method="stratified", joined="refuse"), links, recorded=before)


@pytest.mark.parametrize("params", [HASH, DRAWN])
def test_what_belongs_together_shares_a_split_whatever_the_order_and_another_seed_divides_anew(params) -> None:
    chosen = split_of(divide(many(300), params))
    assert all(chosen[f"{g}_0.png"] == chosen[f"{g}_1.png"] == chosen[f"{g}_2.png"] for g in range(300))
    assert chosen == split_of(divide(reversed(many(300)), params))
    assert chosen != split_of(divide(many(300), params.model_copy(update={"seed": 1})))


def test_a_hashed_split_comes_near_the_fractions_and_a_stratified_one_meets_them() -> None:
    hashed, drawn = (divide(many(2000), params).num_groups for params in (HASH, DRAWN))
    assert abs(hashed["train"] - 1400) < 60
    assert drawn == {"train": 1400, "val": 300, "test": 300}


def test_a_rare_kind_is_in_every_split_where_a_plain_draw_forgets_it() -> None:
    rows = [image(f"{i}.png", f"{i}", "rare" if i % 20 == 0 else "usual") for i in range(140)]
    counts = {}
    for params in (HASH, DRAWN):
        chosen = split_of(divide(rows, params))
        rare = [chosen[r.file_name] for r in rows if r.attributes["kind"] == "rare"]
        counts[params.method] = [rare.count(part) for part in ("train", "val", "test")]
    assert counts["stratified"] == [5, 1, 1]
    assert counts["hash"] != counts["stratified"]


def test_the_table_says_how_far_each_share_is_from_its_fraction(tiny_dataset: Path) -> None:
    data = coco.read(tiny_dataset)
    found = balance.amounts(data.images, data.classes)
    parts = [r.split for r in data.images]
    table = balance.table(found, parts, {"train": 0.5, "val": 0.25, "test": 0.25})
    rows = {(row["kind"], row["name"]): row for row in table["rows"]}
    assert rows["images", "all"]["train"] == {"amount": 8, "share": round(8 / 12, 4)}
    assert rows["images", "all"]["error"] == pytest.approx(8 / 12 - 0.5, abs=1e-3)
    in_val = sum(len(r.annotations) for r in data.images if r.split == "val")
    assert rows["class_objects", "disc"]["val"]["amount"] == in_val
    area = sum(a.area_px or 0 for r in data.images if r.split == "test" for a in r.annotations)
    assert rows["class_pixels", "disc"]["test"]["amount"] == area
    assert rows["attribute", "modality: histology"]["train"]["amount"] == 4
    assert not any(row["kind"] == "attribute" and row["name"].startswith("size") for row in table["rows"])
    assert np.isclose(found.weights.sum(), 3 + 5)  # images, three of classes, counts, modality


def test_an_empty_part_is_refused() -> None:
    with pytest.raises(DataInvalidError, match="none of 1"):
        divide([image("a.png", "a")], HASH)


def test_fractions_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(UsageError, match="add up to 1"):
        parse(SplitParams, {"fractions": {"train": 0.9, "val": 0.2, "test": 0.2}}, "params.yaml")


def test_the_record_is_read_as_it_was_written_and_only_grows(tmp_path: Path) -> None:
    path = tmp_path / "splits.json"
    kept = record.for_params(record.read(path), DRAWN).with_images(
        {"b" * 64: ("test", "b.png"), "a" * 64: ("val", "ä")}
    )
    path.write_text(record.as_text(kept), encoding="utf-8")
    read = record.for_params(record.read(path), DRAWN)
    assert (read.split_of("b" * 64), read.split_of("a" * 64), read.split_of("c" * 64)) == ("test", "val", None)
    grown = read.with_images({"b" * 64: ("train", "b.png"), "c" * 64: ("left_out", "c.png")})
    assert (grown.split_of("b" * 64), grown.split_of("c" * 64)) == ("test", "left_out")
    assert len(set(record.as_text(grown).splitlines()) - set(record.as_text(read).splitlines())) == 2


@pytest.mark.parametrize(
    "change", [{"seed": 3}, {"method": "hash"}, {"fractions": {"train": 0.6, "val": 0.2, "test": 0.2}}]
)
def test_another_seed_method_or_fraction_forgets_the_record(change: dict[str, object]) -> None:
    kept = record.for_params(record.Record(), DRAWN).with_images({"a" * 64: ("test", "a.png")})
    assert record.for_params(kept, DRAWN).split_of("a" * 64) == "test"
    other = parse(SplitParams, {"method": "stratified", **change}, "params.yaml")
    assert record.for_params(kept, other).split_of("a" * 64) is None


@pytest.mark.parametrize("text", ["", "[]", '{"images": {}}', '{"drawn_with": {}, "images": {"a": ["exam", "a.png"]}}'])
def test_a_broken_record_is_refused_by_its_path(text: str, tmp_path: Path) -> None:
    path = tmp_path / "splits.json"
    path.write_text(text)
    with pytest.raises(DataInvalidError, match=r"splits\.json") as refused:
        record.read(path)
    assert "git checkout" in refused.value.remedy
