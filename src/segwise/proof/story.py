"""What a reproduction found, as a report for programs and as text for people. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from segwise.proof.causes import KINDS, WORDS, Cause, Environment
from segwise.proof.noise import CONFIDENCE, Compared
from segwise.proof.verdict import WORDS as STATES
from segwise.proof.verdict import Output, Ran, overall

SHOWN = 8
PLURAL = ("params", "environment")


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that was found.

    `cpu_recorded`: None where it was not recorded. `noise`: on what, in words. `left_out`: stages of the revision that
    were not asked for. `lock_sha256`: of the dvc.lock that was held against.
    """

    commit: str
    outputs: Sequence[Output]
    runs: Sequence[Ran]
    compared: Sequence[Compared]
    environment: Environment
    cpu_recorded: str | None
    cpu_here: str
    hardware: Sequence[Cause]
    noise: str
    left_out: Sequence[str]
    lock_sha256: str


def causes(told: Story) -> list[Cause]:
    """The differences that do not follow from earlier outputs, each once, by kind."""
    own = [c for run in told.runs for c in run.causes if c.kind != "upstream"]
    every = [*own, *told.environment.differing, *told.hardware]
    return sorted(dict.fromkeys(every), key=lambda c: (KINDS.index(c.kind), c.what))


def json_of(told: Story) -> dict[str, Any]:
    """The report, for `canonical_json`."""
    found = causes(told)
    return {
        "revision": told.commit,
        "dvc_lock_sha256": told.lock_sha256,
        "left_out": list(told.left_out),
        "verdict": overall(told.outputs),
        "outputs": [asdict(output) for output in told.outputs],
        "causes": {kind: [_cause(c) for c in found if c.kind == kind] for kind in KINDS},
        "stages": [_stage(run) for run in told.runs],
        "figures": [{**asdict(c), "is_equal": c.is_equal, "is_within": c.is_within} for c in told.compared],
        "environment": {
            "requirements_lock_sha256": told.environment.lock_sha256,
            "num_pinned": told.environment.num_pinned,
            "not_installed": list(told.environment.missing),
        },
        "hardware": {"recorded": told.cpu_recorded, "here": told.cpu_here},
        "noise": told.noise,
    }


def _stage(run: Ran) -> dict[str, Any]:
    return {"stage": run.stage, "failure": run.failure or None, "causes": [_cause(c) for c in run.causes]}


def _cause(cause: Cause) -> dict[str, str]:
    return {"kind": cause.kind, "what": cause.what, "recorded": cause.recorded, "here": cause.here}


def text_of(told: Story) -> str:
    """The summary that people read."""
    state = overall(told.outputs)
    lines = [f"{told.commit[:12]} run again: {STATES[state]}", *_counts(told.outputs), *_left_out(told), ""]
    for output in told.outputs:
        if output.state not in ("identical", "measurement"):
            lines.append(f"  {STATES[output.state]:<30} {output.path}  ({output.stage})")
    lines += [
        f"  {'failed' if run.has_run else 'not run'}: {run.stage}: {run.failure}" for run in told.runs if run.failure
    ]
    lines += [*_figures(told), "", *_why(told)]
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def _counts(outputs: Sequence[Output]) -> list[str]:
    numbers = {state: sum(o.state == state for o in outputs) for state in STATES}
    said = [f"{number} {STATES[state]}" for state, number in numbers.items() if number]
    return [f"{len(outputs)} outputs: {', '.join(said)}"]


def _left_out(told: Story) -> list[str]:
    number, total = len(told.left_out), len(told.left_out) + len(told.runs)
    return [f"{number} of {total} stages were not asked for: {_listed(told.left_out)}"] if number else []


def _figures(told: Story) -> list[str]:
    moved = [c for c in told.compared if not c.is_equal]
    if not moved:
        return [f"  all {len(told.compared)} figures are equal"] if told.compared else []
    lines = ["", f"  figures that moved ({told.noise}):"]
    for c in moved:
        verdict = "noise not measured" if c.band is None else "within" if c.is_within else "BEYOND"
        margin = "" if c.band is None else f" ± {c.band:.4f}"
        lines.append(f"    {c.file} {c.name}: {_number(c.recorded)} → {_number(c.here)}  {verdict}{margin}")
    if any(c.band is not None for c in moved):
        lines.append(
            f"    each judged for itself at {CONFIDENCE:.0%}; of many, one in twenty is beyond by chance alone"
        )
    return lines


def _why(told: Story) -> list[str]:
    """The causes of the stages whose outputs differ, and apart from them those that changed nothing."""
    found = causes(told)
    moved = {output.stage for output in told.outputs if output.state in ("different", "within noise")}
    idle = {c for run in told.runs if run.stage not in moved for c in run.causes}
    idle -= {c for run in told.runs if run.stage in moved for c in run.causes}
    guilty = [c for c in found if c not in idle] if moved else []
    rest = [c for c in found if c not in guilty and c.kind != "times"]
    lines = ["why:", *_by_kind(guilty)] if moved else []
    if moved and not guilty:
        lines.append("  nothing that is recorded differs: a stage does not give the same bytes twice,")
        lines.append("  or a training ran on another accelerator (graphics card), which is not recorded")
    return lines + (["what differs, and changed nothing:", *_by_kind(rest)] if rest else []) + _unknown(told)


def _by_kind(found: Sequence[Cause]) -> list[str]:
    lines = []
    for kind in KINDS:
        own = [c.words for c in found if c.kind == kind]
        if own:
            lines.append(f"  {WORDS[kind]} {'differ' if kind in PLURAL else 'differs'}: {_listed(own)}")
    return lines


def _unknown(told: Story) -> list[str]:
    lines = []
    if told.environment.lock_sha256 is None:
        lines.append("  environment: not recorded (no requirements.lock in that revision)")
    elif told.environment.missing:
        lines.append(f"  pinned and not installed here: {_listed(told.environment.missing)}")
    if told.cpu_recorded is None:
        lines.append("  hardware: not recorded (the work/benchmark.json of that revision is not here)")
    return lines


def _listed(words: Iterable[str]) -> str:
    every = list(words)
    more = f" and {len(every) - SHOWN} more" if len(every) > SHOWN else ""
    return "; ".join(every[:SHOWN]) + more


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}"
