"""One run of the pipeline in one repository: its processes, its progress, its record."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from prefect import get_run_logger

from flows.dag import changed_stages, read_dag
from flows.process import Processes, StageFailedError, repair_rwlock, reproduce
from flows.progress import Progress
from flows.record import Record

STAGE_TIMEOUT_S = 4 * 3600.0
EFFECT_TIMEOUT_S = 600.0


class Run:
    """What the Prefect tasks of one run share; each method would work without Prefect but for the log."""

    def __init__(self, root: Path, jobs: int) -> None:
        self.root = root
        self.processes = Processes(root)
        repaired = self._repair()  # first: DVC itself waits for what a killed run left behind
        self.free = threading.BoundedSemaphore(jobs)
        self.record = Record(root)
        self.stages = read_dag(root)
        self.todo = changed_stages(root, self.stages)
        self.progress = Progress(sys.stdout, self.stages, self.todo, self.record.seconds, jobs)
        for what in repaired:
            self.progress.say(f"        {what}")

    def _repair(self) -> list[str]:
        ended, torn = self.processes.end_leftovers(), repair_rwlock(self.root)
        return ["ended what a killed run had left running"] * bool(ended) + [
            "removed a lock file that a killed run had left half written"
        ] * torn

    def tell(self, step: str, line: str) -> None:
        """Show a line of a step, and keep it in the log of the Prefect task."""
        self.progress.line(step, line)
        get_run_logger().info(line)

    def stage(self, name: str) -> str:
        """Bring one stage up to date: `ran`, `restored` or `unchanged`."""
        if name not in self.todo:
            self.record.done(name, "unchanged")
            return "unchanged"
        with self.free:
            self.progress.start(name)
            try:
                outcome = reproduce(self.processes, name, lambda line: self.tell(name, line), STAGE_TIMEOUT_S)
            except Exception as error:
                self.progress.end(name, "FAILED")
                self.record.failed(name, error)
                raise
        self.record.done(name, outcome, self.progress.end(name, outcome))
        return outcome

    def effect(self, *arguments: str, timeout_s: float = EFFECT_TIMEOUT_S) -> str:
        """Run `segwise ARGUMENTS` and return what it says."""
        name = arguments[0]
        command = [sys.executable, "-m", "segwise.cli", *arguments]
        try:
            finished = self.processes.run(command, lambda line: self.tell(name, line), timeout_s)
            if finished.code != 0:
                raise StageFailedError(name, max(finished.code, 1), " ".join(finished.lines[-3:]) or "no message")
        except Exception as error:
            self.record.failed(name, error)
            raise
        self.record.done(name, "done")
        return "\n".join(finished.lines)
