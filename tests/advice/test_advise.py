"""What advice rests on and what it says beside the recommendation: label facts, changes, sentences, costs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from segwise.advice.advise import advise, entry
from segwise.advice.annotation import annotation
from segwise.advice.ceilings.ceilings import ceilings
from segwise.advice.changes import changes, expected_ms, limits_at, proof, rounded
from segwise.advice.evidence import Ceiling, Contact, Evidence, LabelFacts, ceiling
from segwise.advice.label_facts import label_facts, uncountable
from segwise.advice.params import AdviseParams
from segwise.advice.rules import recommend
from segwise.advice.sentences import headline, sentences
from segwise.dataset import coco
from segwise.dataset.coco import Dataset
from segwise.decision.params import Decision
from segwise.decision.score import exact_interval
from segwise.errors import UsageError
from segwise.spec import canonical_json
from segwise.types import ClassInfo
from tests.advice.drawn import PARAMS, advised, disc, pairs, record
from tests.advice.facts import facts
from tests.factory import make_dataset

LABELS = LabelFacts(
    num_images=40, num_groups=20, per_class={"disc": 400}, positives=30, negatives=10, groups_with=18, groups_without=7,
    most_per_image=20,
)  # fmt: skip
COUNT = Decision(kind="count")
DISC = ClassInfo(1, "disc", True)


def evidence(**changes: Any) -> Evidence:
    found = {
        "semantic": Ceiling(0.2, 2.0, 1.6, 2.4, 0.16, 0.24),
        "hybrid": Ceiling(0.01, 0.1, 0.05, 0.15, 0.005, 0.015),
        "instance": Ceiling(0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    }
    base = Evidence("it", "count", "within 10 %", {"relative": 0.1}, LABELS, found, Contact(touching=0.4))
    return replace(base, **changes)


def said(e: Evidence) -> dict[str, Any]:
    return {c.key: c for c in changes(e, recommend(e, AdviseParams()), AdviseParams())}


def of_presence(dataset: Dataset, **stated: Any) -> tuple[int, int, int, int]:
    found = label_facts(dataset, Decision.model_validate({"kind": "presence", **stated}), {})
    return found.positives, found.negatives, found.groups_with, found.groups_without


def test_what_is_too_small_or_outside_of_the_zones_is_not_present() -> None:
    large, small = disc(40, 100, 12), disc(10, 10, 2)
    images = tuple(record(f"{i}.png", [large, small] if i < 2 else [small], 2 * i, f"g{i // 2}") for i in range(6))
    dataset = Dataset(Path(), images, (DISC,))
    halves = {"left": [[0, 0], [0.5, 0], [0.5, 1], [0, 1]], "right": [[0.5, 0], [1, 0], [1, 1], [0.5, 1]]}
    assert of_presence(dataset) == (6, 0, 3, 0)
    assert of_presence(dataset, min_area_px=100) == (2, 4, 1, 2)
    assert of_presence(dataset, zones=halves) == (6 + 2, 4, 3, 2)
    decision = Decision.model_validate({"kind": "presence", "min_area_px": 100})
    assert "one side" not in advised(dataset, decision)["blockers"]
    nowhere = advised(dataset, Decision.model_validate({"kind": "presence", "min_area_px": 1000}))
    assert nowhere["blockers"] == ["one side", "few groups"]
    assert "All 6 images say that it is not there as the decision asks" in nowhere["sentences"][0]["text"]


def test_label_facts_count_labels_images_and_groups_by_hand() -> None:
    images = (
        record("a.png", [disc(20, 20, 8), disc(20, 60, 8)], 0, "g1"),
        record("b.png", [disc(20, 20, 8)], 2, "g1"),
        record("c.png", [], 3, "g2"),
    )
    dataset = Dataset(Path(), images, (DISC,))
    found = label_facts(dataset, COUNT, {"merged object": 2, "rim": 5})
    assert (found.num_images, found.num_groups, dict(found.per_class)) == (3, 2, {"disc": 3})
    assert of_presence(dataset) == (2, 1, 1, 1)
    assert found.most_per_image == 2 and found.faults == {"merged object": 2}


def test_class_masks_that_pose_as_objects_are_recognised_by_their_parts() -> None:
    two = disc(20, 20, 8) | disc(60, 60, 8)
    masks = Dataset(Path(), (record("a.png", [two], 0), record("b.png", [two | disc(20, 100, 8)], 1)), (DISC,))
    assert label_facts(masks, COUNT, {}).parts_per_label == 2.5
    assert label_facts(pairs(0.0, 0), COUNT, {}).parts_per_label == 1.0


def test_what_cannot_be_counted_is_said_and_an_unknown_class_refused() -> None:
    classes = (DISC, ClassInfo(2, "grass", False))
    assert uncountable(COUNT, classes) == ""
    assert "grass is a region" in uncountable(Decision(kind="count", classes=("grass",)), classes)
    assert uncountable(Decision(kind="coverage", classes=("grass",)), classes) == ""
    assert "every class" in uncountable(COUNT, classes[1:])
    with pytest.raises(UsageError, match="gras"):
        label_facts(Dataset(Path(), (), classes), Decision(kind="count", classes=("gras",)), {})


def test_the_tolerance_at_which_semantic_is_enough_is_its_error_over_the_room_it_may_use() -> None:
    found = [
        c for c in changes(evidence(), recommend(evidence(), AdviseParams()), AdviseParams()) if c.key == "tolerance"
    ]
    assert found[0].to == {"relative": pytest.approx(0.4)}  # 20 % error, at most half of the tolerance
    assert found[0].text == "With a tolerance of 40 % or more, semantic is enough."


def test_a_wider_tolerance_lets_more_be_lacking_and_leaves_out_what_leaves_its_range() -> None:
    limits = {"min_sensitivity": 0.9, "min_specificity": 0.6}
    assert limits_at(evidence(limits=limits), 2) == pytest.approx({"min_sensitivity": 0.8, "min_specificity": 0.2})
    assert limits_at(evidence(limits=limits), 3) == pytest.approx({"min_sensitivity": 0.7})


def test_the_touching_share_is_reduced_by_the_load() -> None:
    assert said(evidence())["touching_share"].to == pytest.approx(0.4 / 4)
    assert "touching_share" not in said(evidence(contact=Contact(touching=0.1)))  # touching does not explain 20 %


def test_an_undecided_ceiling_says_how_many_groups_would_tell() -> None:
    """Half of the interval is twice the gap to the tolerance: four times the groups."""
    open_ = {"semantic": Ceiling(0.12, 1.2, 0.8, 1.6)}
    assert said(evidence(ceilings=open_))["num_groups"].to == 4 * LABELS.num_groups


@pytest.mark.parametrize(("deadline", "words"), [(100.0, "would break"), (400.0, "should keep")])
def test_a_deadline_is_held_against_the_expected_p95(deadline: float, words: str) -> None:
    found = said(evidence(deadline_ms=deadline, megapixels=4 * 256 * 256 / 1e6))["operation.deadline_ms"]
    assert words in found.text and found.to == pytest.approx(53 * 4 * 1.36, abs=0.1)


def test_frames_per_second_are_told_in_busy_cores() -> None:
    at = evidence(frames_per_s=50.0, megapixels=256 * 256 / 1e6)
    assert expected_ms(at, "hybrid", AdviseParams()) == pytest.approx(53)
    assert "about 3 cores" in said(at)["operation.frames_per_s"].text  # 50 × 53 ms = 2.65 s


def test_presence_says_how_many_images_would_prove_the_promised_rate() -> None:
    for limit, confidence in ((0.95, 0.9), (0.99, 0.95), (0.5, 0.9)):
        enough, fewer = (exact_interval(n, n, confidence)[0] for n in (proof(limit, confidence) - k for k in (0, 1)))
        assert enough >= limit > fewer
    asked = evidence(kind="presence", limits={"min_sensitivity": 0.95, "min_specificity": 0.5})
    found = said(asked)
    assert found["groups_with"].value == 18 and found["groups_with"].to == 59
    never = said(evidence(kind="presence", limits={"min_sensitivity": 1.0}))["tolerance.min_sensitivity"]
    assert never.text.startswith("No test can prove sensitivity at least 1:")
    assert "groups_without" not in found  # 7 groups without it are more than the 5 that 0.5 needs


@pytest.mark.parametrize(
    ("value", "up", "expected"),
    [
        (0.0912, True, 0.092),
        (0.0912, False, 0.091),
        (0.4, True, 0.4),
        (4.01, True, 4.1),
        (0.9876, True, 0.988),
        (0.9876, False, 0.987),
    ],
)
def test_limits_are_rounded_to_the_side_on_which_the_statement_stays_true(
    value: float, up: bool, expected: float
) -> None:
    assert rounded(value, up) == pytest.approx(expected)


def test_every_sentence_carries_its_numbers_and_says_what_follows_from_them() -> None:
    at, params = evidence(), AdviseParams()
    verdict = recommend(at, params)
    found = sentences(at, verdict, params)
    assert headline(at, verdict) == "Hybrid can be enough; nothing dearer is needed" and verdict.is_simpler_enough
    assert found[0].numbers["approach"] == "hybrid" and "leaves 90 % of the tolerance" in found[0].text
    assert (
        "leaves a count error of 20.0 % (90 % interval 16.0 to 24.0 %), 2 times the tolerance. No training can"
        in found[1].text
    )
    assert "Not needed: it took 4.2 times as long as hybrid" in found[2].text
    assert all(s.numbers for s in found)


def test_annotation_tells_the_next_images_the_budget_and_what_class_masks_give_back() -> None:
    effort = {
        "objects": {"hours": 40.0, "minutes_per_image": 60.0},
        "class_masks": {"hours": 2.0, "minutes_per_image": 3.0},
        "rates": {},
    }
    profile = {"effort": effort, "num_images": 40}
    found = {"candidates": {"semantic": {"objects": {"f1": 0.85}}}}
    told = annotation(profile, found, {"a": "hybrid", "b": "semantic"}, {"a": 10.0, "b": None})
    assert told["asked_for"] == "instance" and told["labels"]["instance"]["next_hours"] == 50.0
    assert told["labels"]["instance"]["budget_images"] == 10 and told["labels"]["semantic"]["budget_images"] == 200
    assert any("F1 of 0.85" in s["text"] for s in told["sentences"])
    assert "40 hours more" in told["sentences"][-1]["text"]
    cheap = annotation(profile, found, {"b": "semantic"}, {"b": None})
    assert cheap["asked_for"] == "semantic" and "95 % saved" in cheap["sentences"][1]["text"]


def test_without_an_answer_no_kind_of_labels_is_asked_for() -> None:
    effort = {
        "objects": {"hours": 40.0, "minutes_per_image": 60.0},
        "class_masks": {"hours": 2.0, "minutes_per_image": 3.0},
        "rates": {},
    }
    told = annotation({"effort": effort, "num_images": 40}, {}, {"a": "no answer"}, {"a": 10.0})
    assert told["asked_for"] is None
    words = " ".join(s["text"] for s in told["sentences"])
    assert "needs single objects" not in words and "none asks for either kind of labels" in words
    assert "200 images as class masks, or 10 with object outlines" in words
    mixed = annotation({"effort": effort, "num_images": 40}, {}, {"a": "no answer", "b": "semantic"}, {"a": None})
    assert mixed["asked_for"] == "semantic"


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ({"kind": "count", "tolerance": {"absolute": 0.5}}, "leaves a mean count error of 1.00"),
        ({"kind": "count", "action": "if count() < 2 then stop", "tolerance": {"min_accuracy": 0.9}},
         "reaches the right action on 80.0 % of the images"),
        ({"kind": "presence"}, "reaches a specificity of 0.800"),
        ({"kind": "itemize", "tolerance": {"min_f1": 0.9}}, "reaches an F1 of 0.800"),
    ],
)  # fmt: skip
def test_a_ceiling_is_told_in_the_unit_of_the_limit_it_is_held_against(stated: Any, words: str) -> None:
    decision = Decision.model_validate(stated)
    figures = {"error": 0.33, "mae": 1.0, "accuracy": 0.8, "sensitivity": 0.97, "specificity": 0.8, "f1": 0.8}
    c = ceiling({**figures, "used": 2.0, "intervals": {}}, decision)
    at = evidence(kind=decision.kind, limits={}, ceilings={"semantic": c, "hybrid": c, "instance": c})
    text = sentences(at, recommend(at, AdviseParams()), AdviseParams())[0].text
    assert f"{words}, 2 times the tolerance" in text
    assert c.error == pytest.approx(c.used * {"absolute": 0.5, "min_accuracy": 0.1}.get(c.key, 0.1))


def test_the_interval_of_a_rate_is_told_from_its_lower_to_its_upper_end() -> None:
    decision = Decision.model_validate({"kind": "itemize", "tolerance": {"min_f1": 0.9}})
    c = ceiling({"f1": 0.8, "used": 2.0, "intervals": {"f1": [0.75, 0.86], "used": [1.4, 2.5]}}, decision)
    assert (c.error_low, c.error_high) == pytest.approx((0.14, 0.25))
    at = evidence(kind="itemize", limits={"min_f1": 0.9}, ceilings={"semantic": c})
    text = sentences(at, recommend(at, AdviseParams()), AdviseParams())[0].text
    assert "reaches an F1 of 0.800 (90 % interval 0.750 to 0.860), 2 times" in text


def test_labels_that_contradict_themselves_say_at_which_tolerance_they_would_do() -> None:
    """21 of 400 labels are 5.25 %: more than half of 10 %, half of 10.5 %."""
    labels = replace(LABELS, faults={"duplicate object": 21})
    blocked = entry(evidence(labels=labels), AdviseParams())
    assert blocked["blockers"] == ["contradicting labels"]
    assert blocked["would_change"][0]["text"] == "With a tolerance of 11 % or more, hybrid is enough."
    assert [step["recommend"] for step in blocked["by_tolerance"]][:2] == ["no answer", "hybrid"]
    fine = entry(evidence(labels=replace(LABELS, faults={"duplicate object": 10})), AdviseParams())
    (tighter,) = [c["text"] for c in fine["would_change"] if "or less" in c["text"]]
    assert tighter.startswith("With a tolerance of 5 % or less, labels that contradict themselves would weigh too much")


def test_the_advice_of_a_set_is_plain_numbers_the_same_every_time(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / "data", 10)
    dataset, decisions = coco.read(root), {"discs": COUNT}
    found = ceilings(dataset, decisions, PARAMS.ceilings, told=lambda _name, images, _num: images)
    texts = {canonical_json(advise(dataset, decisions, facts(root), found, PARAMS, {})) for _ in range(2)}
    assert len(texts) == 1 and '"recommend": "' in texts.pop()


def test_blocked_advice_has_one_sentence_per_reason() -> None:
    few = entry(evidence(labels=replace(LABELS, num_groups=3)), AdviseParams())
    assert few["recommend"] == "no answer" and few["headline"] == "The labels do not allow an answer"
    assert len(few["sentences"]) == 1 and few["sentences"][0]["numbers"] == {"num_groups": 3, "fewest": 5}
