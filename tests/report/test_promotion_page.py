"""The promotion page: verdict, every check, what would have to change, times, and what is answered otherwise."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segwise.dataset import coco, targets
from segwise.decision.params import Decision
from segwise.gate.row import Row
from segwise.report import promotion_page as page
from segwise.types import Objects, Prediction
from tests.factory import make_dataset

COUNT = Decision(kind="count", classes=("disc",), tolerance={"relative": 0.1}, action="if count(disc) < 4 then repeat")
ROWS = [
    Row(
        "quality",
        "used/discs",
        "discs: decision error",
        "× tolerance",
        "hold",
        0.5,
        0.9,
        0.4,
        (0.25, 0.61),
        0.1,
        "it is worse",
    ),
    Row("quality", "f1", "F1 at IoU 0.5", "fraction", "promote", 0.81, 0.82, 0.01, (-0.012, 0.03), 0.02),
    Row("latency", "slowdown", "time", "×", "promote", 61.2, 55.1, 0.9, (0.85, 0.97), 1.15),
    Row("parity", "parity.masks", "masks", "fraction", "promote", None, 0.9999, None, None, 0.99),
    Row("identity", "digest", "digest", "", "promote", None, 0.0, None, None, 0.0),
]
SIDE = {
    "p50_ms": 60.0, "p95_ms": 90.0, "p99_ms": 99.0, "jitter": 1.65, "cpu_ms": 58.0, "cold_start_ms": 900.0,
    "peak_memory_mb": 600.0, "processes": 4, "cpu_times_ms": [50.0, 60.0, 200.0],
}  # fmt: skip
TIMING = {
    "champion": SIDE, "challenger": SIDE, "noise": 0.034,
    "machine": {
        "cpu": "Pentium 4", "cores": 2, "system": "Linux 6", "threads": 1, "batch": 1,
        "onnxruntime": "1.3", "numpy": "2",
    },
}  # fmt: skip


class Reader(HTMLParser):
    """Texts, addresses that would be loaded, and tags that are left open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.loads, self.open = "", list[str](), list[str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.loads += [v for k, v in attrs if k in ("src", "href") and tag != "a" and not v.startswith("data:")]
        if tag not in ("meta", "br", "image", "path", "line", "rect", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.loads += [v for k, v in attrs if k in ("src", "href") and not v.startswith("data:")]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> coco.Dataset:
    return coco.read(make_dataset(tmp_path_factory.mktemp("data"), num_images=4))


def found(verdict: str = "hold", changed: Any = None, timing: Any = None, champion: Any = None) -> dict[str, Any]:
    return page.result(
        verdict, ROWS, timing if timing is not None else TIMING,
        {"discs": ["image_001.png", "image_000.png"]} if changed is None else changed,
        champion=champion or {"digest": "c" * 64, "approach": "instance"},
        challenger={"digest": "d" * 64, "bento_sha256": "e" * 64, "approach": "hybrid"},
        num_images=4, num_groups=2, criteria_sha256="f" * 64, notes=["The test split was opened 7 times so far."],
    )  # fmt: skip


def truth(data: coco.Dataset, record: coco.ImageRecord) -> Prediction:
    return Prediction(targets.class_map(record, data.classes), targets.objects(record))


def pairs(data: coco.Dataset, changed: Any) -> list[page.Pair]:
    """The champion answers as labelled, the challenger nothing."""
    right = {r.file_name: truth(data, r) for r in data.images}
    size = (96, 128)
    nothing = Prediction(np.zeros(size, np.uint8), Objects.from_masks([], [], [], size))
    answers = {"champion": right, "challenger": dict.fromkeys(right, nothing)}
    return page.shots(changed, answers, data, {"discs": COUNT})


def test_the_page_says_the_verdict_every_check_and_what_would_have_to_change(data: coco.Dataset) -> None:
    values = found()
    html = page.render(values, pairs(data, values["changed"]), {"discs": COUNT})
    read = Reader(html)
    assert (read.open, read.loads) == ([], [])
    for words in (
        "Held: worse, or a limit is broken", "hybrid against the champion, instance", "decision error: it is worse.",
        "discs: decision error, in tolerances", "0.500 ×", "0.900 ×", "+0.400 ×", "+0.250 × … +0.610 ×",
        "−0.0120 … +0.0300",
        "worse by at most 0.100 ×", "0.8100", "+0.0100", "61.2 ms", "0.900 ×", "at most 1.150 ×",
        "Taken on: Pentium 4, 2 cores, one thread, one image at a time; Linux 6; numpy 2, onnxruntime 1.3.",
        "The test split was opened 7 times so far.",
        "at least 0.9900", "up to 3.4 %", "discs: 2 of 4 images would now act differently.", "60.0 ms", "0 differ",
    ):  # fmt: skip
        assert words in read.text, words
    assert html.count('<span class="pill hold">') == 1
    assert html.count('<span class="pill promote">') == 4


def test_a_changed_image_is_shown_as_both_answer_it(data: coco.Dataset) -> None:
    first, second = pairs(data, {"discs": ["image_001.png", "image_000.png"]})
    assert [first.name, second.name] == ["image_001.png", "image_000.png"]
    objects = len(truth(data, data.images[1]).objects)
    assert (first.champion.numbers, first.challenger.numbers) == ((objects, 0, 0), (0, objects, 0))


def test_the_largest_changes_of_every_decision_are_shown_in_turn(data: coco.Dataset, monkeypatch: Any) -> None:
    monkeypatch.setattr(page, "MOST_SHOWN", 3)
    names = [f"image_{n:03}.png" for n in range(4)]
    shown = pairs(data, {"a": names[:3], "b": [names[3]]})
    assert {pair.name for pair in shown} == {names[0], names[3], names[1]}


def test_the_first_promotion_has_no_champion(data: coco.Dataset) -> None:
    values = found("promote", {}, {"challenger": SIDE, "noise": None}) | {"champion": None}
    read = Reader(page.render(values, [], {}))
    assert "Nothing was promoted before" in read.text
    assert "none yet" in read.text
    assert "would now" not in read.text


def test_the_histogram_counts_every_answer_once() -> None:
    assert page.histogram({}) == page.histogram({"champion": []}) == ""
    same = page.histogram({"champion": [50.0] * 7})
    assert same.count('class="bar champion"') == 1
    both = page.histogram({"champion": [10.0, 10.0, 1000.0], "challenger": [10.0]})
    assert both.count('class="bar champion"') == 2
    assert both.count('class="bar challenger"') == 1
    assert "champion: median 10.0 ms" in both


@pytest.mark.parametrize(
    ("decision", "words"),
    [
        (COUNT, "x: 2 of 9 images would now act differently."),
        (
            Decision(kind="coverage", tolerance={"points": 0.05}),
            "x: 2 of 9 images would now be answered otherwise by more than the tolerance.",
        ),
        (
            Decision(kind="presence", tolerance={"min_sensitivity": 0.9}),
            "x: 2 of 9 images would now be answered otherwise.",
        ),
        (Decision(kind="itemize"), "x: 2 of 9 images would now be answered otherwise."),
        (Decision(kind="count"), "x: 2 of 9 images would now be answered otherwise by more than the tolerance."),
    ],
)
def test_the_decision_diff_says_what_would_be_done_differently(decision: Decision, words: str) -> None:
    assert page.diff_words("x", decision, 2, 9) == words


def test_the_same_evidence_gives_the_same_bytes(data: coco.Dataset, tmp_path: Path) -> None:
    one, two = (page.render(found(), pairs(data, found()["changed"]), {"discs": COUNT}) for _ in range(2))
    assert one == two
