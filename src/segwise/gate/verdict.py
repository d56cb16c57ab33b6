"""Checks of every candidate → the winner and the reason, in plain words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from segwise.gate.checks import MEASURES, Check, limits_of, make_checks
from segwise.gate.params import GateParams
from segwise.spec import CANDIDATES

Values = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's answer.

    Attributes:
        winner: the cheapest approach whose checks all pass, None if there is none.
        checks: every approach's checks, simplest approach first.
        tied: passing approaches that cost the same as the cheapest (within the tolerance), the winner included.
        refused: candidates that are none, with the reason: they never pass, and have no checks.
    """

    winner: str | None
    checks: dict[str, tuple[Check, ...]]
    tied: tuple[str, ...]
    refused: dict[str, str] = field(default_factory=dict)

    def passed(self, approach: str) -> bool:
        return approach not in self.refused and all(check.passed for check in self.checks[approach])

    def why(self) -> str:
        """The reason with its numbers, for people."""
        if self.winner is None:
            return " ".join(["No approach passes.", *self._failing()])
        if len(self._passing) == 1:
            head = f"{self.winner} is the only approach that passes every check."
        elif len(self.tied) > 1:
            others = " and ".join(a for a in self.tied if a != self.winner)
            head = f"{self.winner} passes every check, costs about the same as {others} and is the simplest."
        else:
            passing = ", ".join(self._passing)
            head = f"{self.winner} is the cheapest of the approaches that pass every check ({passing})."
        return " ".join([head, *self._failing()])

    def to_change(self, approach: str) -> list[str]:
        """What would have to change for `approach` to pass: one sentence part per failed check."""
        if approach in self.refused:
            return [self.refused[approach]]
        return [check.requirement() for check in self.checks[approach] if not check.passed]

    def full(self) -> dict[str, Any]:
        """JSON-able, with every value and limit."""
        approaches = {
            name: {
                "passed": self.passed(name),
                "checks": [asdict(check) for check in checks],
                "to_change": self.to_change(name),
            }
            for name, checks in self.checks.items()
        }
        return {"winner": self.winner, "why": self.why(), "approaches": approaches}

    def bare(self) -> dict[str, Any]:
        """JSON-able, names only: as long as the outcome is the same, so is this, whatever the clock or a limit said."""
        approaches = {
            name: {"passed": self.passed(name), "checks": [{"name": c.name, "passed": c.passed} for c in checks]}
            for name, checks in self.checks.items()
        }
        failed = {name: ", ".join(c.name for c in checks if not c.passed) for name, checks in self.checks.items()}
        failing = [
            f"{name} was refused" if name in self.refused else f"{name} fails {failed[name]}"
            for name in self.checks
            if not self.passed(name)
        ]
        if self.winner is None:
            why = f"No approach passes: {'; '.join(failing)}."
        else:
            why = f"{self.winner} is the cheapest approach that passes every check ({', '.join(self._passing)} pass)."
        return {"winner": self.winner, "why": why, "approaches": approaches}

    @property
    def _passing(self) -> list[str]:
        return [name for name in self.checks if self.passed(name)]

    def _failing(self) -> list[str]:
        return [
            f"{name} {'was refused' if name in self.refused else 'fails'}: {'; '.join(self.to_change(name))}."
            for name in self.checks
            if not self.passed(name)
        ]


def judge(values: Mapping[str, Values], params: GateParams, refused: Mapping[str, str] | None = None) -> Verdict:
    """Hold every approach against its limits and name the cheapest that passes.

    Args:
        values: per approach its numbers by measure name (see `checks.MEASURES`); `p50_ms` is the cost.
        refused: the reason by candidate that is none, such as a cascade that does not pay.
    """
    reasons = {name: reason.rstrip(".") for name, reason in (refused or {}).items()}
    order = sorted({*values, *reasons}, key=_simplicity)
    checks = {a: () if a in reasons else make_checks(values[a], limits_of(params, a)) for a in order}
    costs = {a: _cost(values[a]) for a in order if a not in reasons and all(check.passed for check in checks[a])}
    if not costs:
        return Verdict(None, checks, (), reasons)
    bound = min(costs.values()) * (1 + params.same_cost_within)
    tied = tuple(a for a, cost in costs.items() if cost <= bound)
    return Verdict(tied[0], checks, tied, reasons)


def gather(metrics: Mapping[str, Any], benchmark: Mapping[str, Any]) -> dict[str, float | None]:
    """One approach's numbers by measure name, from its metrics.json and its entry in benchmark.json."""
    found = {**metrics, "tolerance_used": _worst_used(metrics.get("decisions", {}))}
    return {name: benchmark.get(m.key, found.get(m.key)) for name, m in MEASURES.items()}


def _worst_used(decisions: Mapping[str, Any]) -> float | None:
    """The largest used part of a tolerance; none where a decision has no figure, for that one may be the worst."""
    used = [decision.get("used") for decision in decisions.values()]
    known = [value for value in used if value is not None and math.isfinite(value)]
    return max(known) if known and len(known) == len(used) else None


def _cost(values: Values) -> float:
    p50 = values.get("p50_ms")
    return p50 if p50 is not None and math.isfinite(p50) else math.inf


def _simplicity(approach: str) -> tuple[int, str]:
    names: list[str] = list(CANDIDATES)
    return (names.index(approach) if approach in names else len(names), approach)
