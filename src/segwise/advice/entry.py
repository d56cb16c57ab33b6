"""One line of the plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """What the data suggests.

    Attributes:
        about: a parameter's key in params.yaml (`train.dense.zoom`), or the words for something no parameter sets.
        value: plain numbers, words, lists and mappings, as params.yaml would hold them.
        why: one sentence that rests on measured numbers.
        is_parameter: whether `about` is a key of params.yaml.
    """

    about: str
    value: Any
    why: str
    is_parameter: bool = True


def suggestion(about: str, value: Any, why: str) -> Entry:
    """An entry that no parameter sets."""
    return Entry(about, value, why, is_parameter=False)


def percent(fraction: float) -> str:
    """A fraction in words: 30 %, 0.4 %, under 0.1 %."""
    if 0 < fraction < 0.001:
        return "under 0.1 %"
    return f"{100 * fraction:.0f} %" if fraction >= 0.1 or fraction == 0 else f"{100 * fraction:.1f} %"


def pixels(value: float) -> str:
    """A length in words: 6.5 px, 120 px."""
    return f"{value:.1f} px" if value < 10 else f"{value:.0f} px"
