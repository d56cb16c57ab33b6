"""Checks of every candidate → the winner and the reason, in plain words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from segwise.gate.bounds import Sample
from segwise.gate.checks import MEASURES, Check, Value, limits_of, make_checks
from segwise.gate.comparison import overall
from segwise.gate.params import GateParams
from segwise.gate.power import per_candidate
from segwise.gate.slices import Judged, Slice, judge_slices
from segwise.spec import CANDIDATES

Values = Mapping[str, Value]
FAILS = {"hold": "fails", "inconclusive": "is not proven"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's answer.

    Attributes:
        winner: the cheapest approach whose checks are all proven, None if there is none.
        checks: every approach's checks, simplest approach first; those of slices after the others.
        tied: passing approaches that cost the same as the cheapest (within the tolerance), the winner included.
        refused: candidates that are none, with the reason: they never pass, and have no checks.
        slices: what became of the slices, by approach.
        alpha: of each candidate's bounds, one-sided. num_candidates: that it was divided by.
    """

    winner: str | None
    checks: dict[str, tuple[Check, ...]]
    tied: tuple[str, ...]
    refused: dict[str, str]
    slices: dict[str, Judged]
    alpha: float
    num_candidates: int

    @property
    def word(self) -> str:
        """promote with a winner; inconclusive where at least one approach could still be proven; else hold."""
        if self.winner is not None:
            return "promote"
        return "inconclusive" if any(self.verdict(name) == "inconclusive" for name in self.checks) else "hold"

    def verdict(self, approach: str) -> str:
        """All checks must pass. An approach of which nothing is asked passes."""
        if approach in self.refused:
            return "hold"
        blind = ["inconclusive"] if self.slices.get(approach, Judged()).is_blind else []
        return overall(["promote", *blind, *(check.verdict for check in self.checks[approach])])

    def passed(self, approach: str) -> bool:
        return self.verdict(approach) == "promote"

    def why(self) -> str:
        """The reason with its numbers, for people."""
        if self.winner is None:
            head = "No approach is proven to pass." if self.word == "inconclusive" else "No approach passes."
            return " ".join([head, *self._failing()])
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
        """What would have to change for `approach` to pass: one sentence part per check that is not passed."""
        if approach in self.refused:
            return [self.refused[approach]]
        judged = self.slices.get(approach, Judged())
        blind = [f"no slice can be judged: {_listed(judged.not_judged)}"] if judged.is_blind else []
        return [*(check.requirement() for check in self.checks[approach] if not check.passed), *blind]

    def rule(self) -> str:
        """How sure the gate is, and of what."""
        if not self.num_candidates:
            return "No candidate was measured."
        sure, most = (f"{100 * share:.4g} %" for share in (1 - self.alpha, self.alpha * self.num_candidates))
        shared = f"each has 1/{self.num_candidates} of the {most} that a false promotion may come to"
        return (
            f"A check passes if its figure meets the limit even at worst, a one-sided bootstrap bound over groups with "
            f"{sure} confidence. All checks of an approach must pass, which needs no correction for their number "
            f"(intersection-union test); any of {self.num_candidates} candidates may win, so {shared} (Bonferroni)."
        )

    def full(self) -> dict[str, Any]:
        """JSON-able, with every value and limit."""
        approaches = {
            name: {
                "passed": self.passed(name),
                "verdict": self.verdict(name),
                "checks": [{**asdict(check), "passed": check.passed} for check in checks],
                "not_judged": self.slices.get(name, Judged()).not_judged,
                "to_change": self.to_change(name),
            }
            for name, checks in self.checks.items()
        }
        return {"winner": self.winner, "verdict": self.word, "why": self.why(), "rule": self.rule(),
                "alpha": round(self.alpha, 6), "approaches": approaches}  # fmt: skip

    def bare(self) -> dict[str, Any]:
        """JSON-able, names only: as long as the outcome is the same, so is this, whatever the clock or a limit said."""
        approaches = {
            name: {
                "passed": self.passed(name),
                "verdict": self.verdict(name),
                "checks": [{"name": _name(c), "passed": c.passed, "verdict": c.verdict} for c in checks],
            }
            for name, checks in self.checks.items()
        }
        if self.winner is None:
            failing = "; ".join(self._bare_reason(name) for name in self.checks if not self.passed(name))
            why = f"No approach {'is proven to pass' if self.word == 'inconclusive' else 'passes'}: {failing}."
        else:
            why = f"{self.winner} is the cheapest approach that passes every check ({', '.join(self._passing)} pass)."
        return {"winner": self.winner, "verdict": self.word, "why": why, "approaches": approaches}

    def _bare_reason(self, name: str) -> str:
        if name in self.refused:
            return f"{name} was refused"
        checks = self.checks[name]
        failed = ", ".join(_name(c) for c in checks if c.verdict == "hold")
        unproven = [_name(c) for c in checks if c.verdict == "inconclusive"]
        unproven += ["slices"] if self.slices.get(name, Judged()).is_blind else []
        parts = [f"fails {failed}"] * bool(failed) + [f"is not proven in {', '.join(unproven)}"] * bool(unproven)
        return f"{name} {' and '.join(parts)}"

    @property
    def _passing(self) -> list[str]:
        return [name for name in self.checks if self.passed(name)]

    def _failing(self) -> list[str]:
        return [
            f"{name} {'was refused' if name in self.refused else FAILS[self.verdict(name)]}: "
            f"{'; '.join(self.to_change(name))}."
            for name in self.checks
            if not self.passed(name)
        ]


def judge(
    values: Mapping[str, Values],
    params: GateParams,
    refused: Mapping[str, str] | None = None,
    slices: Mapping[str, Sequence[Slice]] | None = None,
) -> Verdict:
    """Hold every approach against its limits and name the cheapest that passes.

    Args:
        values: per approach its numbers by measure name (see `checks.MEASURES`), as `Sample` where they are of test
            images; `p50_ms` is the cost.
        refused: the reason by candidate that is none, such as a cascade that does not pay. One that was measured all
            the same, because its answers were looked at to refuse it, is in `values` too: it counts as a candidate.
        slices: per approach the slices of the test images, where `params.slices` asks for them.
    """
    reasons = {name: reason.rstrip(".") for name, reason in (refused or {}).items()}
    order = sorted({*values, *reasons}, key=_simplicity)
    alpha, parts = per_candidate(params.alpha, len(values)), slices or {}
    judged = {a: judge_slices(parts.get(a, ()), params.slices, alpha) for a in order if a not in reasons}
    checks = {
        a: () if a in reasons else (*make_checks(values[a], limits_of(params, a), alpha), *judged[a].checks)
        for a in order
    }
    verdict = Verdict(None, checks, (), reasons, judged, alpha, len(values))
    costs = {a: _cost(values[a]) for a in order if verdict.passed(a)}
    if not costs:
        return verdict
    bound = min(costs.values()) * (1 + params.same_cost_within)
    tied = tuple(a for a, cost in costs.items() if cost <= bound)
    return replace(verdict, winner=tied[0], tied=tied)


def gather(metrics: Mapping[str, Any], benchmark: Mapping[str, Any]) -> dict[str, float | None]:
    """One approach's numbers by measure name, from its metrics.json and its entry in benchmark.json."""
    found = {**metrics, "tolerance_used": worst_used(d.get("used") for d in metrics.get("decisions", {}).values())}
    return {name: benchmark.get(m.key, found.get(m.key)) for name, m in MEASURES.items()}


def worst_used(parts: Any) -> float | None:
    """The largest used part of a tolerance; none where a decision has no figure, for that one may be the worst."""
    used = list(parts)
    known = [value for value in used if value is not None and math.isfinite(value)]
    return max(known) if known and len(known) == len(used) else None


def _name(check: Check) -> str:
    return f"{check.name} on {check.part}" if check.part else check.name


def _listed(reasons: Mapping[str, str]) -> str:
    return "; ".join(f"{part} has {reason}" for part, reason in reasons.items())


def _cost(values: Values) -> float:
    cost = values.get("p50_ms")
    number = cost.number if isinstance(cost, Sample) else cost
    return number if number is not None and math.isfinite(number) else math.inf


def _simplicity(approach: str) -> tuple[int, str]:
    names: list[str] = list(CANDIDATES)
    return (names.index(approach) if approach in names else len(names), approach)
