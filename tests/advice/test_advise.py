"""What advice rests on and what it says beside the recommendation: label facts, changes, sentences, costs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from segwise.advice.advise import advise, entry
from segwise.advice.annotation import annotation
from segwise.advice.ceilings.ceilings import ceilings
from segwise.advice.changes import changes, expected_ms, limits_at, rounded
from segwise.advice.evidence import Ceiling, Contact, Evidence, LabelFacts
from segwise.advice.label_facts import label_facts, uncountable
from segwise.advice.params import AdviseParams
from segwise.advice.rules import recommend
from segwise.advice.sentences import headline, proof, sentences
from segwise.dataset import coco
from segwise.dataset.coco import Dataset
from segwise.decision.params import Decision
from segwise.errors import UsageError
from segwise.spec import canonical_json
from segwise.types import ClassInfo
from tests.advice.drawn import PARAMS, disc, pairs, record
from tests.advice.facts import facts
from tests.factory import make_dataset

LABELS = LabelFacts(
    num_images=40, num_groups=20, per_class={"disc": 400}, positives=30, negatives=10, most_per_image=20
)
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


def test_label_facts_count_labels_images_and_groups_by_hand() -> None:
    images = (
        record("a.png", [disc(20, 20, 8), disc(20, 60, 8)], 0, "g1"),
        record("b.png", [disc(20, 20, 8)], 2, "g1"),
        record("c.png", [], 3, "g2"),
    )
    found = label_facts(Dataset(Path(), images, (DISC,)), COUNT, {"merged object": 2, "rim": 5})
    assert (found.num_images, found.num_groups, dict(found.per_class)) == (3, 2, {"disc": 3})
    assert (found.positives, found.negatives, found.groups_with, found.groups_without) == (2, 1, 1, 1)
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
    assert proof(0.95, 0.9) == 45 and 0.95**45 <= 0.1 < 0.95**44
    asked = evidence(kind="presence", limits={"min_sensitivity": 0.95, "min_specificity": 0.5})
    found = said(asked)
    assert found["images_with"].value == 30 and found["images_with"].to == 45
    assert "images_without" not in found  # 10 images without it are more than the 4 that 0.5 needs


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
    assert "20 % (90 % interval 16 to 24 %), 2 times the tolerance. No training can" in found[1].text
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
