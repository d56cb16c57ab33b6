"""The page of findings: one file, complete, that shows the pixels in question and says where and what to do."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segwise.dataset import coco
from segwise.dataset.finding import Finding
from segwise.labels.contract.rules import rules
from segwise.labels.inspection import inspect
from segwise.labels.params import ValidateParams
from segwise.report import labels_page, marks, strokes
from segwise.types import Objects
from tests.factory import annotation, make_dataset, read_labels, write_labels

VOID = ("meta", "br", "img")
WINDOW = (0, 0, 20, 20)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_dataset(tmp_path / "data", num_images=4)


class Page(HTMLParser):
    """What a page holds; fails on a tag that is closed wrongly."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.words = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "img":
            self.images.append(values)
        self.links += [str(v) for k, v in attrs if k in ("href", "src")]
        self.ids += [str(v) for k, v in attrs if k == "id"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def finding(check: str = "overlap", image: str | None = "image_000.png", number: Any = 1, **other: Any) -> Finding:
    values: dict[str, Any] = {"severity": "warning", "came": "20 px", "remedy": "draw them apart"} | other
    return Finding(check, image=image, object_id=number, **values)


def page(root: Path, found: list[Finding], **options: Any) -> Page:
    return Page(labels_page.render(coco.read(root), found, **options))


def pixels(source: str | None) -> np.ndarray:
    encoded = str(source).partition("base64,")[2]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB")).astype(int)


def num_near(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((np.abs(picture - colour).sum(axis=2) < 120).sum())


def test_a_finding_says_which_image_which_object_what_is_wrong_and_what_to_do(root: Path) -> None:
    made = page(root, [finding(came="77 px", remedy="divide `it`")])
    for words in ("image_000.png, object 1", "77 px", "divide it", "1 warning in the labels"):
        assert words in made.words
    (image,) = made.images
    assert image["alt"] == "Image image_000.png, object 1: 77 px"
    assert image["loading"] == "lazy"


def test_the_page_loads_nothing_from_elsewhere_and_its_links_lead_somewhere(root: Path) -> None:
    html = labels_page.render(coco.read(root), [finding(), finding("tiny area"), finding("drift", None, None)])
    made = Page(html)
    assert "<script" not in html
    assert "url(" not in html
    assert all(link.startswith(("data:", "#")) for link in made.links)
    assert {link[1:] for link in made.links if link.startswith("#")} <= set(made.ids)


def test_the_same_findings_give_the_same_bytes(root: Path) -> None:
    found = [finding(), finding("empty image", number=None)]
    assert len({labels_page.render(coco.read(root), found) for _ in range(2)}) == 1


def test_words_from_the_data_cannot_become_markup(root: Path) -> None:
    html = labels_page.render(coco.read(root), [finding(came="<b>x</b>", image='"><script>.png', number="<i>")])
    assert "<script>" not in html
    assert "<b>x</b>" not in html
    assert "<i>" not in html.replace("<i style", "")


def test_errors_come_first_and_of_a_check_the_worst(root: Path) -> None:
    document = read_labels(root)
    document["annotations"][0]["area"] = 10_000
    document["annotations"][1]["area"] = 90_000
    write_labels(root, document)
    book = rules(ValidateParams())
    tables = inspect(root, book).tables
    found = [finding("stored area", number=n) for n in (1, 2)] + [finding("duplicate object", severity="error")]
    ranked = labels_page.ranking(found, tables, book)
    assert [(f.check, f.object_id) for f in ranked] == [("duplicate object", 1), ("stored area", 2), ("stored area", 1)]
    assert labels_page.ranking(found, {}, ())[1].object_id == 1


def test_more_findings_than_fit_are_listed_in_words_and_counted(root: Path) -> None:
    num = labels_page.PER_CHECK + labels_page.LISTED + 7
    made = page(root, [finding(came=f"finding {i}.") for i in range(num)])
    assert len(made.images) == labels_page.PER_CHECK
    assert f"{labels_page.LISTED} more without pictures, 7 not on this page" in made.words
    assert f"finding {num - 8}." in made.words
    assert f"finding {num - 7}." not in made.words


def test_many_checks_share_the_pictures(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels_page, "PICTURES", 6)
    made = page(root, [finding(f"check {i % 3}") for i in range(30)])
    assert len(made.images) == 6


def test_duplicate_images_are_shown_side_by_side(root: Path) -> None:
    made = page(root, [finding("duplicate image", number=None, came="the same pixels as image_002.png")])
    assert [image["alt"] for image in made.images] == [
        "Image image_000.png: the same pixels as image_002.png",
        "Image image_002.png, for comparison",
    ]


def test_a_finding_of_the_whole_set_shows_its_example(root: Path) -> None:
    came = "9 of 20 'disc' objects (45%), such as object 2 of image_000.png: 30% of it lies in object 3"
    made = page(root, [finding(image=None, number=None, came=came)])
    assert "the whole set" in made.words
    assert [image["alt"] for image in made.images] == ["Image image_000.png, object 2: 30% of it lies in object 3"]


def test_an_image_that_cannot_be_read_has_no_picture_and_says_so(root: Path) -> None:
    (root / "images/image_000.png").write_bytes(b"no image")
    made = page(root, [finding("file unreadable", number=None, severity="error")])
    assert made.images == []
    assert "the image cannot be shown" in made.words
    assert "labels accept" not in made.words  # a reason does not help


def test_an_image_of_another_size_than_its_labels_is_shown_all_the_same(root: Path) -> None:
    Image.new("RGB", (40, 200)).save(root / "images/image_000.png")
    assert len(page(root, [finding("size mismatch", number=None)]).images) == 1


def test_a_record_that_is_not_in_the_data_set_is_drawn_as_far_as_it_can_be_read(root: Path) -> None:
    raw = read_labels(root)
    raw["annotations"][0]["segmentation"] = [[10, 10, 60, 10, float("nan"), 50, 30, 60]]
    raw["annotations"][1]["segmentation"] = "nothing"
    raw["annotations"].append({"id": 90})
    kept = {**raw, "annotations": raw["annotations"][2:-1]}
    write_labels(root, kept)
    Image.new("RGB", (128, 96)).save(root / "images/image_000.png")
    broken = finding("not finite", severity="error")
    bare, drawn = (page(root, [broken], raw=document).images[0]["src"] for document in (kept, raw))
    assert num_near(pixels(bare), strokes.MARK) == 0
    assert num_near(pixels(drawn), strokes.MARK) > 50


@pytest.mark.parametrize(
    "raw", [{}, {"images": 3}, {"images": [{}], "annotations": []}, {"images": [], "annotations": [3]}]
)
def test_a_label_file_that_is_no_such_thing_has_no_shapes(raw: dict[str, Any]) -> None:
    assert labels_page.shapes(raw) == {}


def test_the_wrong_pixels_are_tinted_and_the_object_is_outlined(root: Path) -> None:
    Image.new("RGB", (128, 96)).save(root / "images/image_000.png")
    masks = np.zeros((2, 96, 128), dtype=bool)
    masks[0, 20:40, 20:40] = masks[1, 30:50, 20:40] = True
    rows = [annotation(mask, number, 1) for number, mask in enumerate(masks, start=1)]
    write_labels(root, read_labels(root) | {"annotations": rows})
    shown = pixels(page(root, [finding(came="50% of it lies in object 2")]).images[0]["src"])
    tint = tuple(round(0.55 * c) for c in strokes.MARK)
    scale = shown.shape[1] / 73  # 30 px of both objects, on each side 0.7 × 30 px of context
    assert num_near(shown, tint) == pytest.approx(200 * scale**2, rel=0.35)
    assert num_near(shown, strokes.OBJECT) > 100
    assert num_near(shown, strokes.PARTNER) > 100


def test_accepted_findings_are_counted_and_not_shown(root: Path) -> None:
    made = page(root, [finding()], accepted=[finding(number=2)], stale=3)
    assert "object 2" not in made.words
    assert "1 known finding is accepted" in made.words
    assert "3 accepted findings are no longer found" in made.words


def test_without_findings_the_page_says_so(root: Path) -> None:
    made = page(root, [])
    assert "Nothing new found in the labels" in made.words
    assert made.images == []


def things(*boxes: tuple[int, int, int, int], classes: tuple[int, ...] = ()) -> Objects:
    masks = np.zeros((len(boxes), 20, 20), dtype=bool)
    for mask, (x0, y0, x1, y1) in zip(masks, boxes, strict=True):
        mask[y0:y1, x0:x1] = True
    return Objects.from_masks(list(masks), classes or (1,) * len(boxes), (1.0,) * len(boxes), (20, 20))


@pytest.mark.parametrize(
    ("check", "partners", "expected"),
    [
        ("tiny area", (), (2, 2, 10, 10)),
        ("duplicate object", (1,), (2, 2, 10, 10)),
        ("overlap", (1,), (6, 6, 10, 10)),
        ("overlap", (), (6, 6, 10, 10)),
    ],
)
def test_the_marked_pixels_are_those_the_check_is_about(
    check: str, partners: tuple[int, ...], expected: tuple[int, int, int, int]
) -> None:
    scene = things((2, 2, 10, 10), (6, 6, 15, 15), (0, 0, 20, 20), classes=(1, 1, 2))
    marked = marks.offending(check, scene, 0, partners, WINDOW)
    assert np.array_equal(marked, things(expected).masks()[0])


def test_of_touching_objects_both_sides_of_the_contact_are_marked() -> None:
    scene = things((2, 2, 8, 10), (8, 2, 14, 10))
    assert np.array_equal(marks.offending("cut object", scene, 0, (1,), WINDOW), things((7, 2, 9, 10)).masks()[0])


def test_of_fragments_all_but_the_largest_are_marked() -> None:
    mask = things((2, 2, 9, 9)).masks()[0] | things((12, 12, 14, 14)).masks()[0]
    scene = Objects.from_masks([mask], (1,), (1.0,), (20, 20))
    marked = marks.offending("far fragments", scene, 0, (), WINDOW)
    assert np.array_equal(marked, things((12, 12, 14, 14)).masks()[0])


def test_of_merged_objects_the_dents_are_marked() -> None:
    mask = things((2, 2, 8, 16)).masks()[0] | things((2, 8, 16, 16)).masks()[0]
    scene = Objects.from_masks([mask], (1,), (1.0,), (20, 20))
    marked = marks.offending("merged object", scene, 0, (), WINDOW)
    assert marked.any()
    assert not (marked & mask).any()


def test_of_an_image_the_pixels_of_two_objects_of_one_class_or_of_two_stuff_classes_are_marked() -> None:
    scene = things((0, 0, 4, 4), (2, 2, 6, 6), (0, 10, 8, 18), (4, 10, 12, 18), classes=(1, 1, 2, 3))
    shared, conflict = things((2, 2, 4, 4)).masks()[0], things((4, 10, 8, 18)).masks()[0]
    assert np.array_equal(marks.offending_in_image("shared pixels", scene, {2, 3}), shared)
    assert np.array_equal(marks.offending_in_image("class conflict", scene, {2, 3}), conflict)
    assert not marks.offending_in_image("empty image", scene, {2, 3}).any()


def test_the_objects_a_finding_names_are_read_from_its_words() -> None:
    assert marks.named_objects("overlaps objects 3, 14 and 15, not object 9") == ("3", "14", "15", "9")
    assert marks.named_objects("3 objects of 5 px") == ()


def test_the_page_of_a_full_set_stays_below_10_mb(root: Path) -> None:
    made = labels_page.render(coco.read(root), [finding(number=1 + i % 3) for i in range(12)])
    sources = re.findall(r'src="([^"]+)"', made)
    assert max(map(len, sources)) * labels_page.PICTURES < 10e6
