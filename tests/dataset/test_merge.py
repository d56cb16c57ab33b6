"""A delivery joins a data set: nothing that is there loses its name, id or split; the same delivery changes nothing."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwise.dataset import schema
from segwise.dataset.arrival.merge import Merged, merge
from segwise.dataset.finding import errors_in
from segwise.dataset.formats import shapes
from segwise.dataset.formats.delivery import Category, Delivery, Picture, Region


def region(x: int = 2, name: str = "disc", is_crowd: bool = False, preferred_id: int | None = None) -> Region:
    mask = np.zeros((12, 16), dtype=bool)
    mask[3:8, x : x + 4] = True
    return Region(name, shapes.encode(mask), f"object at {x}", is_crowd, preferred_id)


def picture(name: str, *regions: Region, content: str | None = None, **keys: Any) -> Picture:
    return Picture(name, (content or name).encode(), 16, 12, regions, **keys)


def delivery(*pictures: Picture, classes: tuple[str, ...] = ("disc",)) -> Delivery:
    return Delivery("test", tuple(Category(name) for name in classes), pictures, ())


def join(document: dict[str, Any] | None, held: dict[str, str], given_: Delivery) -> Merged:
    return merge(document, held, given_, [digest(p) for p in given_.pictures])


def digest(one: Picture) -> str:
    assert isinstance(one.content, bytes)
    return hashlib.sha256(one.content).hexdigest()


def held_after(merged: Merged, before: dict[str, str]) -> dict[str, str]:
    return {**before, **{name: digest(p) for name, p in merged.copies.items()}}


def test_a_first_delivery_keeps_its_ids_and_is_sound() -> None:
    merged = join(None, {}, delivery(picture("a.png", region(preferred_id=70), preferred_id=9), picture("b.png")))
    assert [(i["id"], i["file_name"]) for i in merged.document["images"]] == [(9, "a.png"), (10, "b.png")]
    assert merged.document["annotations"][0] | {"segmentation": None} == {
        "id": 70, "image_id": 9, "category_id": 1, "iscrowd": 0, "segmentation": None, "area": 20,
        "bbox": [2.0, 3.0, 4.0, 5.0],
    }  # fmt: skip
    assert not schema.check(merged.document).findings
    assert merged.counts == {"new": 2, "relabelled": 0, "updated": 0, "unchanged": 0, "repeated": 0}


def test_the_same_delivery_again_changes_nothing() -> None:
    first = delivery(picture("a.png", region(1), region(7), group="g"), picture("b.png", split="val"))
    merged = join(None, {}, first)
    again = join(merged.document, held_after(merged, {}), first)
    assert again.document == merged.document
    assert not again.copies
    assert not again.findings
    assert again.counts["unchanged"] == 2


def test_new_images_get_new_ids_and_what_was_there_keeps_its_own() -> None:
    one = join(None, {}, delivery(picture("a.png", region(), preferred_id=1)))
    two = join(one.document, held_after(one, {}), delivery(picture("b.png", region(5), preferred_id=1)))
    assert [i["id"] for i in two.document["images"]] == [1, 2]
    assert two.document["annotations"][0] == one.document["annotations"][0]
    assert len({a["id"] for a in two.document["annotations"]}) == 2


def test_an_image_is_known_by_its_content_whatever_its_name() -> None:
    one = join(None, {}, delivery(picture("a.png", region(), content="same")))
    two = join(one.document, held_after(one, {}), delivery(picture("new/name.png", region(), content="same")))
    assert two.document == one.document
    assert not two.copies


def test_another_image_of_a_known_name_is_kept_beside_it() -> None:
    one = join(None, {}, delivery(picture("a.png", content="first")))
    two = join(one.document, held_after(one, {}), delivery(picture("A.png", content="second")))
    names = [i["file_name"] for i in two.document["images"]]
    assert names == ["a.png", f"A-{hashlib.sha256(b'second').hexdigest()[:8]}.png"]
    assert [(f.check, f.effect) for f in two.findings] == [("name clash", "repaired")]
    three = join(two.document, held_after(two, held_after(one, {})), delivery(picture("A.png", content="second")))
    assert three.document == two.document


@pytest.mark.parametrize("name", ["a.png/b.png", "A.PNG", "caf\u0065\u0301.png"])
def test_a_name_that_some_disk_cannot_tell_from_another_gets_its_own(name: str) -> None:
    one = join(None, {}, delivery(picture("a.png", content="1"), picture("caf\u00e9.png", content="2")))
    two = join(one.document, held_after(one, {}), delivery(picture(name, content="3")))
    assert [f.check for f in two.findings] == ["name clash"]
    assert len(two.document["images"]) == 3
    assert two.document["images"][2]["file_name"] not in ("a.png", name)


def test_an_entry_whose_file_is_lost_keeps_its_name_and_labels() -> None:
    digest_ = hashlib.sha256(b"second").hexdigest()[:8]
    one = join(None, {}, delivery(picture("a.png", content="1"), picture(f"a-{digest_}.png", region(), content="2")))
    two = join(one.document, {"a.png": "x"}, delivery(picture("a.png", content="second")))
    assert two.document["images"][: len(one.document["images"])] == one.document["images"]
    assert two.document["annotations"] == one.document["annotations"]
    assert len(two.document["images"]) == 3


def test_a_group_that_changes_alone_is_told() -> None:
    one = join(None, {}, delivery(picture("a.png", region(), group="g")))
    two = join(one.document, held_after(one, {}), delivery(picture("a.png", region(), group="h")))
    assert two.document["images"][0]["group"] == "h"
    assert (two.counts["updated"], two.counts["relabelled"]) == (1, 0)


def test_corrected_labels_replace_the_old_ones_and_equal_objects_keep_their_ids() -> None:
    one = join(None, {}, delivery(picture("a.png", region(1), region(6))))
    two = join(one.document, held_after(one, {}), delivery(picture("a.png", region(6), region(11))))
    assert [a["id"] for a in two.document["annotations"]] == [2, 3]
    assert two.findings[0].check == "labels replaced"
    assert "2 objects become 2: 0 changed, 1 new, 1 gone" in two.findings[0].came


def test_an_object_that_was_redrawn_or_got_another_class_keeps_its_id() -> None:
    classes = ("disc", "ring")
    one = join(None, {}, delivery(picture("a.png", region(0), region(6), region(11)), classes=classes))
    corrected = delivery(picture("a.png", region(11, "ring"), region(1), region(6)), classes=classes)
    two = join(one.document, held_after(one, {}), corrected)
    assert [(a["id"], a["category_id"], a["bbox"][0]) for a in two.document["annotations"]] == [
        (3, 2, 11.0), (1, 1, 1.0), (2, 1, 6.0),
    ]  # fmt: skip
    assert "2 changed, 0 new, 0 gone" in two.findings[0].came


def test_two_equal_objects_never_share_an_id() -> None:
    one = join(None, {}, delivery(picture("a.png", region(1))))
    two = join(one.document, held_after(one, {}), delivery(picture("a.png", region(1), region(1))))
    assert sorted(a["id"] for a in two.document["annotations"]) == [1, 2]


def test_a_delivery_without_labels_does_not_empty_an_image() -> None:
    one = join(None, {}, delivery(picture("a.png", region(1))))
    two = join(one.document, held_after(one, {}), delivery(picture("a.png")))
    assert two.document == one.document
    assert two.findings[0].check == "labels kept"


def test_an_image_is_emptied_where_that_is_meant() -> None:
    one = join(None, {}, delivery(picture("a.png", region(1))))
    empty = delivery(picture("a.png"))
    two = merge(one.document, held_after(one, {}), empty, [digest(empty.pictures[0])], may_empty=True)
    assert two.document["annotations"] == []
    assert two.findings[0].check == "labels replaced"


def test_a_copy_in_another_split_is_called_a_leak() -> None:
    twice = delivery(picture("a.png", content="x", split="test"), picture("b.png", content="x", split="train"))
    merged = join(None, {}, twice)
    assert [(f.check, f.image, f.effect) for f in merged.findings] == [("duplicate across splits", "b.png", "dropped")]
    assert "given to train" in merged.findings[0].came
    assert merged.document["images"][0]["split"] == "test"


def test_an_image_never_changes_its_split() -> None:
    one = join(None, {}, delivery(picture("a.png", split="test")))
    two = join(one.document, held_after(one, {}), delivery(picture("a.png", split="train")))
    assert two.document["images"][0]["split"] == "test"
    assert two.findings[0].check == "split kept"


@pytest.mark.parametrize(("first", "second", "agree"), [(1, 1, True), (1, 5, False)])
def test_the_same_file_twice_in_a_delivery_is_kept_once(first: int, second: int, agree: bool) -> None:
    twice = delivery(picture("a.png", region(first), content="x"), picture("b.png", region(second), content="x"))
    merged = join(None, {}, twice)
    assert [i["file_name"] for i in merged.document["images"]] == ["a.png"]
    assert (merged.findings[0].check, merged.findings[0].image) == ("duplicate image", "b.png")
    assert ("the same labels" in merged.findings[0].came) is agree


def test_of_two_copies_the_labelled_one_is_kept() -> None:
    merged = join(None, {}, delivery(picture("a.png", content="x"), picture("b.png", region(), content="x")))
    assert [i["file_name"] for i in merged.document["images"]] == ["b.png"]


def test_classes_are_joined_by_name() -> None:
    one = join(None, {}, Delivery("t", (Category("disc", preferred_id=4),), (picture("a.png", region()),), ()))
    second = Delivery("t", (Category("ring", preferred_id=4), Category("disc")), (picture("b.png", region()),), ())
    two = join(one.document, held_after(one, {}), second)
    assert {c["name"]: c["id"] for c in two.document["categories"]} == {"disc": 4, "ring": 5}


def test_a_class_is_not_turned_from_objects_into_areas() -> None:
    one = join(None, {}, delivery(picture("a.png", region())))
    areas = Delivery("t", (Category("disc", isthing=False),), (picture("b.png", region()),), ())
    two = join(one.document, held_after(one, {}), areas)
    assert two.document["categories"][0]["isthing"] == 1
    assert [f.check for f in two.findings] == ["class kind"]


def test_other_keys_of_the_label_file_are_kept() -> None:
    first = Delivery("t", (Category("disc"),), (picture("a.png", extra={"modality": "x"}),), (), {"info": {"year": 1}})
    merged = join(None, {}, first)
    assert merged.document["info"] == {"year": 1}
    assert merged.document["images"][0]["modality"] == "x"


NAMES = st.sampled_from(["a.png", "b.png", "A.png", "d/a.png"])
PICTURES = st.builds(
    lambda name, content, xs: picture(name, *(region(x) for x in xs), content=content),
    NAMES, st.sampled_from(["p", "q", "r", "s"]), st.lists(st.integers(0, 11), max_size=3),
)  # fmt: skip


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.lists(st.lists(PICTURES, max_size=4, unique_by=lambda p: p.file_name), min_size=1, max_size=4))
def test_any_deliveries_in_turn_leave_a_sound_data_set_and_repeat_without_change(given_: list[list[Picture]]) -> None:
    document: dict[str, Any] | None = None
    held: dict[str, str] = {}
    for pictures in given_:
        merged = join(document, held, delivery(*pictures))
        before = {i["id"]: i["file_name"] for i in document["images"]} if document else {}
        after = {i["id"]: i["file_name"] for i in merged.document["images"]}
        assert before.items() <= after.items()
        document, held = merged.document, held_after(merged, held)
        assert len(set(held.values())) == len(held) == len(document["images"])
        assert [f for f in errors_in(schema.check(document).findings) if f.check != "empty data set"] == []
        again = join(document, held, delivery(*pictures))
        assert again.document == document
        assert not again.copies
