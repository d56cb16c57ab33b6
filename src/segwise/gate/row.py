"""One line of a promotion's evidence: what was checked of champion and challenger, and what came out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["promote", "hold", "inconclusive"]
Part = Literal["identity", "criteria", "quality", "latency", "parity"]


@dataclass(frozen=True, slots=True)
class Row:
    """One check.

    Attributes:
        words: what it is about, for people. unit: "fraction", "%", "ms", "MB", "×", "× tolerance" or "" (no number).
        difference: challenger − champion, or their ratio where the unit is "×".
        interval: what the difference lies in, in its unit.
        limit: what is held against: of quality the margin, by which it may be worse; else the largest or least value.
        to_change: what would have to change for it to pass; empty where it passes.
    """

    part: Part
    name: str
    words: str
    unit: str
    verdict: Verdict
    champion: float | None = None
    challenger: float | None = None
    difference: float | None = None
    interval: tuple[float, float] | None = None
    limit: float | None = None
    to_change: str = ""
