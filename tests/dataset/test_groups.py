"""What belongs together is found from labels and pixels, and joined."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from segwise.dataset import coco
from segwise.dataset.splits import groups
from segwise.types import Image
from tests.dataset.textures import quarters, texture


def record(name: str, group: str) -> coco.ImageRecord:
    return coco.ImageRecord(1, name, 8, 8, group, None, {}, ())


def links(images: list[Image], names: list[str] | None = None) -> groups.Links:
    records = [record(f"{i}.png", f"{i}.png" if names is None else names[i]) for i in range(len(images))]
    return groups.find(records, [groups.traits(np.ascontiguousarray(image)) for image in images])


def ends(found: groups.Links, kind: str) -> list[tuple[int, int]]:
    return [(link.first, link.second) for link in found.of([kind])]


@given(st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.tuples(*[st.integers(0, n - 1)] * 2)))))
def test_joined_sets_are_the_connected_components(case: tuple[int, list[tuple[int, int]]]) -> None:
    number, pairs = case
    labels = groups.union(number, pairs)
    a, b = (np.array([p[k] for p in pairs], int) for k in (0, 1))
    _, expected = connected_components(coo_array((np.ones(len(pairs)), (a, b)), shape=(number, number)), directed=False)
    first = {label: index for index, label in reversed(list(enumerate(expected.tolist())))}
    assert labels.tolist() == [first[label] for label in expected.tolist()]
    members = groups.members(labels)
    assert sorted(index for m in members for index in m) == list(range(number)) and all(
        len(set(labels[m])) == 1 for m in members
    )


def test_each_kind_of_link_is_found_and_says_why() -> None:
    photo = texture(50, (300, 400), grain_px=12)
    scenes = [texture(seed) for seed in range(6)]
    images = [*quarters(texture(9, (300, 400))), scenes[0], scenes[0].copy(), scenes[1], scenes[1][:, ::-1]]
    images += [photo[:240, :300], photo[50:, 90:], *scenes[2:]]
    found = links(images, [f"g{min(i, 12)}" for i in range(len(images))])
    assert {(a, b) for a, b in ends(found, "tile")} == {(0, 1), (2, 3), (0, 2), (1, 3)}
    assert ends(found, "identical") == [(4, 5)]
    assert ends(found, "duplicate") == [(6, 7)]
    assert ends(found, "overlap") == [(8, 9)]
    assert ends(found, "group") == [(12, 13)]
    said = {link.kind: link.said for link in found.all}
    assert said["group"] == "group g12" and said["identical"] == "the same pixels"
    assert "mirrored" in next(link.said for link in found.of(["duplicate"]) if link.first == 6)
    assert "edge: correlation" in said["tile"] and "places agree" in said["overlap"]


def test_only_the_kinds_asked_for_are_looked_for() -> None:
    seen = [groups.traits(texture(seed), ["group"]) for seed in (1, 1, 2)]
    assert all(t.rim is None and t.keys is None for t in seen)
    found = groups.find([record("a", "g"), record("b", "h"), record("c", "g")], seen, ["group"])
    assert [(link.kind, link.first, link.second) for link in found.all] == [("group", 0, 2)]
    assert found.tiling is None


def test_a_group_of_many_images_costs_one_link_an_image() -> None:
    records = [record(f"{i}.png", "all") for i in range(500)]
    assert len(groups.given(records)) == 499


def test_images_of_any_size_are_described_and_compared() -> None:
    sizes = [(1, 1), (1, 500), (2, 3), (31, 31), (3000, 7), (1, 1), (40, 33)]
    noise = [
        np.random.default_rng(seed).integers(0, 255, (*size, 3), dtype=np.uint8) for seed, size in enumerate(sizes)
    ]
    assert ends(links(noise), "tile") == ends(links(noise), "overlap") == ends(links(noise), "identical") == []
