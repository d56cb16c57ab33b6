"""The facts agree with slow and plain ways to get them."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import ndimage
from scipy.spatial import ConvexHull, Delaunay

from segwise.dataset import coco
from segwise.labels.facts import contacts, pixels, polygons, semantic, shapes
from segwise.labels.facts.outliers import MIN_MEMBERS, robust_z
from segwise.labels.facts.tables import fact_tables
from segwise.types import Objects
from tests.factory import annotation, make_dataset, read_labels, write_labels

SIZE = (40, 50)


def blobs(seed: int, number: int = 9) -> list[np.ndarray]:
    """Ragged random masks that overlap, some in several parts or with holes."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(number):
        mask = np.zeros(SIZE, dtype=bool)
        y, x, side = rng.integers(0, 28), rng.integers(0, 38), rng.integers(4, 12)
        mask[y : y + side, x : x + side] = rng.random((min(side, 40 - y), min(side, 50 - x))) < 0.7
        out.append(mask)
    return out


def scene(masks: list[np.ndarray], class_ids: list[int], crowd: list[bool] | None = None) -> Objects:
    return Objects.from_masks(masks, class_ids, [1.0] * len(masks), SIZE, crowd)


def facts_of(things: Objects) -> dict[str, np.ndarray]:
    owners = contacts.owners_of(things)
    columns = shapes.shapes(things, owners)
    return columns | contacts.contacts(things, owners, columns["outline_px"]).columns


@pytest.mark.parametrize("seed", range(5))
def test_parts_holes_and_outline_are_those_of_plain_labelling(seed: int) -> None:
    masks = blobs(seed)
    found = shapes.shapes(scene(masks, [1] * 9), np.zeros(SIZE, np.uint16))
    corners, sides = np.ones((3, 3)), ndimage.generate_binary_structure(2, 1)
    for index, mask in enumerate(masks):
        padded = np.pad(mask, 1)
        parts, number = ndimage.label(padded, corners)
        assert found["num_parts"][index] == number
        assert found["num_holes"][index] == ndimage.label(~padded, sides)[1] - 1
        neighbours = ndimage.convolve(padded.astype(int), sides.astype(int)) - padded
        assert found["outline_px"][index] == (4 - neighbours[padded]).sum()
        areas = ndimage.sum_labels(padded, parts, range(1, number + 1))
        assert found["num_specks"][index] == (np.delete(areas, areas.argmax()) <= 4).sum()
        wide = ndimage.binary_dilation(ndimage.binary_erosion(np.pad(mask, 1, mode="edge"), corners), corners)
        thin = [n for n in range(1, number + 1) if not wide[parts == n].any()]
        assert found["thin_px"][index] == np.isin(parts, thin).sum()


@pytest.mark.parametrize("seed", range(5))
def test_solidity_is_the_share_of_the_pixels_whose_centres_lie_in_the_convex_hull(seed: int) -> None:
    masks = blobs(seed)
    found = shapes.shapes(scene(masks, [1] * 9), np.zeros(SIZE, np.uint16))["solidity"]
    everywhere = np.argwhere(np.ones(SIZE, dtype=bool))
    for mask, solidity in zip(masks, found, strict=True):
        points = np.argwhere(mask)
        inside = Delaunay(points[ConvexHull(points).vertices]).find_simplex(everywhere, tol=1e-9) >= 0
        assert solidity == pytest.approx(mask.sum() / inside.sum())


def test_a_straight_line_and_one_pixel_are_convex() -> None:
    line, dot = np.zeros(SIZE, dtype=bool), np.zeros(SIZE, dtype=bool)
    line[5, 3:30] = dot[20, 20] = True
    found = shapes.shapes(scene([line, dot], [1, 1]), np.zeros(SIZE, np.uint16))
    assert found["solidity"].tolist() == [1.0, 1.0]
    assert found["thin_px"].tolist() == [27, 1]


def test_the_gap_is_the_distance_to_the_largest_part_and_may_be_covered() -> None:
    parted, between = np.zeros(SIZE, dtype=bool), np.zeros(SIZE, dtype=bool)
    parted[10:20, 5:15] = parted[12:15, 25:28] = True
    between[8:22, 15:25] = True
    alone, both = facts_of(scene([parted], [1])), facts_of(scene([parted, between], [1, 2]))
    assert alone["gap_px"][0] == pytest.approx(11)  # from column 14 to column 25
    assert alone["gap_ratio"][0] == pytest.approx(11 / (2 * np.sqrt(100 / np.pi)))
    assert (alone["is_gap_covered"][0], both["is_gap_covered"][0]) == (False, True)


@pytest.mark.parametrize("seed", range(5))
def test_overlaps_are_those_of_all_pairs_of_masks(seed: int) -> None:
    masks, classes = blobs(seed, 12), [1, 2, 1] * 4
    crowd = [index == 5 for index in range(12)]
    found = facts_of(scene(masks, classes, crowd))
    owners = sum(m.astype(int) for i, m in enumerate(masks) if i != 5)
    for i, mask in enumerate(masks):
        others = [j for j in range(12) if j != i and 5 not in (i, j)]
        inter = {j: int((mask & masks[j]).sum()) for j in others}
        iou = {j: inter[j] / (mask | masks[j]).sum() for j in others}
        assert found["overlap_px"][i] == (0 if i == 5 else (owners[mask] > 1).sum())
        assert found["nested_share"][i] == pytest.approx(
            max((inter[j] / mask.sum() for j in others if classes[j] != classes[i]), default=0)
        )
        earlier = [iou[j] for j in others if j < i and classes[j] == classes[i]]
        assert found["earlier_iou"][i] == pytest.approx(max(earlier, default=0))
        smaller = [
            inter[j] / mask.sum()
            for j in others
            if classes[j] == classes[i] and (mask.sum(), -i) < (masks[j].sum(), -j) and iou[j] <= 0.99
        ]
        assert found["overlap_share"][i] == pytest.approx(max(smaller, default=0))


@pytest.mark.parametrize("seed", range(5))
def test_contacts_are_counted_side_by_side(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 7, size=(8, 10)).repeat(5, axis=0).repeat(5, axis=1)  # no overlaps
    masks, classes = [labels == n for n in range(1, 7)], [1, 1, 1, 2, 2, 2]
    found = facts_of(scene(masks, classes))
    near = {n: ndimage.binary_dilation(mask, np.ones((3, 3))) for n, mask in enumerate(masks)}
    for i, mask in enumerate(masks):
        lengths = {}
        for j in range(6):
            if i != j:
                pairs = [(mask[1:] & masks[j][:-1]), (mask[:-1] & masks[j][1:])]
                pairs += [(mask[:, 1:] & masks[j][:, :-1]), (mask[:, :-1] & masks[j][:, 1:])]
                lengths[j] = sum(int(p.sum()) for p in pairs) / found["outline_px"][i]
        same = {j: v for j, v in lengths.items() if classes[j] == classes[i]}
        assert found["contact_share"][i] == pytest.approx(max(same.values()))
        assert same[int(found["contact_id"][i])] == pytest.approx(max(same.values()))
        assert found["any_contact_share"][i] == pytest.approx(sum(lengths.values()))
        assert found["host_share"][i] == pytest.approx(max(lengths.values()))
        assert found["is_touching"][i] == any((near[i] & masks[j]).any() for j in same)


def test_pixels_of_several_objects_are_counted_once_less_than_owned() -> None:
    masks = [np.zeros(SIZE, dtype=bool) for _ in range(4)]
    for index, mask in enumerate(masks):
        mask[5 * index : 5 * index + 10, 5 * index : 5 * index + 10] = True
    masks[3][:] = True
    things = scene(masks, [1, 1, 2, 1], [False, False, False, True])
    owners = contacts.owners_of(things)
    found = contacts.contacts(things, owners, shapes.shapes(things, owners)["outline_px"])
    assert found.overlap_px == 50
    assert found.columns["overlap_px"].tolist() == [25, 50, 25, 0]
    assert found.shared_px == {1: 25}


def test_stuff_of_two_classes_on_one_pixel_is_a_conflict() -> None:
    masks = [np.zeros(SIZE, dtype=bool) for _ in range(3)]
    masks[0][:10], masks[1][8:], masks[2][:20] = True, True, True
    things = scene(masks, [1, 2, 3])
    owners = contacts.owners_of(things)
    outline = shapes.shapes(things, owners)["outline_px"]
    stuff = np.array([True, True, False])
    assert contacts.contacts(things, owners, outline, stuff).conflict_px == 2 * SIZE[1]


def test_one_far_value_is_an_outlier_of_its_own_group_only() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(0, 1, 60), rng.normal(100, 10, 60), [100.0, 0.0]])
    groups = pd.Series(["small"] * 60 + ["large"] * 60 + ["small", "large"])
    z = robust_z(values, groups, np.ones(122, dtype=bool))
    assert z[120] > 20
    assert z[121] < -5
    assert np.abs(z[:120]).max() < 4


def test_a_skewed_group_has_no_outliers_and_a_small_one_none_at_all() -> None:
    skewed = np.random.default_rng(1).exponential(size=400)
    assert (np.abs(robust_z(skewed, pd.Series(["a"] * 400), np.ones(400, dtype=bool))) > 3.5).mean() < 0.01
    few = np.r_[np.zeros(MIN_MEMBERS - 2), 50.0]
    assert not robust_z(few, pd.Series(["a"] * len(few)), np.ones(len(few), dtype=bool)).any()


def test_a_group_of_equal_values_shows_the_one_that_differs() -> None:
    z = robust_z(np.r_[np.ones(99), 5.0], pd.Series(["a"] * 100), np.ones(100, dtype=bool))
    assert z[99] > 10
    assert not z[:99].any()


def record(number: int, *parts: list[float]) -> dict[str, object]:
    return {"id": number, "segmentation": list(parts)}


def test_a_crossing_counts_the_area_that_it_loses() -> None:
    sound, tie = [0, 0, 10, 0, 10, 10, 0, 10], [0, 0, 10, 10, 10, 0, 0, 10]
    found = polygons.polygons([record(7, sound), record(3, tie), {"id": 5, "segmentation": {"size": [1, 1]}}])
    assert found.loc[[7, 3, 5], "crossing_px"].tolist() == [0, 25, 0]  # two triangles of 25, one of them negative
    assert found["num_points"].tolist() == [4, 4, 0]


def test_a_part_within_another_one_is_a_lost_hole_and_one_beside_it_is_not() -> None:
    outer, inner, beside = [0, 0, 20, 0, 20, 20, 0, 20], [5, 5, 9, 5, 9, 9, 5, 9], [30, 0, 40, 0, 40, 9, 30, 9]
    found = polygons.polygons([record(1, outer, inner), record(2, outer, beside), record(3, inner, outer, beside)])
    assert found["num_inner_parts"].tolist() == [1, 0, 1]


def test_a_map_beside_the_image_is_compared_where_neither_ignores(tmp_path: Path) -> None:
    own = np.zeros((4, 5), dtype=np.uint8)
    own[:2], own[3] = 1, 255
    theirs = np.where(own == 1, 30, 0).astype(np.uint8)
    theirs[0, 0], theirs[0, 1], theirs[2, 0] = 255, 77, 30
    (tmp_path / "semantic").mkdir()
    Image.fromarray(theirs).save(tmp_path / "semantic" / "a.png")
    assert semantic.disagreement(tmp_path, "a.jpg", lambda: own, (30,)) == (pytest.approx(2 / 20), 1)
    assert semantic.disagreement(tmp_path, "b.jpg", lambda: own, (30,)) == (0, 0)
    assert semantic.disagreement(tmp_path, "a.jpg", lambda: own[1:], (30,)) == (1, 0)


def test_a_damaged_map_differs_everywhere(tmp_path: Path) -> None:
    (tmp_path / "semantic").mkdir()
    (tmp_path / "semantic" / "a.png").write_bytes(b"\x89PNG no more")
    assert semantic.disagreement(tmp_path, "a.png", lambda: np.zeros((4, 5), np.uint8), (1,)) == (1, 0)


def test_the_tables_have_a_row_per_image_object_and_class_without_gaps(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / "data", num_images=4)
    document = read_labels(root)
    empty = annotation(np.zeros((96, 128), dtype=bool), 900, 1) | {"segmentation": [[5, 5, 5, 5, 5, 5]]}
    document["annotations"].insert(3, empty)
    del document["annotations"][3]["area"], document["annotations"][3]["bbox"]
    document["categories"].append({"id": 9, "name": "never"})
    write_labels(root, document)
    dataset = coco.read(root)
    found = fact_tables(dataset, pixels.look(dataset), document["annotations"], (1, 9))
    everything = [(r.file_name, a.id) for r in dataset.images for a in r.annotations]
    rows = found["objects"]
    assert list(zip(rows["file_name"], rows["object_id"], strict=True)) == everything
    assert rows.drop(columns=["stored_area_px", "drawn_px"]).notna().all(axis=None)
    assert rows.loc[rows["object_id"] == 900, ["area_px", "num_parts", "num_points"]].to_numpy().tolist() == [[0, 0, 3]]
    assert found["images"]["num_objects"].tolist() == [len(r.annotations) for r in dataset.images]
    assert found["classes"]["num_objects"].tolist() == [len(rows), 0]
    assert found["classes"]["num_touching"].tolist() == [int(rows["is_touching"].sum()), 0]
    pairs = itertools.combinations(found["images"]["pixel_sha256"], 2)
    assert all(len(a) == 64 and a != b for a, b in pairs)
