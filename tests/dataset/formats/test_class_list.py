"""Class lists of many tools say the same in many ways."""

from __future__ import annotations

from pathlib import Path

import pytest

from segwise.dataset.formats import class_list
from segwise.dataset.formats.class_list import Entry
from segwise.dataset.formats.folder import Folder
from segwise.errors import DataInvalidError


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("classes.txt", "cat\nbig dog\n", [Entry("cat", 1), Entry("big dog", 2)]),
        ("classes.txt", "\ufeffbackground\r\ncat\r\n", [Entry("background", 0), Entry("cat", 1)]),
        ("labels.txt", "__ignore__\n_background_\ncat\n",
         [Entry("__ignore__", 255), Entry("_background_", 0), Entry("cat", 1)]),
        ("labels.txt", "0: sky\n7: road\n", [Entry("sky", 0), Entry("road", 7)]),
        ("labels.txt", "0 sky\n7 old road\n", [Entry("sky", 0), Entry("old road", 7)]),
        ("codes.txt", "Animal\nVoid\n", [Entry("Animal", 0), Entry("Void", 1)]),
        ("label_colors.txt", "64 128 64\tAnimal\n0 0 0\tVoid\n", [Entry("Animal", 1, 0x408040), Entry("Void", 2, 0)]),
        ("label_colors.txt", "# made by hand\nAnimal 64 128 64\n", [Entry("Animal", 1, 0x408040)]),
        ("labelmap.txt", "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncat:250,50,83::\n",
         [Entry("background", 0, 0), Entry("cat", 1, 0xFA3253)]),
        ("class_dict.csv", "name,r,g,b\nUnlabeled,0,0,0\nroad, 128, 64, 128\n",
         [Entry("Unlabeled", 0, 0), Entry("road", 1, 0x804080)]),
        ("_classes.csv", "Pixel Value, Class\n0, background\n1, cookie\n",
         [Entry("background", 0), Entry("cookie", 1)]),
        ("classes.csv", "cat\ndog\n", [Entry("cat", 1), Entry("dog", 2)]),
        ("classes.json", '["background", "cat"]', [Entry("background", 0), Entry("cat", 1)]),
        ("semantic_classes.json", '[{"id": 0, "name": "background"}, {"id": 9, "name": "shop"}]',
         [Entry("background", 0), Entry("shop", 9)]),
        ("classes.json", '{"1": "cat", "2": "dog"}', [Entry("cat", 1), Entry("dog", 2)]),
        ("classes.json", '{"cat": 3}', [Entry("cat", 3)]),
        ("classes.json", '{"cat": [1, 2, 3]}', [Entry("cat", 1, 0x010203)]),
        ("labels.json", '{"labels": [{"name": "cat", "color": "#0102ff", "hasInstances": true}]}',
         [Entry("cat", 1, 0x0102FF, True)]),
    ],
)  # fmt: skip
def test_every_spelling_of_a_list_is_read(tmp_path: Path, name: str, text: str, expected: list[Entry]) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert list(class_list.read(Folder(tmp_path), ())) == expected


def test_the_names_a_user_gives_come_before_the_list(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("cat\n")
    assert class_list.read(Folder(tmp_path), ("dog",)) == (Entry("dog", 1),)


@pytest.mark.parametrize("text", ["cat\ncat\n", "1 cat\n1 dog\n"])
def test_a_list_that_contradicts_itself_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "classes.txt").write_text(text)
    with pytest.raises(DataInvalidError, match="twice"):
        class_list.read(Folder(tmp_path), ())


def test_lists_of_two_splits_that_differ_are_refused(tmp_path: Path) -> None:
    for split, text in (("train", "cat\n"), ("test", "dog\n")):
        (tmp_path / split).mkdir()
        (tmp_path / split / "classes.txt").write_text(text)
    with pytest.raises(DataInvalidError, match="different classes"):
        class_list.read(Folder(tmp_path), ())


@pytest.mark.parametrize("text", ["", "x" * 400, "{", "\ud83d"])
def test_a_file_that_is_no_list_is_not_taken_for_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "classes.json").write_bytes(text.encode("utf-8", "replace"))
    (tmp_path / "labels.txt").write_text("x" * 400)
    assert class_list.find(Folder(tmp_path)) == []
