"""What follows from the events, whatever else was recorded between them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from segwise import registry
from segwise.params import load
from tests.registry.events import add, promote

PARAMS = Path(__file__).resolve().parents[2] / "params.yaml"
OTHERS: tuple[registry.Kind, ...] = ("data", "run", "amend", "test_read", "gate", "approval", "hold", "inconclusive")


def test_only_promotions_and_rollbacks_make_a_champion(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    promote(path, "a")
    promote(path, "b")
    for kind in OTHERS:
        add(path, kind, {"digest": "x", "bento_sha256": "x"})
    events = registry.read(path)
    assert registry.champion(events) == events[1]
    assert registry.previous(events) == events[0]
    assert registry.rolled_back(events) == frozenset()
    add(path, "rollback", {"digest": "a", "bento_sha256": "ba"})
    add(path, "run", {"network": "dense"})
    events = registry.read(path)
    assert registry.champion(events) == events[-2]
    assert registry.previous(events) is None
    assert registry.rolled_back(events) == {"bb"}


def test_an_empty_log_has_neither_champion_nor_anything_before() -> None:
    assert (registry.champion(()), registry.previous(()), registry.rolled_back(())) == (None, None, frozenset())


def test_events_about_no_package_have_no_digest(tmp_path: Path) -> None:
    event = add(tmp_path / "events.jsonl", "run", {"network": "dense"})
    assert (event.digest, event.bento_sha256) == ("", "")


def test_only_test_reads_are_counted_as_such(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    for kind in ("run", "test_read", "promote", "test_read"):
        add(path, kind, {})
    assert registry.num_test_reads(registry.read(path)) == 2


def approve(path: Path, actor: str, digest: str = "a") -> None:
    add(path, "approval", {"digest": digest}, actor=actor)


def test_approvals_count_people_and_not_clicks_nor_the_promoter(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    for actor in ("ada", "Ada ", "grace", "grace"):
        approve(path, actor)
    approve(path, "alan", digest="another")
    events = registry.read(path)
    assert registry.approvers(events, "a") == ("ada", "grace")
    assert registry.approved(events, "a", 2)
    assert not registry.approved(events, "a", 3)
    assert registry.approved(events, "a", 1, promoter="ADA")
    assert not registry.approved(events, "a", 2, promoter="ADA")
    assert registry.has_approved(events, "a", " GRACE")
    assert not registry.has_approved(events, "a", "alan")


def test_where_none_is_needed_nobody_has_to_approve() -> None:
    assert registry.approved((), "a", 0, promoter="ada")
    assert not registry.approved((), "a", 1, promoter="ada")


def test_a_package_that_was_rolled_back_needs_new_approvals(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    approve(path, "grace", "old")
    promote(path, "old")
    approve(path, "grace")
    promote(path, "a")
    add(path, "run", {"network": "dense"})
    add(path, "rollback", {"digest": "old"})
    events = registry.read(path)
    assert registry.approvers(events, "a") == ()
    assert registry.approvers(events, "old") == ("grace",), "it came back"
    approve(path, "alan")
    assert registry.approvers(registry.read(path), "a") == ("alan",)


def criteria(min_f1: float) -> dict[str, Any]:
    found = registry.criteria_of(load(PARAMS))
    return {**found, "gate": {**found["gate"], "min_f1": min_f1}}


def train(path: Path, network: str, params: str, min_f1: float) -> registry.Event:
    now = criteria(min_f1)
    subject = {"network": network, "params_sha256": params}
    return add(path, "run", subject, details={"criteria": now, "criteria_sha256": registry.criteria.digest(now)})


def amend(path: Path, min_f1: float) -> registry.Event:
    now = criteria(min_f1)
    return add(path, "amend", {}, details={"criteria": now, "criteria_sha256": registry.criteria.digest(now)})


def held(path: Path, *networks: str) -> float | None:
    found = registry.frozen(registry.read(path), networks)
    return None if found is None else found["gate"]["min_f1"]


def test_the_criteria_of_a_training_are_those_of_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    began = train(path, "dense", "p", 0.75)
    one = registry.freeze(registry.read(path), "dense")
    assert one is not None
    assert (one.began, one.since, one.network) == (began, began, "dense")
    assert one.sha256 == registry.criteria.digest(criteria(0.75)) == registry.criteria.digest(one.criteria)
    assert registry.moved(registry.read(path), ["dense"], criteria(0.75)) == []
    (line,) = registry.moved(registry.read(path), ["dense", "instance"], criteria(0.7))
    assert line == "gate.min_f1: 0.75 → 0.7 (frozen by event 1, dense)"


def test_beginning_the_same_training_again_is_no_way_around_them(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    train(path, "dense", "p", 0.75)
    train(path, "dense", "p", 0.7)
    assert held(path, "dense") == 0.75


def test_another_training_has_its_own(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    train(path, "dense", "p", 0.75)
    train(path, "dense", "q", 0.7)
    assert held(path, "dense") == 0.7
    train(path, "dense", "p", 0.6)
    assert held(path, "dense") == 0.75, "back to the first"


def test_an_amendment_holds_for_the_trainings_before_it_and_not_for_those_after(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    train(path, "dense", "p", 0.75)
    amend(path, 0.7)
    amend(path, 0.72)
    last = amend(path, 0.65)
    train(path, "instance", "p", 0.8)
    assert held(path, "dense") == 0.65
    assert held(path, "instance") == 0.8
    one = registry.freeze(registry.read(path), "dense")
    assert one is not None
    assert (one.began.seq, one.since) == (1, last)


def test_of_two_networks_the_training_begun_first_decides_and_both_are_compared(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    train(path, "instance", "p", 0.8)
    train(path, "dense", "p", 0.75)
    assert held(path, "dense", "instance") == 0.8
    lines = registry.moved(registry.read(path), ["dense", "instance"], criteria(0.8))
    assert lines == ["gate.min_f1: 0.75 → 0.8 (frozen by event 2, dense)"]


def test_what_was_never_recorded_is_not_frozen(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    assert held(path, "dense") is None
    assert registry.frozen((), ()) is None
    train(path, "dense", "p", 0.75)
    assert held(path, "dense", "instance") is None
    assert registry.freeze(registry.read(path), "instance") is None


@pytest.mark.parametrize("section", ["decision", "evaluate", "gate", "promote"])
def test_the_criteria_are_the_four_sections_that_say_them(section: str) -> None:
    found = registry.criteria_of(load(PARAMS))
    assert set(found) == {"decision", "evaluate", "gate", "promote"}
    assert found[section]


def test_signatures_are_those_of_the_package_the_newest_first_and_each_once(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    for digest, signature in (
        ("a", {"sha256": "1"}), ("b", {"sha256": "9"}), ("a", {"sha256": "2"}), ("a", {"sha256": "1"}),
        ("a", {}), ("a", "none"), ("a", None),
    ):  # fmt: skip
        add(path, "sign", {"digest": digest}, details={"signature": signature})
    add(path, "promote", {"digest": "a"})
    events = registry.read(path)
    assert registry.signatures(events, "a") == ("1", "2")
    assert registry.signatures(events, "b") == ("9",)
    assert registry.signatures(events, "c") == registry.signatures((), "a") == ()
