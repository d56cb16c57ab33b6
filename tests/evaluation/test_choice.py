from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwise.decision.limits import reached
from segwise.decision.params import Decision
from segwise.evaluation.choice import Entry, choose, front

COUNT = Decision.model_validate({"kind": "count", "tolerance": {"relative": 0.1}})
NAMES = ("semantic", "hybrid", "instance", "cascade")


def entry(name: str, cost: float | None, error: float | None, met: str = "open", in_time: bool = True) -> Entry:
    used = None if error is None else error / 0.1
    return Entry(name, cost, used, met, in_time, reached(COUNT, {"error": error}))


def difference(a: str, b: str, value: float, low: float, high: float) -> dict[str, Any]:
    return {"a": a, "b": b, "figure": "used", "difference": value, "interval": [low, high], "significant": low > 0}


costs = st.one_of(st.none(), st.sampled_from([1.0, 2.0, 3.0, 5.0]))
errors = st.one_of(st.none(), st.sampled_from([0.02, 0.05, 0.08, 0.12, 0.3]))


@st.composite
def fields(draw: st.DrawFn) -> list[Entry]:
    """Up to four candidates; met goes with the error, as it does in the bake-off."""
    out = []
    for name in NAMES[: draw(st.integers(1, 4))]:
        error = draw(errors)
        met = "unknown" if error is None else "met" if error < 0.06 else "open" if error < 0.2 else "missed"
        out.append(entry(name, draw(costs), error, met, draw(st.booleans())))
    return out


@settings(max_examples=60, deadline=None)
@given(fields())
def test_the_winner_meets_the_decision_and_none_that_does_is_cheaper(entries: list[Entry]) -> None:
    choice = choose(COUNT, entries, [])
    meeting = {e.name: e for e in entries if e.meets}
    assert (choice["winner"] is None) == (not meeting)
    if meeting:
        won = meeting[choice["winner"]]
        assert all(e.cost is None or (won.cost is not None and won.cost <= e.cost) for e in meeting.values())
        known = [e for e in meeting.values() if e.cost is not None]
        assert not known or won.name in front(known)
        assert choice["nearest"] is None


@settings(max_examples=60, deadline=None)
@given(fields(), st.floats(0, 2), st.floats(0, 0.2))
def test_a_candidate_that_another_beats_never_changes_the_front(
    entries: list[Entry], dearer: float, worse: float
) -> None:
    known = [e for e in entries if e.cost is not None and e.used is not None]
    for best in known:
        added = entry("added", best.cost + dearer + 0.1, 0.1 * best.used + worse + 0.01)  # type: ignore[operator]  # known
        assert front([*entries, added]) == front(entries)


@settings(max_examples=60, deadline=None)
@given(fields())
def test_the_front_holds_all_that_nobody_beats_and_nobody_else(entries: list[Entry]) -> None:
    on_front = front(entries)
    known = {e.name: (e.cost, e.used) for e in entries if e.cost is not None and e.used is not None}
    for name, (cost, error) in known.items():
        beaten = any(c <= cost and e <= error and (c, e) != (cost, error) for c, e in known.values())
        assert (name in on_front) == (not beaten)


@settings(max_examples=60, deadline=None)
@given(fields(), st.permutations(NAMES))
def test_other_names_give_the_same_choice_under_other_names(entries: list[Entry], names: list[str]) -> None:
    ranks = [(e.cost, e.used) for e in entries]
    if len(set(ranks)) < len(ranks) or any(e.cost is None or e.used is None for e in entries):
        return  # of equals the simplest wins, whatever it is called
    other = dict(zip(NAMES, names, strict=True))
    renamed = [replace(e, name=other[e.name]) for e in entries]
    first, second = choose(COUNT, entries, []), choose(COUNT, renamed, [])
    assert second["winner"] == other.get(first["winner"])
    assert second["nearest"] == other.get(first["nearest"])
    assert second["front"] == [other[name] for name in first["front"]]


@settings(max_examples=60, deadline=None)
@given(fields())
def test_a_smaller_error_never_loses(entries: list[Entry]) -> None:
    winner = choose(COUNT, entries, [])["winner"]
    for index, e in enumerate(entries):
        if e.used is None or not e.is_in_time:
            continue
        better = entry(e.name, e.cost, 0.05 * e.used, "met" if 0.05 * e.used < 0.06 else e.met)
        after = choose(COUNT, [*entries[:index], better, *entries[index + 1 :]], [])["winner"]
        assert after in (winner, e.name) if winner != e.name else after == e.name


def test_the_cheapest_that_is_proven_wins_and_the_words_say_why() -> None:
    entries = [entry("semantic", 1, 0.2, "missed"), entry("hybrid", 2, 0.05, "met"), entry("instance", 5, 0.03, "met")]
    choice = choose(COUNT, entries, [difference("hybrid", "instance", 0.2, 0.1, 0.3)])
    assert choice["winner"] == "hybrid"
    assert choice["why"] == (
        "hybrid is proven to meet “within 10 %” with a count error of 5.0 % at 2 per 1,000 images; "
        "instance (a count error of 3.0 % at 5 per 1,000 images) would do too and is no cheaper."
    )
    assert choice["simpler_is_enough"]
    assert choice["simpler"] == {
        "name": "hybrid", "than": "instance", "difference": 0.2, "interval": [0.1, 0.3], "is_proven": True,
    }  # fmt: skip


def test_a_late_candidate_never_wins() -> None:
    entries = [entry("semantic", 1, 0.02, "met", in_time=False), entry("instance", 5, 0.03, "met")]
    choice = choose(COUNT, entries, [])
    assert choice["winner"] == "instance"
    assert "not in time: semantic" in choice["why"]


def test_where_none_is_proven_the_nearest_and_what_is_open_are_named() -> None:
    entries = [entry("semantic", 1, 0.3, "missed"), entry("hybrid", 2, 0.07), entry("instance", 5, 0.09)]
    choice = choose(COUNT, entries, [])
    assert (choice["winner"], choice["nearest"]) == (None, "hybrid")
    assert "0.70 times the limit" in choice["why"] and "open for hybrid, instance" in choice["why"]
    missed = choose(COUNT, [entry("semantic", 1, 0.3, "missed"), entry("hybrid", 2, 0.2, "missed")], [])
    assert missed["why"].startswith("Every candidate misses") and missed["nearest"] == "hybrid"


def test_without_an_error_nothing_is_nearest() -> None:
    choice = choose(COUNT, [entry("semantic", 1, None, "unknown")], [])
    assert (choice["winner"], choice["nearest"], choice["front"]) == (None, None, [])
    assert choice["why"].endswith("no error is known.")


@pytest.mark.parametrize("turned", [False, True])
def test_a_cheaper_one_that_is_not_significantly_worse_is_told_and_not_called_enough(turned: bool) -> None:
    entries = [entry("semantic", 1, 0.09), entry("instance", 5, 0.08)]

    def told(low: float, high: float) -> dict[str, Any]:
        pair = ("instance", "semantic", -0.01, -high, -low) if turned else ("semantic", "instance", 0.01, low, high)
        return choose(COUNT, entries, [difference(*pair)])

    assert told(-0.01, 0.03)["simpler"]["interval"] == [-0.01, 0.03]
    assert not told(-0.01, 0.03)["simpler"]["is_proven"]
    assert not told(-0.01, 0.03)["simpler_is_enough"]
    assert told(0.005, 0.03)["simpler"] is None


def test_what_is_asked_of_the_time_but_not_known_is_not_met() -> None:
    decision = Decision.model_validate({"kind": "count", "operation": {"deadline_ms": 100}})
    found = {"cost_per_1000": 1.0, "error": 0.01, "used": 0.1, "met": "met", "deadline_met": None, "frames_met": None}
    assert not Entry.of("semantic", found, decision).is_in_time
    assert Entry.of("semantic", found, COUNT).is_in_time
    assert Entry.of("semantic", {**found, "deadline_met": True}, decision).is_in_time


def test_beside_a_winner_nothing_cheaper_is_told_than_the_winner() -> None:
    entries = [entry("semantic", 1, 0.085), entry("hybrid", 2, 0.07, "met")]
    choice = choose(COUNT, entries, [difference("semantic", "hybrid", 0.15, -0.05, 0.3)])
    assert choice["winner"] == "hybrid"
    assert choice["simpler"] is None and not choice["simpler_is_enough"]


@pytest.mark.parametrize("cheap", [entry("semantic", 1, 0.14, "missed"), entry("semantic", 1, 0.09, in_time=False)])
def test_what_misses_the_tolerance_or_the_deadline_is_no_simpler_choice(cheap: Entry) -> None:
    choice = choose(COUNT, [cheap, entry("hybrid", 2, 0.08)], [difference("semantic", "hybrid", 0.1, -0.3, 0.5)])
    assert choice["simpler"] is None


def test_where_the_tolerance_is_of_the_action_the_count_error_decides_nothing() -> None:
    stated = {"kind": "count", "action": "if count() < 12 then alert", "tolerance": {"min_accuracy": 0.98}}
    decision = Decision.model_validate(stated)
    base = {"deadline_met": None, "frames_met": None, "met": "met"}
    counts = {**base, "cost_per_1000": 1.0, "error": 0.2, "accuracy": 0.992, "used": 0.4}
    better = {**base, "cost_per_1000": 2.0, "error": 0.05, "accuracy": 0.982, "used": 0.9}
    choice = choose(decision, [Entry.of("semantic", counts, decision), Entry.of("hybrid", better, decision)], [])
    assert choice["front"] == ["semantic"]
    assert "with the right action on 99.2 % of the images at 1 per 1,000 images" in choice["why"]
    assert "error" not in choice["why"]


def test_where_every_candidate_is_late_the_best_of_them_is_told() -> None:
    entries = [entry("semantic", 1, 0.03, "met", in_time=False), entry("hybrid", 2, 0.02, "met", in_time=False)]
    choice = choose(COUNT, entries, [])
    assert (choice["winner"], choice["nearest"]) == (None, None)
    assert choice["why"] == (
        "No candidate is in time for “within 10 %”: the nearest of the late ones, hybrid, meets it, with a count error "
        "of 2.0 %."
    )
