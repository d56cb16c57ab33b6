"""The page of the data stands alone, whatever the data is like, and its sentences are those of the figures."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest

from segwise.advice.entry import Entry
from segwise.advice.plan import plan
from segwise.dataset import coco
from segwise.report.distributions import histogram, log_ticks
from segwise.report.profile_page import coded, merged, render, sample
from segwise.report.profile_words import contact_says, headline, images_say
from tests.advice.facts import PARAMS, facts, write_grid
from tests.report.html import outside


def check(html: str) -> None:
    assert outside(html) == []
    assert "http" not in html
    assert not re.search(r"\bnan\b|\binf\b", html.split("</style>")[1])


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The profile of the disc images of the factory."""
    from tests.factory import make_dataset

    return facts(make_dataset(tmp_path_factory.mktemp("page") / "data"))


def test_the_page_holds_plan_samples_and_charts_and_loads_nothing(found: dict[str, Any], tiny_dataset: Path) -> None:
    dataset = coco.read(tiny_dataset)
    record = dataset.images[0]
    shown = sample(record, dataset.pixels(record), dataset.classes, "a usual image")
    html = render(found, plan(found, PARAMS), [shown])
    check(html)
    assert html.count("<figure>") == 2
    assert "train.dense.zoom" in html and "By modality" in html
    assert html.count("<svg") >= 10


def test_the_same_profile_gives_the_same_page(found: dict[str, Any]) -> None:
    assert render(found, plan(found, PARAMS), []) == render(found, plan(found, PARAMS), [])


def test_regions_alone_have_a_page_without_figures_of_objects(tmp_path: Path) -> None:
    root = write_grid(tmp_path / "data", 20, stuff=("disc",))
    regions, dataset = facts(root), coco.read(root)
    record = dataset.images[0]
    html = render(regions, plan(regions, PARAMS), [sample(record, dataset.pixels(record), dataset.classes, "usual")])
    check(html)
    assert "40 regions of 1 that are not countable" in html
    assert "0 objects, 4 regions" in html
    assert "Objects by size" not in html and "a box for each object" not in html


def test_names_from_the_label_file_are_text_and_not_markup(tmp_path: Path) -> None:
    attributes: tuple[dict[str, str], ...] = ({"<b>kind": "<i>x"}, {"<b>kind": "y"})
    root = write_grid(tmp_path / "data", 20, colours={"<u>disc": (180, 180, 180)}, attributes=attributes)
    odd = facts(root)
    html = render(odd, plan(odd, PARAMS), [])
    check(html)
    assert "<u>disc" not in html and "<i>x" not in html and "&lt;u&gt;disc" in html


def test_the_headline_counts_images_objects_classes_and_groups(found: dict[str, Any]) -> None:
    words = f"12 images with {found['num_objects']} objects of 1 countable class, in 6 groups."
    assert headline(found) == words


def test_contact_is_told_in_the_measured_numbers(found: dict[str, Any]) -> None:
    told = " ".join(contact_says(found))
    assert f"{found['contact']['num_touching']} of {found['num_objects']} objects" in told
    assert f"{found['contact']['num_with_gap']} objects have a gap of at most 16 px" in told
    nothing = copy.deepcopy(found)
    nothing["num_objects"] = 0
    assert contact_says(nothing) == []


@pytest.mark.parametrize(
    ("ratio", "words"), [(0.6, "in clusters"), (1.0, "about as at random"), (1.4, "evenly spread")]
)
def test_spread_is_told_in_words(found: dict[str, Any], ratio: float, words: str) -> None:
    other = copy.deepcopy(found)
    other["crowding"]["clark_evans"]["q50"] = ratio
    assert f"centres stand {words}" in contact_says(other)[-1]


def test_images_without_a_clear_light_are_counted_too(found: dict[str, Any]) -> None:
    assert images_say(found)[-1].endswith("6 images show objects clearly brighter than the rest, 6 darker.")
    other = copy.deepcopy(found)
    other["pixels"].update(num_brighter=1, num_darker=2)
    assert "9 neither" in images_say(other)[-1]


def test_the_same_value_and_reason_for_two_networks_is_one_line() -> None:
    entries = [Entry(f"train.{key}", 1, "Why.") for key in ("dense.x", "instance.x", "dense.y")]
    assert [e.about for e in merged(entries)] == ["train.dense.x, train.instance.x", "train.dense.y"]


def test_what_stands_between_back_quotes_is_code() -> None:
    assert coded("see `a.b` now") == [(False, "see "), (True, "a.b"), (False, " now")]


def test_bars_are_as_high_as_their_counts() -> None:
    svg = histogram({"edges": [0, 1, 2, 3], "counts": [4, 8, 0], "log": False}, "x", {"median": 1.2, "far": 99})
    heights = [float(h) for h in re.findall(r'class="bar"[^>]* height="([\d.]+)"', svg)]
    assert heights[0] * 2 == pytest.approx(heights[1], abs=0.3) and heights[2] == 0
    assert "median" in svg and "far" not in svg
    assert histogram({"edges": [], "counts": [], "log": False}, "x") == ""


def test_bins_of_whole_numbers_have_whole_ticks() -> None:
    svg = histogram({"edges": [-0.5, 0.5, 1.5], "counts": [1, 2], "log": False}, "x")
    assert re.findall(r'text-anchor="middle">([^<]*)<', svg) == ["0", "1", "x"]


def test_log_axes_have_ticks_at_round_numbers() -> None:
    assert log_ticks(4, 120) == [5, 10, 20, 50, 100]
    assert log_ticks(60, 190) == [60, 80, 100, 150]
    assert log_ticks(0.01, 5000) == [0.01, 0.1, 1, 10, 100, 1000]


def test_words_over_marks_do_not_run_into_each_other() -> None:
    marks = {"median": 5.0, "p95": 5.1, "p05": 1.0}
    svg = histogram({"edges": [0, 10], "counts": [3], "log": False}, "x", marks)
    assert svg.count('class="median"') == 3
    assert "median" in svg and ">p95<" not in svg
