"""Checks of every approach → the winner and the reason, in plain words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from segwise.gate.checks import MEASURES, Check, limits_of, make_checks
from segwise.gate.params import GateParams
from segwise.spec import APPROACHES

Values = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's answer.

    Attributes:
        winner: the cheapest approach whose checks all pass, None if there is none.
        checks: every approach's checks, simplest approach first.
        tied: passing approaches that cost the same as the cheapest (within the tolerance), the winner included.
    """

    winner: str | None
    checks: dict[str, tuple[Check, ...]]
    tied: tuple[str, ...]

    def passed(self, approach: str) -> bool:
        return all(check.passed for check in self.checks[approach])

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
        failing = [
            f"{name} fails {', '.join(c.name for c in checks if not c.passed)}"
            for name, checks in self.checks.items()
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
        return [f"{name} fails: {'; '.join(self.to_change(name))}." for name in self.checks if not self.passed(name)]


def judge(values: Mapping[str, Values], params: GateParams) -> Verdict:
    """Hold every approach against its limits and name the cheapest that passes.

    Args:
        values: per approach its numbers by measure name (see `checks.MEASURES`); `p50_ms` is the cost.
    """
    order = sorted(values, key=_simplicity)
    checks = {approach: make_checks(values[approach], limits_of(params, approach)) for approach in order}
    costs = {a: _cost(values[a]) for a in order if all(check.passed for check in checks[a])}
    if not costs:
        return Verdict(None, checks, ())
    bound = min(costs.values()) * (1 + params.same_cost_within)
    tied = tuple(a for a, cost in costs.items() if cost <= bound)
    return Verdict(tied[0], checks, tied)


def gather(metrics: Mapping[str, Any], benchmark: Mapping[str, Any]) -> dict[str, float | None]:
    """One approach's numbers by measure name, from its metrics.json and its entry in benchmark.json."""
    return {name: benchmark.get(m.key, metrics.get(m.key)) for name, m in MEASURES.items()}


def _cost(values: Values) -> float:
    p50 = values.get("p50_ms")
    return p50 if p50 is not None and math.isfinite(p50) else math.inf


def _simplicity(approach: str) -> tuple[int, str]:
    names: list[str] = list(APPROACHES)
    return (names.index(approach) if approach in names else len(names), approach)
