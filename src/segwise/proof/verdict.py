"""From bytes and figures to one word: identical, within noise, or different. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from segwise.proof.causes import Cause
from segwise.proof.lock import Book, after, before
from segwise.proof.noise import Compared

State = Literal["identical", "within noise", "different", "measurement", "not run"]
Overall = Literal["identical", "within noise", "different", "incomplete"]
WORDS: dict[str, str] = {
    "identical": "bit-identical",
    "within noise": "within the measured seed noise",
    "different": "different",
    "measurement": "a measurement of the clock: not compared",
    "not run": "not run",
    "incomplete": "incomplete: what was run came out the same, and not everything could be run",
}


@dataclass(frozen=True, slots=True)
class Output:
    """One output of a stage: its recorded MD5 and the repetition's (None: it was not written)."""

    path: str
    stage: str
    recorded: str
    here: str | None
    state: State


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of one stage: the MD5 by path of what it wrote, why it may differ, and how it failed, if so.

    `has_run`: False where something it reads was not to be had; `failure` then says what.
    """

    stage: str
    written: Mapping[str, str]
    causes: Sequence[Cause]
    failure: str = ""
    has_run: bool = True


def outputs(book: Book, runs: Iterable[Ran], measured: Collection[str], compared: Sequence[Compared]) -> list[Output]:
    """Every output of the stages that were asked for.

    An output without figures of its own is within noise if the figures that follow from it are (those that it follows
    from, where none does; all, where neither do: of a cascade that was refused). `measured`: paths of outputs that hold
    times.
    """
    out = []
    for run in runs:
        near = None
        for path, recorded in book[run.stage].outs.items():
            here = run.written.get(path)
            state: State = "identical" if here == recorded else "different"
            if not run.has_run:
                state = "not run"
            elif path in measured and here is not None:
                state = "measurement"
            elif state == "different" and not run.failure:
                near = _judging(book, run.stage, compared) if near is None else near
                own = [c for c in compared if c.file == path] or near
                state = "within noise" if own and _is_noise(own) else "different"
            out.append(Output(path, run.stage, recorded, here, state))
    return out


def _is_noise(figures: Sequence[Compared]) -> bool:
    """All within their bands, and the bands were measured: equal figures alone do not make other bytes the same."""
    return all(c.is_within for c in figures) and any(c.band is not None for c in figures)


def _judging(book: Book, stage: str, compared: Sequence[Compared]) -> list[Compared]:
    for names in (after(book, [stage]), before(book, [stage])):
        files = {path for name in names for path in book[name].outs}
        found = [c for c in compared if c.file in files]
        if found:
            return found
    return list(compared)


def overall(found: Sequence[Output]) -> Overall:
    """The worst of them: different, else incomplete (also where nothing was compared), within noise, identical."""
    states = {output.state for output in found} - {"measurement"}
    if "different" in states:
        return "different"
    if not states or "not run" in states:
        return "incomplete"
    return "within noise" if "within noise" in states else "identical"
