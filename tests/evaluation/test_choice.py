from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwise.decision.params import Decision
from segwise.evaluation.choice import Entry, choose, front

COUNT = Decision.model_validate({"kind": "count", "tolerance": {"relative": 0.1}})
NAMES = ("semantic", "hybrid", "instance", "cascade")


def entry(name: str, cost: float | None, error: float | None, met: str = "open", in_time: bool = True) -> Entry:
    return Entry(name, cost, error, None if error is None else error / 0.1, met, in_time)


def difference(a: str, b: str, value: float, low: float, high: float) -> dict[str, Any]:
    return {"a": a, "b": b, "figure": "error", "difference": value, "interval": [low, high], "significant": low > 0}


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
    known = [e for e in entries if e.cost is not None and e.error is not None]
    for best in known:
        added = entry("added", best.cost + dearer + 0.1, best.error + worse + 0.01)  # type: ignore[operator]  # known
        assert front([*entries, added]) == front(entries)


@settings(max_examples=60, deadline=None)
@given(fields())
def test_the_front_holds_all_that_nobody_beats_and_nobody_else(entries: list[Entry]) -> None:
    on_front = front(entries)
    known = {e.name: (e.cost, e.error) for e in entries if e.cost is not None and e.error is not None}
    for name, (cost, error) in known.items():
        beaten = any(c <= cost and e <= error and (c, e) != (cost, error) for c, e in known.values())
        assert (name in on_front) == (not beaten)


@settings(max_examples=60, deadline=None)
@given(fields(), st.permutations(NAMES))
def test_other_names_give_the_same_choice_under_other_names(entries: list[Entry], names: list[str]) -> None:
    ranks = [(e.cost, e.error) for e in entries]
    if len(set(ranks)) < len(ranks) or any(e.cost is None or e.error is None for e in entries):
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
        if e.error is None or not e.is_in_time:
            continue
        better = entry(e.name, e.cost, e.error / 2, "met" if e.error / 2 < 0.06 else e.met)
        after = choose(COUNT, [*entries[:index], better, *entries[index + 1 :]], [])["winner"]
        assert after in (winner, e.name) if winner != e.name else after == e.name


def test_the_cheapest_that_is_proven_wins_and_the_words_say_why() -> None:
    entries = [entry("semantic", 1, 0.2, "missed"), entry("hybrid", 2, 0.05, "met"), entry("instance", 5, 0.03, "met")]
    choice = choose(COUNT, entries, [difference("hybrid", "instance", 0.02, 0.01, 0.03)])
    assert choice["winner"] == "hybrid"
    assert choice["why"] == (
        "hybrid is proven to meet “within 10 %” with an error of 5.0 % at 2 per 1,000 images; "
        "instance (3.0 % at 5 per 1,000 images) would do too and is no cheaper."
    )
    assert choice["simpler_is_enough"]
    assert choice["simpler"] == {
        "name": "hybrid", "than": "instance", "difference": 0.02, "interval": [0.01, 0.03], "is_proven": True,
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
def test_a_cheaper_one_that_is_not_significantly_worse_is_enough(turned: bool) -> None:
    entries = [entry("semantic", 1, 0.09), entry("instance", 5, 0.08)]

    def told(low: float, high: float) -> dict[str, Any]:
        pair = ("instance", "semantic", -0.01, -high, -low) if turned else ("semantic", "instance", 0.01, low, high)
        return choose(COUNT, entries, [difference(*pair)])

    assert told(-0.01, 0.03)["simpler"]["interval"] == [-0.01, 0.03]
    assert not told(-0.01, 0.03)["simpler"]["is_proven"]
    assert told(0.005, 0.03)["simpler"] is None


def test_what_is_asked_of_the_time_but_not_known_is_not_met() -> None:
    decision = Decision.model_validate({"kind": "count", "operation": {"deadline_ms": 100}})
    found = {"cost_per_1000": 1.0, "error": 0.01, "used": 0.1, "met": "met", "deadline_met": None, "frames_met": None}
    assert not Entry.of("semantic", found, decision).is_in_time
    assert Entry.of("semantic", found, COUNT).is_in_time
    assert Entry.of("semantic", {**found, "deadline_met": True}, decision).is_in_time
