"""The gallery of suspects: complete, standing alone, honest about what the model has seen."""

from __future__ import annotations

import base64
from dataclasses import replace

import cv2
import numpy as np
import pytest

from segwise.labels.suspects.place import Kind, Place
from segwise.labels.suspects.quality import ImageQuality
from segwise.labels.suspects.ranking import WORDS, Suspect
from segwise.report import suspects_page
from segwise.report.suspects_page import LABEL, MODEL, Page, card, render, window_around
from segwise.types import Objects
from tests.report.test_report import check

SIZE = (80, 100)
LABELS = Objects.from_masks([np.pad(np.ones((20, 20), bool), ((10, 50), (30, 50)))], [1], [1.0], SIZE)
MODELS = Objects.from_masks([np.pad(np.ones((20, 20), bool), ((12, 48), (36, 44)))], [1], [0.9], SIZE)
GREY = np.full((*SIZE, 3), 150, dtype=np.uint8)


def suspect(kind: Kind = "outline", **changes: object) -> Suspect:
    place = Place(kind, (0,), (0,), (30, 10, 56, 32), 280, 1, 1)
    made = Suspect(kind, 0.83, "a <b>.png", (7,), "cell", "cell", "41% is in dispute", "redraw it", False, place)
    return replace(made, **changes)  # type: ignore[arg-type]


def page(*suspects: Suspect, part_of: dict[str, str] | None = None) -> Page:
    cards = [card(s, GREY, LABELS, MODELS, "test") for s in suspects]
    images = [ImageQuality("a <b>.png", 0.125, 0.031), ImageQuality("c.png", 0.5, 0.0)]
    return Page(cards, suspects, images, {} if part_of is None else part_of, "hybrid")


def pixels(source: str) -> np.ndarray:
    data = np.frombuffer(base64.b64decode(source.split(",")[1]), dtype=np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1].astype(int)


def like(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return np.argwhere(np.abs(picture - np.array(colour)).sum(axis=2) < 120)


def test_a_card_tells_place_score_file_object_and_what_to_do() -> None:
    html = render(page(suspect()))
    check(html)
    for words in ("83 %", "a &lt;b&gt;.png", "object 7", "41% is in dispute", "redraw it", "test split"):
        assert words in html
    assert html.count("data:image/jpeg;base64,") == 3


def test_names_from_the_data_cannot_become_markup() -> None:
    html = render(page(suspect(label_class="<i>x</i>")))
    assert "<i>x" not in html
    assert "&lt;i&gt;x" in html


def test_images_the_model_was_trained_on_are_marked_and_said_to_be_doubted_too_little() -> None:
    html = render(page(suspect(is_trained=True), part_of={"a <b>.png": "train", "c.png": "val"}))
    assert "trained on 1 of these images" in html
    assert 'class="pill seen"' in html
    unseen = render(page(suspect(), part_of={"a <b>.png": "test", "c.png": "val"}))
    assert "trained on none of these images" in unseen
    assert 'class="pill seen"' not in unseen


def test_without_a_split_the_page_does_not_claim_to_know_what_was_trained_on() -> None:
    assert "is not known" in render(page(suspect()))


def test_a_page_without_suspects_says_so() -> None:
    html = render(page())
    check(html)
    assert "No label is more likely wrong than not" in html
    assert "agree on every place" in html


def test_only_suspects_more_likely_wrong_than_not_are_counted_in_the_heading() -> None:
    html = render(page(suspect(score=0.5), suspect(score=0.49), suspect(score=0.9)))
    assert "2 labels more likely wrong than not" in html


@pytest.mark.parametrize("kind", list(WORDS))
def test_every_kind_of_suspicion_has_its_row_and_title(kind: Kind) -> None:
    html = render(page(suspect(kind)))
    assert f"<td><b>{WORDS[kind][0]}</b></td>" in html


def test_label_and_model_are_outlined_where_they_lie() -> None:
    made = card(suspect(), GREY, LABELS, MODELS, "test")
    bare, labels, model = (pixels(panel.source) for panel in made.panels)
    left, top, right, _ = window_around((30, 10, 56, 32), GREY)
    zoom = bare.shape[1] / (right - left)
    for picture, colour, (x0, y0, x1, y1) in ((labels, LABEL, (30, 10, 50, 30)), (model, MODEL, (36, 12, 56, 32))):
        drawn = like(picture, colour)
        assert drawn.min(axis=0) / zoom == pytest.approx([y0 - top, x0 - left], abs=1)
        assert drawn.max(axis=0) / zoom == pytest.approx([y1 - top, x1 - left], abs=1)
    assert len(like(bare, LABEL)) == len(like(bare, MODEL)) == 0


def test_a_region_is_outlined_in_both_pictures() -> None:
    place = Place("region", (), (), (40, 20, 70, 50), 900, 0, 1, np.ones((30, 30), dtype=bool))
    empty = Objects.from_masks([], [], [], SIZE)
    made = card(suspect("region", place=place, object_ids=()), GREY, empty, empty, "")
    _, labels, model = (pixels(panel.source) for panel in made.panels)
    assert len(like(labels, LABEL)) > 100
    assert len(like(model, MODEL)) > 100


@pytest.mark.parametrize("box", [(0, 0, 4, 4), (96, 76, 100, 80), (0, 0, 100, 80), (50, 0, 51, 80)])
def test_the_window_holds_the_place_and_stays_in_the_image(box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = window_around(box, GREY)
    assert 0 <= left <= box[0] and box[2] <= right <= 100
    assert 0 <= top <= box[1] and box[3] <= bottom <= 80


def test_a_dark_corner_is_lit_for_the_page() -> None:
    dark = np.full((*SIZE, 3), 20, dtype=np.uint8)
    dark[70:] = 255
    made = card(suspect(), dark, LABELS, MODELS, "")
    assert pixels(made.panels[0].source)[:40].mean() == pytest.approx(20 * suspects_page.MAX_STRETCH, abs=3)
