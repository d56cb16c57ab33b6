"""Which candidate a decision needs: the cheapest that meets it, the front of cost against error, and why, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from segwise.decision.limits import in_words
from segwise.decision.params import Decision


@dataclass(frozen=True, slots=True)
class Entry:
    """One candidate: what it costs for 1,000 images, its error, the part of the tolerance it uses, and whether the
    tolerance, and deadline and frame rate, are met. None = not known."""

    name: str
    cost: float | None
    error: float | None
    used: float | None
    met: str
    is_in_time: bool

    @classmethod
    def of(cls, name: str, found: Mapping[str, Any], decision: Decision) -> Entry:
        """From a candidate's entry in the bake-off. What is asked of its time but not known is not met."""
        asked = {"deadline_met": decision.operation.deadline_ms, "frames_met": decision.operation.frames_per_s}
        in_time = all(found[key] is True for key, limit in asked.items() if limit is not None)
        return cls(name, found["cost_per_1000"], found["error"], found["used"], found["met"], in_time)

    @property
    def meets(self) -> bool:
        return self.met == "met" and self.is_in_time


def choose(decision: Decision, entries: Sequence[Entry], differences: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The choice among `entries`, the simplest first.

    Returns:
        winner: the cheapest candidate that meets the decision in time; of equal cost the one of smaller error, then the
            simplest. None where none is proven to.
        nearest: without a winner, the candidate in time that uses up least of the tolerance.
        front: the candidates that no other one beats in both, cost and error.
        simpler_is_enough: whether a candidate that is cheaper than the one of smallest error will do: the winner, or
            without such a winner the cheapest one that is not significantly worse. `simpler` says which, than which,
            by how much (interval), and whether it is proven to meet the decision.
        why: one sentence with the numbers.
    """
    meeting = [e for e in entries if e.meets]
    winner = min(meeting, key=_rank, default=None)
    in_time = [e for e in entries if e.is_in_time and e.used is not None]
    nearest = None if winner else min(in_time, key=lambda e: (e.used, *_rank(e)), default=None)
    simpler = _simpler(entries, differences, winner)
    return {
        "winner": winner and winner.name,
        "nearest": nearest and nearest.name,
        "front": front(entries),
        "simpler_is_enough": simpler is not None,
        "simpler": simpler,
        "why": _why(decision, entries, winner, nearest),
    }


def front(entries: Sequence[Entry]) -> list[str]:
    """The names of those that no other one beats: at most its cost and its error, and less of one. Unknown costs and
    errors are on no front."""
    known = [(e.name, e.cost, e.error) for e in entries if e.cost is not None and e.error is not None]

    def beaten(cost: float, error: float) -> bool:
        return any(c <= cost and e <= error and (c < cost or e < error) for _, c, e in known)

    return [name for name, cost, error in known if not beaten(cost, error)]


def _rank(entry: Entry) -> tuple[float, float]:
    return (math.inf if entry.cost is None else entry.cost, math.inf if entry.error is None else entry.error)


def _simpler(
    entries: Sequence[Entry], differences: Sequence[Mapping[str, Any]], winner: Entry | None
) -> dict[str, Any] | None:
    known = [e for e in entries if e.cost is not None and e.error is not None]
    best = min(known, key=lambda e: (e.error, e.cost), default=None)
    if best is None:
        return None
    cheaper = [e for e in sorted(known, key=_rank) if _rank(e)[0] < _rank(best)[0]]
    for entry in [winner] if winner in cheaper else cheaper:
        difference, found = _between(entry.name, best.name, differences)
        if entry is winner or (found is not None and found[0] is not None and found[0] <= 0):
            told = {"name": entry.name, "than": best.name, "difference": difference, "interval": found}
            return {**told, "is_proven": entry is winner}
    return None


def _between(
    name: str, other: str, differences: Sequence[Mapping[str, Any]]
) -> tuple[float | None, list[float | None] | None]:
    """The error of `name` minus that of `other`, and its interval; None where unknown."""
    for d in differences:
        if d["figure"] == "error" and {d["a"], d["b"]} == {name, other}:
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
        head = f"{winner.name} is proven to meet {wanted} with an error of {_share(winner.error)}{_cost(winner)}"
        others = [f"{e.name} ({_share(e.error)}{_cost(e)})" for e in entries if e.meets and e is not winner]
        rest = f"; {', '.join(others)} would do too and is no cheaper" if others else ", and no other one is"
        return f"{head}{rest}{slow}."
    if nearest is None:
        return f"No candidate is proven to meet {wanted}, and no error is known{slow}."
    part = f"{nearest.name} is nearest, its error of {_share(nearest.error)} being {nearest.used:.2f} times the limit"
    if all(e.met == "missed" for e in entries):
        return f"Every candidate misses {wanted}: {part}{slow}."
    is_open = [e.name for e in entries if e.met == "open"]
    undecided = f"; open for {', '.join(is_open)}, whose intervals hold the limit" if is_open else ""
    return f"No candidate is proven to meet {wanted}: {part}{undecided}{slow}."


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{100 * value:.1f} %"


def _cost(entry: Entry) -> str:
    return "" if entry.cost is None else f" at {entry.cost:.3g} per 1,000 images"
