"""Which candidate a decision needs: the cheapest that meets it, the front of cost against used tolerance, and why.

All go by the part of the tolerance that is used up: a smaller error is no better where the tolerance is of something
else, and of two limits the smaller error may use more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from segwise.decision.limits import in_words, reached
from segwise.decision.params import Decision


@dataclass(frozen=True, slots=True)
class Entry:
    """One candidate: what it costs for 1,000 images, the part of the tolerance it uses, whether the tolerance, and
    deadline and frame rate, are met, and what it reaches, in words (`limits.reached`). None = not known."""

    name: str
    cost: float | None
    used: float | None
    met: str
    is_in_time: bool = True
    reached: str = ""

    @classmethod
    def of(cls, name: str, found: Mapping[str, Any], decision: Decision) -> Entry:
        """From a candidate's entry in the bake-off. What is asked of its time but not known is not met."""
        asked = {"deadline_met": decision.operation.deadline_ms, "frames_met": decision.operation.frames_per_s}
        in_time = all(found[key] is True for key, limit in asked.items() if limit is not None)
        return cls(name, found["cost_per_1000"], found["used"], found["met"], in_time, reached(decision, found))

    @property
    def meets(self) -> bool:
        return self.met == "met" and self.is_in_time


def choose(decision: Decision, entries: Sequence[Entry], differences: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The choice among `entries`, the simplest first.

    Args:
        differences: paired ones, of which those of the figure `used` are read.

    Returns:
        winner: the cheapest candidate that meets the decision in time; of equal cost the one that uses less, then the
            simplest. None where none is proven to.
        nearest: without a winner, the candidate in time that uses up least of the tolerance.
        front: the candidates that no other one beats in both, cost and used part.
        simpler: of those in time, a cheaper one than the one that uses least: the winner, or without any winner the
            cheapest one that is not missed and not significantly worse. It says which, than which, by how much of the
            tolerance (interval), and whether it is proven to meet it; simpler_is_enough: whether it is.
        why: one sentence with the numbers.
    """
    meeting = [e for e in entries if e.meets]
    winner = min(meeting, key=_rank, default=None)
    nearest = None if winner else _nearest([e for e in entries if e.is_in_time])
    simpler = _simpler(entries, differences, winner)
    return {
        "winner": winner and winner.name,
        "nearest": nearest and nearest.name,
        "front": front(entries),
        "simpler_is_enough": simpler is not None and simpler["is_proven"],
        "simpler": simpler,
        "why": _why(decision, entries, winner, nearest),
    }


def front(entries: Sequence[Entry]) -> list[str]:
    """The names of those that no other one beats: at most its cost and its used part, and less of one. Who lacks either
    is on no front."""
    known = [(e.name, e.cost, e.used) for e in entries if e.cost is not None and e.used is not None]

    def beaten(cost: float, used: float) -> bool:
        return any(c <= cost and u <= used and (c < cost or u < used) for _, c, u in known)

    return [name for name, cost, used in known if not beaten(cost, used)]


def _rank(entry: Entry) -> tuple[float, float]:
    return (math.inf if entry.cost is None else entry.cost, math.inf if entry.used is None else entry.used)


def _nearest(entries: Sequence[Entry]) -> Entry | None:
    known = [(e.used, *_rank(e), index) for index, e in enumerate(entries) if e.used is not None]
    return entries[min(known)[-1]] if known else None


def _simpler(
    entries: Sequence[Entry], differences: Sequence[Mapping[str, Any]], winner: Entry | None
) -> dict[str, Any] | None:
    known = [e for e in entries if e.cost is not None and e.used is not None and e.is_in_time]
    best = min(known, key=lambda e: (e.used, e.cost), default=None)
    if best is None:
        return None
    open_to = [winner] if winner else [e for e in sorted(known, key=_rank) if e.met != "missed"]
    for entry in (e for e in open_to if _rank(e)[0] < _rank(best)[0]):
        difference, found = _between(entry.name, best.name, differences)
        if entry is winner or (found is not None and found[0] is not None and found[0] <= 0):
            told = {"name": entry.name, "than": best.name, "difference": difference, "interval": found}
            return {**told, "is_proven": entry is winner}
    return None


def _between(
    name: str, other: str, differences: Sequence[Mapping[str, Any]]
) -> tuple[float | None, list[float | None] | None]:
    """What `name` uses less what `other` does, and its interval; None where unknown."""
    for d in differences:
        if d["figure"] == "used" and {d["a"], d["b"]} == {name, other}:
            if d["a"] == name or d["difference"] is None or d["interval"] is None:
                return d["difference"], d["interval"]
            low, high = d["interval"]
            return -d["difference"], [None if high is None else -high, None if low is None else -low]
    return None, None


def _why(decision: Decision, entries: Sequence[Entry], winner: Entry | None, nearest: Entry | None) -> str:
    wanted = f"“{in_words(decision)}”"
    late = [e.name for e in entries if not e.is_in_time]
    slow = f"; not in time: {', '.join(late)}" if late else ""
    if winner is not None:
        others = [f"{e.name} ({e.reached}{_cost(e)})" for e in entries if e.meets and e is not winner]
        rest = f"; {', '.join(others)} would do too and is no cheaper" if others else ", and no other one is"
        return f"{winner.name} is proven to meet {wanted} with {winner.reached}{_cost(winner)}{rest}{slow}."
    if nearest is None:
        return _none_in_time(wanted, entries)
    part = f"{nearest.name} is nearest, with {nearest.reached}: {nearest.used:.2f} times the limit"
    if all(e.met == "missed" for e in entries):
        return f"Every candidate misses {wanted}: {part}{slow}."
    is_open = [e.name for e in entries if e.met == "open"]
    undecided = f"; open for {', '.join(is_open)}, whose intervals hold the limit" if is_open else ""
    return f"No candidate is proven to meet {wanted}: {part}{undecided}{slow}."


def _none_in_time(wanted: str, entries: Sequence[Entry]) -> str:
    """Where no candidate in time has a figure: what the best of the late ones reaches."""
    best = _nearest(entries)
    if best is None:
        return f"No candidate is proven to meet {wanted}, and no error is known."
    stands = {"met": "meets it", "missed": "misses it as well"}.get(best.met, "may meet it")
    known = "in time has a figure" if any(e.is_in_time for e in entries) else "is in time"
    late = f"the nearest of the late ones, {best.name}, {stands}, with {best.reached}"
    return f"No candidate {known} for {wanted}: {late}."


def _cost(entry: Entry) -> str:
    return "" if entry.cost is None else f" at {entry.cost:.3g} per 1,000 images"
