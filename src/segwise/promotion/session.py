"""Champion and challenger timed in one session, each turn in a fresh process."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwise import golden
from segwise.bundle import MODEL
from segwise.gate import latency
from segwise.gate.promote_params import PromoteParams
from segwise.gate.row import Row
from segwise.predict.timing import Timed, timed
from segwise.types import Image


@dataclass(frozen=True, slots=True)
class Session:
    """The processes of each, in the order they ran; no champion's where there is none."""

    champion: list[Timed]
    challenger: list[Timed]


def run(champion: Path | None, challenger: Path, images: Sequence[Image], params: PromoteParams) -> Session:
    """Time the packages in these folders, in turn; see `gate.latency`. Each process has one thread."""
    turns = latency.order(params.pairs) if champion is not None else "BB"
    folders = {"A": champion, "B": challenger}
    found: dict[str, list[Timed]] = {"A": [], "B": []}
    with tempfile.TemporaryDirectory(prefix="segwise-timing-") as scratch:
        path = Path(scratch) / "images.npz"
        np.savez(path, *images)
        for number, turn in enumerate(turns, start=1):
            source = (folders[turn] or challenger) / Path(MODEL).parent
            found[turn].append(timed(source, path, warmup=params.warmup, rounds=params.rounds))
            print(f"promote: timing: process {number}/{len(turns)}", file=sys.stderr, flush=True)
    return Session(found["A"], found["B"])


def rows(session: Session, params: PromoteParams, deadline_ms: float | None) -> list[Row]:
    """The evidence: the slowdown, if there is a champion, and the deadline, if a decision states one."""
    out = []
    if session.champion:
        first, second = (_cpu(s) for s in (session.champion, session.challenger))
        found = latency.slowdown(first, second, params.max_slowdown)
        out += latency.rows(found, (_middle(first), _middle(second)))
    if deadline_ms is not None:
        wall, cpu = walls(session.challenger), _cpu(session.challenger).ravel()
        out.append(latency.deadline_row(wall, cpu, deadline_ms, params.max_miss_rate))
    return out


def told(session: Session) -> dict[str, Any]:
    """What the report shows of each side: percentiles by the clock, memory, cold start, every time on the processor;
    and the machine that they were taken on."""
    sides = {"champion": session.champion, "challenger": session.challenger}
    found = {side: _side(processes) for side, processes in sides.items() if processes}
    noise = latency.noise_of(_cpu(session.champion)) if session.champion else None
    return {**found, "noise": None if noise is None else round(noise, 4), "machine": machine()}


def machine() -> dict[str, Any]:
    """What a time depends on: processor, cores, system, and the libraries that compute; one thread, one image at a
    time."""
    return {**golden.made_on(), "cores": os.cpu_count(), "system": platform.platform(), "threads": 1, "batch": 1}


def brief(timing: Mapping[str, Any]) -> dict[str, Any]:
    """What `told` says, without every single time."""
    return {
        key: {k: v for k, v in value.items() if k != "cpu_times_ms"} if isinstance(value, Mapping) else value
        for key, value in timing.items()
    }


def walls(processes: Sequence[Timed]) -> NDArray[np.float64]:
    """Every answer's time by the clock, milliseconds, float64 (N,)."""
    return np.concatenate([p.wall_ms.ravel() for p in processes])


def _side(processes: Sequence[Timed]) -> dict[str, Any]:
    cpu = _cpu(processes)
    return {
        **latency.percentiles_of(walls(processes)),
        "cpu_ms": round(_middle(cpu), 3),
        "cold_start_ms": round(float(np.median([p.cold_start_ms for p in processes])), 1),
        "peak_memory_mb": round(max(p.peak_memory_mb for p in processes), 1),
        "processes": len(processes),
        "cpu_times_ms": [round(v, 2) for v in np.sort(cpu.ravel()).tolist()],
    }


def _cpu(processes: Sequence[Timed]) -> NDArray[np.float64]:
    return np.stack([p.cpu_ms for p in processes])


def _middle(cpu: NDArray[np.float64]) -> float:
    """The median over images of each image's least time on the processor."""
    return float(np.median(cpu.min(axis=(0, 2))))
