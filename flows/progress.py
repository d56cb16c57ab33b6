"""What a run tells while it goes: which step, how long it took, how long is left."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TextIO

from flows.dag import Stage

# Seconds on two cores, for steps never run here; afterwards the last run's own times are used.
USUAL_S = {"train": 300.0, "calibrate": 30.0, "evaluate": 20.0, "benchmark": 40.0, "package": 15.0, "validate": 15.0}
OTHER_S = 5.0
HEARTBEAT_S = 20.0

_CHATTER = re.compile(  # DVC's own words, kept in the log and left out of the terminal
    r"^(Running stage|Generating lock file|> |Updating lock file|Use `dvc push`|To track the changes|\s*git add"
    r"|To enable auto staging|Stage '.*' (didn't change|is cached)|Data and pipelines|.*skipping run, checking out"
    r"|\s*dvc config|ERROR: failed to)"
)


def expected_s(stage: str, measured: Mapping[str, float]) -> float:
    """Seconds a stage is expected to take: what it took last, else what its kind usually takes."""
    return measured.get(stage, USUAL_S.get(stage.split("@")[0], OTHER_S))


def time_left_s(stages: Sequence[Stage], left_s: Mapping[str, float], jobs: int) -> float:
    """Seconds until all stages are done: the longest chain, or all the work divided by `jobs` if that is more.

    Args:
        left_s: seconds each stage still needs; absent = done.
    """
    ends: dict[str, float] = {}
    for stage in stages:
        ends[stage.name] = max((ends[name] for name in stage.after), default=0.0) + left_s.get(stage.name, 0.0)
    return max(max(ends.values(), default=0.0), sum(left_s.values()) / jobs)


class Progress:
    """Prints one line per event to a stream; safe to use from several threads."""

    def __init__(self, out: TextIO, stages: Sequence[Stage], todo: set[str], measured: Mapping[str, float], jobs: int):
        self._out, self._stages, self._jobs = out, stages, jobs
        self._expected = {name: expected_s(name, measured) for name in todo}
        self._started: dict[str, float] = {}
        self._done: dict[str, float] = {}
        self._begin = self._spoke = time.monotonic()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        threading.Thread(target=self._beat, daemon=True).start()

    def start(self, stage: str) -> None:
        """A stage has begun."""
        with self._lock:
            self._started[stage] = time.monotonic()
            number = len(self._started) if stage in self._expected else 0
        self.say(f"[{number:>2}/{len(self._expected)}] {stage} …{self._tail()}")

    def line(self, stage: str, text: str) -> None:
        """A stage wrote a line."""
        if not _CHATTER.match(text):
            self.say(f"        {stage} │ {text}")

    def end(self, stage: str, how: str) -> float:
        """A stage has ended; returns its seconds."""
        with self._lock:
            seconds = time.monotonic() - self._started.get(stage, time.monotonic())
            self._done[stage] = seconds
        self.say(f"        {stage} {how} after {clock(seconds)}{self._tail()}")
        return seconds

    def say(self, text: str) -> None:
        """One line, at once."""
        with self._lock:
            self._spoke = time.monotonic()
            print(text, file=self._out, flush=True)

    def close(self) -> None:
        """No more heartbeats."""
        self._closed.set()

    def _tail(self) -> str:
        now = time.monotonic()
        with self._lock:
            left = {
                name: max(seconds - (now - self._started.get(name, now)), 0.0)
                for name, seconds in self._expected.items()
                if name not in self._done
            }
        remaining = f", about {clock(time_left_s(self._stages, left, self._jobs))} left" if left else ""
        return f"  ({clock(now - self._begin)} so far{remaining})"

    def _beat(self) -> None:
        while not self._closed.wait(HEARTBEAT_S):
            now = time.monotonic()
            with self._lock:
                running = [f"{n} {clock(now - t)}" for n, t in self._started.items() if n not in self._done]
                quiet_s = now - self._spoke
            if running and quiet_s >= HEARTBEAT_S:
                self.say(f"        running: {', '.join(running)}{self._tail()}")


def clock(seconds: float) -> str:
    """Seconds as people say them: `12 s`, `3:05 min`."""
    return f"{seconds:.0f} s" if seconds < 60 else f"{int(seconds) // 60}:{int(seconds) % 60:02d} min"
