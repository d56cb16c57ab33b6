"""The main job: bring every stage up to date, promote what passed, write the report.

`make run` calls `main`; a deployment calls `pipeline`. DVC decides what has to run, Prefect when.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # people read our own lines; Prefect's go to its page, not to the terminal
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")

from filelock import FileLock, Timeout
from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture, wait
from prefect.task_runners import ThreadPoolTaskRunner

from flows import ROOT
from flows.dag import Stage, changed_stages, read_dag
from flows.lockfile import settle, stage_order
from flows.process import Processes, StageFailedError, repair_rwlock, reproduce
from flows.progress import Progress
from flows.record import Record, read
from flows.summary import markdown, print_summary, winner_of
from segwise.errors import BusyError, GateRefusedError, SegwiseError

STAGE_TIMEOUT_S = 4 * 3600.0
EFFECT_TIMEOUT_S = 600.0


class Run:
    """One run of the pipeline in one repository: its processes, its progress, its record."""

    def __init__(self, root: Path, jobs: int) -> None:
        self.root = root
        self.processes = Processes(root)
        self.free = threading.BoundedSemaphore(jobs)
        self.record = Record(root)
        self.stages = read_dag(root)
        self.todo = changed_stages(root, self.stages)
        self.progress = Progress(sys.stdout, self.stages, self.todo, self.record.seconds, jobs)

    def tell(self, step: str, line: str) -> None:
        """Show a line of a step, and keep it in the log of the Prefect task."""
        self.progress.line(step, line)
        get_run_logger().info(line)

    def stage(self, name: str) -> str:
        """Bring one stage up to date: `ran`, `restored` or `unchanged`."""
        if name not in self.todo:
            self.record.done(name, "unchanged", 0.0)
            return "unchanged"
        with self.free:
            self.progress.start(name)
            try:
                outcome = reproduce(self.processes, name, lambda line: self.tell(name, line), STAGE_TIMEOUT_S)
            except SegwiseError as error:
                self.progress.end(name, "FAILED")
                self.record.failed(name, error)
                raise
        self.record.done(name, outcome, self.progress.end(name, outcome))
        return outcome

    def effect(self, *arguments: str) -> str:
        """Run `segwise ARGUMENTS` and return what it says."""
        name = arguments[0]
        finished = self.processes.run(
            [sys.executable, "-m", "segwise.cli", *arguments], lambda line: self.tell(name, line), EFFECT_TIMEOUT_S
        )
        if finished.code != 0:
            error = StageFailedError(name, max(finished.code, 1), " ".join(finished.lines[-3:]) or "no message")
            self.record.failed(name, error)
            raise error
        self.record.done(name, "done", 0.0)
        return "\n".join(finished.lines)


def _is_busy(_task: Any, _run: Any, state: State[Any]) -> bool:
    return isinstance(state.result(raise_on_failure=False), BusyError)


def _name() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d-%H%M%S")


@flow(
    name="segwise",
    flow_run_name=_name,
    task_runner=ThreadPoolTaskRunner(max_workers=64),  # type: ignore[arg-type]  # Prefect types it for Any results
    persist_result=False,
)
def pipeline(root: str = str(ROOT), jobs: int = 0) -> list[State[Any]]:
    """Reproduce every stage, promote the winner if it is new, report.

    Args:
        root: the repository to run in.
        jobs: how many stages may run side by side; 0 = half the processors, at least 2.
    """
    folder = Path(root).resolve()
    lock = FileLock(folder / ".segwise" / "run.lock")
    Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BusyError("no other run", f"one is going on in {folder}", "wait for it, or stop it") from None
    with lock:
        run = Run(folder, jobs or max(2, (os.cpu_count() or 2) // 2))
        try:
            return _states(run)
        except BaseException:
            run.processes.stop()  # cancelled or interrupted: no stage may write on after the run is gone
            raise
        finally:
            run.progress.close()


def _states(run: Run) -> list[State[Any]]:
    """Every state of the run, so that one failed step fails it."""
    if run.processes.end_leftovers():
        run.progress.say("        ended what a killed run had left running")
    if repair_rwlock(run.root):
        run.progress.say("        removed a lock file that a killed run had left half written")
    integrity = _effect(run, "integrity") if (run.root / "data.dvc").exists() else []
    if any(state.is_failed() for state in integrity):
        return integrity
    order = stage_order(run.root)
    futures = _submit(run)
    wait(list(futures.values()))
    settle(run.root, order)
    states = integrity + [future.state for future in futures.values()]
    if "gate" in futures:
        complete = all(state.is_completed() for state in states)
        states += _promote(run) if complete else []
        states += _effect(run, "report")
        create_markdown_artifact(markdown(run.root), key="verdict", description="what every approach reached")
    return states


def _submit(run: Run) -> dict[str, PrefectFuture[Any]]:
    """One Prefect task per stage; each waits for the stages it depends on."""

    @task(persist_result=False, retries=2, retry_delay_seconds=3, retry_condition_fn=_is_busy)
    def reproduce_stage(name: str) -> str:
        return run.stage(name)

    futures: dict[str, PrefectFuture[Any]] = {}
    for stage in run.stages:
        named = reproduce_stage.with_options(name=stage.name, task_run_name=stage.name)
        futures[stage.name] = named.submit(
            stage.name, wait_for=[futures[name] for name in stage.after], return_state=False
        )
    return futures


def _effect(run: Run, *arguments: str) -> list[State[Any]]:
    @task(name=arguments[0], task_run_name=arguments[0], persist_result=False)
    def effect() -> str:
        return run.effect(*arguments)

    return [effect(return_state=True)]


def _promote(run: Run) -> list[State[Any]]:
    winner, why = winner_of(run.root)
    if winner:
        return _effect(run, "promote", "--actor", "pipeline", "--reason", f"passed the gate: {winner}")

    @task(name="promote", task_run_name="promote", persist_result=False)
    def refuse() -> None:
        error = GateRefusedError("an approach that meets every threshold", why, "see work/report/index.html")
        run.record.failed("promote", error)
        raise error

    return [refuse(return_state=True)]


def _is_up_to_date(root: Path, stages: tuple[Stage, ...]) -> bool:
    """Whether a run would change nothing: no stage, no promotion, no report."""
    last = read(root)
    finished = last.get("exit_code") in (0, GateRefusedError.exit_code) and "report" in last.get("outcomes", {})
    report = root / "work" / "report" / "index.html"
    return finished and report.is_file() and not changed_stages(root, stages)


def main(arguments: list[str] | None = None) -> int:
    """`python -m flows.pipeline`: run, show progress and the table; returns segwise's exit code."""
    parser = argparse.ArgumentParser(prog="python -m flows.pipeline", description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository to run in (default: this one)")
    parser.add_argument("--jobs", type=int, default=0, help="stages side by side (default: half the processors)")
    values = parser.parse_args(arguments)
    try:
        return _run_here(values.root.resolve(), values.jobs)
    except SegwiseError as error:
        print(f"segwise run: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("segwise run: interrupted; the next run goes on from here", file=sys.stderr)
        return 130


def _run_here(root: Path, jobs: int) -> int:
    if _is_up_to_date(root, read_dag(root)):
        print("Nothing changed since the last run: every stage is up to date, nothing was trained.")
    else:
        state = pipeline(root=str(root), jobs=jobs, return_state=True)
        error = state.result(raise_on_failure=False) if not state.is_completed() else None
        if isinstance(error, SegwiseError):
            raise error
    last = read(root)
    for step, failure in last.get("failures", {}).items():
        print(f"\n{step} failed: {failure['message']}", file=sys.stderr)
    print_summary(root)
    return int(last.get("exit_code", 1))


if __name__ == "__main__":
    sys.exit(main())
