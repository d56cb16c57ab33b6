"""The page of the advice stands alone, and its charts and pictures are those of the figures."""

from __future__ import annotations

import re
from typing import Any

import pytest

from segwise.advice.advise import advise, entry
from segwise.advice.ceilings.ceilings import ceilings
from segwise.advice.evidence import Evidence, LabelFacts
from segwise.dataset import coco
from segwise.dataset.coco import Dataset
from segwise.decision.params import Decision
from segwise.report.advice_page import chart, render, scale_of
from segwise.report.advice_shots import choose, said, shots
from tests.advice.drawn import PARAMS
from tests.advice.facts import facts
from tests.factory import make_dataset

DECISIONS = {
    "discs": Decision(kind="count", operation={"annotation_hours": 5}),
    "green": Decision(kind="coverage"),
    "any": Decision(kind="presence"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, dict[str, Any], dict[str, Any]]:
    root = make_dataset(tmp_path_factory.mktemp("advice") / "data", 12)
    dataset = coco.read(root)
    found = ceilings(dataset, DECISIONS, PARAMS.ceilings, told=lambda _name, images, _num: images)
    return dataset, found, advise(dataset, DECISIONS, facts(root), found, PARAMS, {})


def test_the_page_stands_alone_and_says_every_headline_and_sentence(made: Any) -> None:
    dataset, found, advice = made
    html = render(advice, found, shots(dataset, DECISIONS, found, PARAMS.ceilings))
    assert "<script" not in html and "http" not in html and "<link" not in html
    assert all(v.startswith("data:") for v in re.findall(r'(?:src|href)="([^"]*)"', html))
    assert not re.search(r"\bnan\b|\binf\b|\bNone\b", html.split("</style>")[1])
    for own in advice["decisions"].values():
        assert own["headline"] in html
    plain = re.sub(r"</?code>", "", html).replace("&#39;", "'").replace("&lt;", "<")
    for sentence in advice["decisions"]["discs"]["sentences"]:
        assert sentence["text"].replace("`", "") in plain


def test_the_same_advice_gives_the_same_page(made: Any) -> None:
    _, found, advice = made
    assert render(advice, found, {}) == render(advice, found, {})


def test_the_page_of_labels_that_allow_no_answer_is_written_too(made: Any) -> None:
    dataset, _, _ = made
    one = {"discs": Decision(kind="count")}
    few = Dataset(dataset.root, dataset.images[:2], dataset.classes)
    at = ceilings(few, one, PARAMS.ceilings, told=lambda _name, images, _num: images)
    blocked = advise(few, one, {**facts(dataset.root), "num_images": 2}, at, PARAMS, {})
    assert blocked["decisions"]["discs"]["recommend"] == "no answer"
    assert "The labels do not allow an answer" in render(blocked, at, {})


def test_a_chart_is_in_the_unit_of_the_only_limit_and_in_parts_of_the_tolerance_otherwise() -> None:
    count, _, key = scale_of({"limits": {"relative": 0.05}})
    assert (count.limit, count.unit, key) == (5.0, "%", "error")
    assert scale_of({"limits": {"min_f1": 0.85}})[0].limit == pytest.approx(15.0)
    both, _, key = scale_of({"limits": {"min_sensitivity": 0.95, "min_specificity": 0.9}})
    assert (both.limit, key) == (100.0, "used")


def test_the_chart_holds_a_row_for_each_approach(made: Any) -> None:
    _, found, advice = made
    svg = chart("discs", advice["decisions"]["discs"], found)
    assert [name for name in ("semantic", "+ split", "hybrid", "instance") if f">{name}<" in svg] == [
        "semantic", "+ split", "hybrid", "instance",
    ]  # fmt: skip


def test_the_pictures_are_of_the_cheapest_candidate_that_errs_and_one_of_each_dearer() -> None:
    worst = [
        {"decision": d, "candidate": c, "file_name": f"{c}{i}"}
        for d in ("it", "other")
        for c in ("semantic", "semantic + watershed", "instance")
        for i in range(5)
    ]
    assert [e["file_name"] for e in choose(worst, "it")] == ["semantic0", "semantic1", "semantic2", "instance0"]
    assert choose(worst, "none") == []


def test_a_picture_says_what_was_merged_split_and_missed() -> None:
    boxes = [{"what": "merged"}, {"what": "merged"}, {"what": "missed"}]
    words = said("count", {"truth": 9, "ceiling": 7, "boxes": boxes})
    assert words == ["labelled 9, at best 7; 2 merged with another; 1 not found"]


def test_an_entry_without_ceilings_has_no_chart() -> None:
    assert chart("it", entry(Evidence("it", "count", "", {"relative": 0.1}, LabelFacts()), PARAMS), {}) == ""


@pytest.mark.parametrize(
    ("is_safe", "word"), [(True, "Yes: of"), (False, "No: of"), (None, "Too few pairs to tell: of")]
)
def test_too_few_pairs_are_not_taken_for_a_no(made: Any, is_safe: bool | None, word: str) -> None:
    _, found, advice = made
    pairs = {**found["safe_to_split"], "num_pairs": 3, "is_safe": is_safe}
    assert word in render(advice, {**found, "safe_to_split": pairs}, {})
