"""The worst images: which ones, and what is found, missed and invented on them."""

from __future__ import annotations

import base64
import re
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from segwise.decision.params import Decision
from segwise.decision.score import Answers
from segwise.report import outlines, worst
from segwise.types import ClassInfo, Objects, Prediction

DISC, SKY = ClassInfo(1, "disc", True), ClassInfo(2, "sky", False)


def square(y: int, x: int, side: int = 8, size: tuple[int, int] = (40, 60)) -> NDArray[np.bool_]:
    mask = np.zeros(size, dtype=bool)
    mask[y : y + side, x : x + side] = True
    return mask


def things(*masks: NDArray[np.bool_], crowd: tuple[int, ...] = (), ids: tuple[int, ...] = ()) -> Objects:
    class_ids = list(ids) or [1] * len(masks)
    return Objects.from_masks(masks, class_ids, [1.0] * len(masks), (40, 60), [i in crowd for i in range(len(masks))])


def answers(counts: Any = 0, acts: Any = None, **others: Any) -> Answers:
    counts = np.asarray(counts).reshape(-1, 2, 1, 1)
    num = len(counts)
    values = {"coverage": np.zeros((num, 2, 1, 1)), "present": np.zeros((num, 2, 1, 1), bool)}
    values |= {k: np.asarray(v).reshape(num, 2, 1, 1) for k, v in others.items() if k != "matches"}
    matches = np.asarray(others.get("matches", np.zeros((num, 3))), dtype=np.int64)
    return Answers(counts, values["coverage"], values["present"],
                   np.zeros((num, 2), bool) if acts is None else np.asarray(acts, bool), matches)  # fmt: skip


def test_each_image_has_its_part_of_the_sum_of_errors() -> None:
    found = answers([[10, 7], [5, 6], [3, 3]])
    assert worst.error_shares(Decision(kind="count"), found) == pytest.approx([0.75, 0.25, 0])


def test_itemizing_counts_missed_and_invented_objects_and_coverage_counts_shares() -> None:
    found = answers([[1, 1], [1, 1]], matches=[[9, 1, 2], [9, 1, 0]], coverage=[[0.5, 0.4], [0.1, 0.4]])
    assert worst.error_shares(Decision(kind="itemize"), found) == pytest.approx([0.75, 0.25])
    assert worst.error_shares(Decision(kind="coverage"), found) == pytest.approx([0.25, 0.75])


def test_a_wrong_action_makes_half_of_the_mistakes() -> None:
    decision = Decision(kind="count", action="if count() < 6 then alert")
    found = answers([[10, 7], [5, 6]], acts=[[False, False], [True, False]])
    assert worst.error_shares(decision, found) == pytest.approx([0.375, 0.625])


def test_without_any_error_no_image_has_a_part_of_it() -> None:
    assert worst.error_shares(Decision(kind="count"), answers([[4, 4], [0, 0]])).tolist() == [0, 0]


def test_images_are_ordered_by_any_decisions_error_then_f1_then_name() -> None:
    shares = {"a": np.array([0.0, 0.9, 0.0, 0.0]), "b": np.array([0.2, 0.0, 0.0, 0.0])}
    f1 = {"w": 0.9, "x": 0.9, "y": 0.5, "z": float("nan")}
    assert worst.choose(["w", "x", "y", "z"], shares, f1, 50) == ["x", "w", "y", "z"]
    assert worst.choose(["w", "x", "y", "z"], shares, f1, 2) == ["x", "w"]


def test_objects_are_found_missed_or_invented_class_by_class() -> None:
    truth = things(square(2, 2), square(20, 20), square(2, 30), ids=(1, 1, 2))
    predicted = things(square(3, 2), square(2, 30), square(30, 50), ids=(1, 1, 1))
    found, missed, invented = worst.sort_out(predicted, truth, [1])
    assert (found.tolist(), missed.tolist(), invented.tolist()) == ([0], [1], [1, 2])


def test_a_prediction_in_a_crowd_is_not_invented_and_a_crowd_is_not_missed() -> None:
    truth, predicted = things(square(0, 0, 30), crowd=(0,)), things(square(5, 5))
    assert [part.tolist() for part in worst.sort_out(predicted, truth, [1])] == [[], [], []]


def test_an_outline_runs_along_the_edges_of_the_pixels() -> None:
    path = outlines.outlines(things(square(4, 10, 8)), np.array([0]), 1.0)
    start, steps = re.fullmatch(r"M(\d+) (\d+)l([-\d ]+)z", path).groups()[:2], path  # type: ignore[union-attr]
    numbers = np.array(re.findall(r"-?\d+", steps), dtype=int)
    corners = np.cumsum(numbers.reshape(-1, 2), axis=0)
    assert [int(v) for v in start] == corners[0].tolist()
    drawn = np.zeros((80, 120), dtype=np.uint8)
    cv2.fillPoly(drawn, [corners.astype(np.int32)], 1)
    assert np.argwhere(drawn).min(axis=0).tolist() == [8, 20]  # twice the first row and column
    assert np.argwhere(drawn).max(axis=0).tolist() == [23, 35]


def test_regions_are_compared_pixel_by_pixel_where_the_label_speaks() -> None:
    truth, seen = np.zeros((40, 60), np.uint8), np.zeros((40, 60), np.uint8)
    truth[:20], truth[:, 50:], seen[20:] = 2, 255, 2
    nothing, image = things(), np.full((40, 60, 3), 90, np.uint8)
    shot = worst.shot("a.png", image, Prediction(truth, nothing), Prediction(seen, nothing), worst.Asked((1,), (2,)))
    assert shot.missed_area and shot.invented_area and shot.numbers == (0, 0, 0)
    beside = {int(x) for x in re.findall(r"M(\d+) ", shot.missed_area)}
    assert max(beside) < 100  # columns under 50, in half pixels


def test_coverage_asks_for_pixels_and_the_other_kinds_for_countable_objects() -> None:
    def asked(**kinds: Any) -> worst.Asked:
        return worst.asked_about({n: Decision(**d) for n, d in kinds.items()}, [DISC, SKY])

    assert asked(a={"kind": "count"}) == worst.Asked((1,), ())
    assert asked(a={"kind": "coverage", "classes": ("disc",)}) == worst.Asked((), (1,))
    assert asked(a={"kind": "presence", "classes": ("sky", "disc")}) == worst.Asked((1,), (2,))
    assert asked(a={"kind": "count"}, b={"kind": "coverage"}) == worst.Asked((1,), (1, 2))


def test_the_picture_is_a_small_one_of_the_same_image() -> None:
    image = np.zeros((900, 1800, 3), np.uint8)
    image[:, 900:] = (250, 120, 10)
    data = base64.b64decode(outlines.webp_uri(image).split(",")[1])
    shown = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert max(shown.shape) == outlines.SHOWN_PX
    assert np.abs(shown[10, -10].astype(int) - (250, 120, 10)).max() < 12


def test_a_page_stays_small_and_says_what_it_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    image, map_ = np.full((40, 60, 3), 90, np.uint8), np.zeros((40, 60), np.uint8)
    one = worst.shot(
        "<a>.png", image, Prediction(map_, things(square(2, 2))), Prediction(map_, things()), worst.Asked((1,), ())
    )
    size = sum(map(len, (one.picture, one.missed)))
    monkeypatch.setattr(worst, "MAX_BYTES", 2 * size)
    html = worst.render("hybrid", [one] * 3, ["hybrid", "instance"], 3, "Ordered.")
    assert html.count('class="shot" viewBox') == 2
    assert "Left out to keep the page small: 1." in html
    assert "&lt;a&gt;.png" in html
    assert 'href="worst_instance.html"' in html
    assert html == worst.render("hybrid", [one] * 3, ["hybrid", "instance"], 3, "Ordered.")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("count", "12 labelled, 9 predicted; 100.0 % of its mistakes"),
        ("coverage", "50.0 % labelled, 40.0 % predicted"),
        ("presence", "present in the labels, absent in the prediction"),
    ],
)
def test_the_words_of_an_image_are_in_the_units_of_the_decision(kind: Any, words: str) -> None:
    found, decision = answers([[12, 9]], coverage=[[0.5, 0.4]], present=[[True, False]]), Decision(kind=kind)
    assert words in worst.words_of("d", decision, found, worst.error_shares(decision, found), 0)
