"""Is the challenger slower than the champion? Pure: milliseconds in, ratio, noise and verdict out.

Both are timed in one session, each time in a fresh process, in the order champion, challenger, challenger, champion
(ABBA: what drifts slowly hits both alike), several times over. The time of an image is the least of its repetitions:
what else the machine does only ever adds (Chen and Revels 2016, "Robust benchmarking in noisy environments"). The time
is that of the processor, not of the clock, so that a neighbour's turn is not in it.

A ratio alone does not say what the session can tell apart. So the champion is held against itself: its processes are
divided into two halves in every possible way, and the largest ratio between two halves is the session's noise (A/A).
Noise that is smaller than the margin is what the margin is for. Where it is larger, the true ratio may be anywhere
within it on either side of the measured one, and only what holds there is proven: a session too noisy to tell promotes
nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from segwise.gate.row import Row, Verdict

Times = NDArray[np.float64]  # milliseconds, (processes, images, rounds)
MAX_HALVES = 40  # divisions looked at: with 4 processes there are 3, with 8 there are 35


@dataclass(frozen=True, slots=True)
class Slowdown:
    """What a session shows.

    Attributes:
        ratio: the challenger's time over the champion's, the median over images.
        interval: the least and the largest ratio of a pair of neighbouring processes. That of n pairs holds their
            median with probability 1 − 2^(1 − n) (order statistics: David and Nagaraja 2003, section 7.1).
        noise: the largest ratio − 1 between two halves of the champion's own processes.
        verdict: `promote` within the limit and `hold` above it; where the noise is larger than the margin, only if it
            could neither have hidden the challenger's slowness nor made it, else `inconclusive`.
    """

    ratio: float | None
    interval: tuple[float, float] | None
    noise: float | None
    limit: float
    verdict: Verdict


def slowdown(champion: Times, challenger: Times, max_slowdown: float) -> Slowdown:
    """Hold the challenger's times against the champion's of the same session; pairs are of the same index.

    Args:
        champion, challenger: float64 (P, I, R) each, the same images; max_slowdown: such as 1.15.
    """
    if champion.shape != challenger.shape or champion.ndim != 3:
        raise ValueError(f"times of the same shape (P, I, R), not {champion.shape} and {challenger.shape}")
    values = (champion, challenger)
    if not champion.size or any(not np.isfinite(v).all() or (v <= 0).any() for v in values):
        return Slowdown(None, None, None, max_slowdown, "hold")
    ratio, noise = ratio_of(challenger, champion), noise_of(champion)
    pairs = [ratio_of(b[None], a[None]) for a, b in zip(champion, challenger, strict=True)]
    return Slowdown(ratio, (min(pairs), max(pairs)), noise, max_slowdown, _verdict(ratio, noise, max_slowdown))


def _verdict(ratio: float, noise: float | None, limit: float) -> Verdict:
    if noise is None:
        return "inconclusive"
    doubt = 1 + noise if 1 + noise > limit else 1.0
    return "promote" if ratio * doubt <= limit else "hold" if ratio / doubt > limit else "inconclusive"


def ratio_of(times: Times, reference: Times) -> float:
    """The median over images of the ratio of each image's least time; (processes, I, R) each."""
    return float(np.median(_least(times) / _least(reference)))


def noise_of(times: Times) -> float | None:
    """The largest ratio − 1 between two halves of the processes (A/A); None of fewer than two processes.

    Of an odd number one process is left out in turn. A half has fewer processes than what the ratio is made of, so the
    noise is told too large rather than too small.
    """
    found = [abs(float(np.log(ratio_of(times[a], times[b])))) for a, b in halves(len(times))]
    return float(np.expm1(max(found))) if found else None


def halves(number: int) -> list[tuple[list[int], list[int]]]:
    """Divisions of `number` processes into two halves of equal size, each once, at most MAX_HALVES of them."""
    size = number // 2
    if not size:
        return []
    out = []
    for first in combinations(range(number), size):
        rest = [i for i in range(number) if i not in first]
        for second in combinations(rest, size):
            if first < second:
                out.append((list(first), list(second)))
    step = max(1, len(out) // MAX_HALVES)
    return out[::step][:MAX_HALVES]


def order(pairs: int) -> str:
    """Who is timed when: "A" the champion, "B" the challenger: ABBAABBA…, a turn each per pair."""
    return "".join("AB" if pair % 2 == 0 else "BA" for pair in range(pairs))


def miss_rate(wall_ms: NDArray[np.float64], deadline_ms: float) -> float | None:
    """Share of the answers that came after the deadline; None without an answer."""
    return float(np.mean(wall_ms > deadline_ms)) if wall_ms.size else None


def rows(found: Slowdown, cpu_ms: tuple[float, float]) -> list[Row]:
    """The slowdown as evidence; `cpu_ms`: the medians of both, for people."""
    words = "time of an image on the processor; the ratio is the median over images"
    return [
        Row(
            "latency", "slowdown", words, "×", found.verdict, *cpu_ms,
            difference=found.ratio, interval=found.interval, limit=found.limit, to_change=_to_change(found),
        )
    ]  # fmt: skip


def _to_change(found: Slowdown) -> str:
    if found.verdict == "promote":
        return ""
    if found.ratio is None or found.noise is None:
        return "no time could be taken: run it again"
    if found.verdict == "inconclusive":
        noise = f"{100 * found.noise:.0f} % between two halves of the champion's own times"
        return f"the machine is too noisy to tell ({noise}): run it again when it is quieter"
    return f"it would have to take at most {found.limit:g} times the champion's time; it takes {found.ratio:.2f} times"


def deadline_row(
    wall_ms: NDArray[np.float64], cpu_ms: NDArray[np.float64], deadline_ms: float, max_miss_rate: float
) -> Row:
    """The challenger's answers against an absolute deadline, by the clock.

    Where the processor alone would have kept it, the machine had others to serve: that holds nobody, proves nothing.
    """
    late, busy = miss_rate(wall_ms, deadline_ms), miss_rate(cpu_ms, deadline_ms)
    verdict: Verdict = "hold"
    if late is not None and busy is not None:
        verdict = "promote" if late <= max_miss_rate else "hold" if busy > max_miss_rate else "inconclusive"
    text = "no time could be taken" if late is None else f"{100 * late:.1f} % of the answers took longer"
    said = f"{text} than {deadline_ms:g} ms; at most {100 * max_miss_rate:g} % may"
    if verdict == "inconclusive":
        said += f"; on the processor {100 * (busy or 0):.1f} % did: run it again when the machine is quieter"
    return Row(
        "latency", "deadline_miss_rate", f"answers after {deadline_ms:g} ms", "%", verdict,
        challenger=late, limit=max_miss_rate, to_change="" if verdict == "promote" else said,
    )  # fmt: skip


def percentiles_of(wall_ms: Sequence[float] | NDArray[np.float64]) -> dict[str, float | None]:
    """p50, p95, p99 in milliseconds and jitter (p99 / p50), rounded; None without a time."""
    if not len(wall_ms):
        return dict.fromkeys(("p50_ms", "p95_ms", "p99_ms", "jitter"))
    p50, p95, p99 = (float(v) for v in np.percentile(wall_ms, [50, 95, 99]))
    return {"p50_ms": round(p50, 3), "p95_ms": round(p95, 3), "p99_ms": round(p99, 3), "jitter": round(p99 / p50, 3)}


def _least(times: Times) -> NDArray[np.float64]:
    return np.asarray(times.min(axis=(0, 2)), dtype=np.float64)
