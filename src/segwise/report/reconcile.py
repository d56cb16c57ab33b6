"""The advice before training beside what was measured after it: where they part, and why, from the numbers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from segwise.report.causes import Case, cause, number, reached
from segwise.report.kpis import said

Values = Mapping[str, Any]
NO_ANSWER = "no answer"


@dataclass(frozen=True, slots=True)
class Row:
    """One candidate: what a perfect one would leave (its ceiling), what was measured, and what limits it."""

    name: str
    ceiling: str
    measured: str
    words: str


@dataclass(frozen=True, slots=True)
class Beside:
    """Advice and measurement of one decision. `agree` is None where one of them gives no answer."""

    advised: str
    chosen: str
    agree: bool | None
    verdict: str
    advice: tuple[str, ...]
    rows: tuple[Row, ...]


def beside(case: Case, advice: Values) -> Beside:
    """Both answers to one decision; `advice` is its entry of advice.json, empty without advice."""
    advised, winner = str(advice.get("recommend") or ""), case.result.get("winner")
    names = dict.fromkeys([*case.result["candidates"], *case.ceilings, *case.refused])
    known = bool(advised) and advised != NO_ANSWER and winner is not None
    return Beside(
        advised or "no advice",
        winner or "nothing is shown to meet it",
        advised == winner if known else None,
        _verdict(case, advised, winner),
        tuple(str(s["text"]) for s in advice.get("sentences", ())),
        tuple(_row(case, name) for name in names),
    )


def _verdict(case: Case, advised: str, winner: str | None) -> str:
    instead = f"{winner} is the cheapest that meets the tolerance." if winner else "nothing is shown to meet it."
    if not advised:
        return "No advice was written before this measurement (segwise advise writes it from the labels alone)."
    if advised == NO_ANSWER:
        return f"The labels alone allowed no answer. Measured on trained models, {instead}"
    if advised == winner:
        return (
            f"They agree: {advised} was advised from the labels alone, and measured it is the cheapest that meets it."
        )
    if not case.own(advised):
        reason = case.refused.get(advised, "it was neither trained nor measured")
        return f"They part: {advised} was advised but does not compete here ({reason}). Of the others, {instead}"
    if winner is None:
        asked = " in time" if any(case.too_slow(name) for name in case.result["candidates"]) else ""
        start = f"{_capital(advised)} was advised, and nothing measured is shown to meet the tolerance{asked}."
        return f"{start} {cause(case, advised)}"
    if case.own(advised).get("met") == "met" and not case.too_slow(advised):
        return _both_meet(case, advised, winner)
    return f"They part: {advised} was advised, {winner} wins. Why not {advised}? {cause(case, advised)}"


def _both_meet(case: Case, advised: str, winner: str) -> str:
    """The advised candidate does it as well, but is not the cheapest that does."""
    cheap, dear = (number(case.own(n).get("cost_per_1000")) for n in (winner, advised))
    price = f" at {cheap / dear:.2f} of its cost" if cheap and dear else ""
    start = f"They part: {advised} was advised and meets the tolerance, but so does {winner}{price}."
    used, reached = number(case.ceiling(winner).get("used")), number(case.own(winner).get("used"))
    if used is None:
        return f"{start} The labels alone could not tell that a trained {winner} would do."
    if used > 1:
        return f"{start} {cause(case, winner)}"
    return (
        f"{start} A perfect {winner} uses {said(used, 'percent')} of the tolerance; how much a trained one adds is not "
        f"known from labels, and the advice kept a reserve for it. Measured, it uses {said(reached, 'percent')}."
    )


def _row(case: Case, name: str) -> Row:
    if case.own(name):
        words = cause(case, name)
    else:
        words = f"Refused: {case.refused[name]}" if name in case.refused else "Neither trained nor measured."
    return Row(name, reached(case, case.ceiling(name)), reached(case, case.own(name)), words)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
